"""The writers of requests: whoever asks stays unknown, and the steward answers in the open."""

import secrets
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from city.calendar import add_working_days
from city.selectors import roots
from commandcenter.core import clock
from commandcenter.core.crypto import keyed_hash
from commandcenter.core.errors import BadInput, DomainError, Problem, require
from commandcenter.core.masking import mask_text
from commandcenter.core.moves import next_state
from commandcenter.core.times import shanghai_day
from commandcenter.journal.live import announce
from commandcenter.journal.services import audit

from .events import DataRequestMoved
from .limits import take
from .models import DataRequest, DataRequestMove
from .policies import may_answer
from .selectors import open_dataset
from .states import ANSWER_WITHIN_DAYS, ANSWERED, MOVES, Applicant

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that is mistaken when read out
CODE_LENGTH = 10


class TooOften(DomainError):
    code = "slow_down"

    def __init__(self, seconds: int) -> None:
        super().__init__(_("Please wait a little and try again."))
        self.seconds = seconds


@transaction.atomic
def ask_for_data(*, title: str, purpose: str, applicant: str) -> tuple[DataRequest, str]:
    """Write a request down. Returns it with the code that is never shown again.

    Telephone and identity numbers in the text are masked before they are stored: nobody needs them.
    """
    problems = [
        Problem(None, name, _("Please fill this in."))
        for name, text in (("title", title), ("purpose", purpose))
        if not text.strip()
    ]
    if applicant not in Applicant.values:
        problems.append(Problem(None, "applicant", _("Please choose.")))
    if problems:
        raise BadInput(problems)
    at = clock.now()
    code = new_code()
    request = DataRequest.objects.create(
        number=f"?{secrets.token_hex(8)}",
        code_hash=keyed_hash(code, purpose="portal-code"),
        title=mask_text(title.strip()),
        purpose=mask_text(purpose.strip()),
        applicant=applicant,
        received_at=at,
        due_at=add_working_days(at, ANSWER_WITHIN_DAYS),
    )
    request.number = f"KF-{shanghai_day(at).year}-{request.pk:06d}"
    request.save(update_fields=["number"])
    _write(request, "ask", "", by=None, note="", at=at)
    return request, code


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _n in range(CODE_LENGTH))


def look_up(*, number: str, code: str, address: str) -> DataRequest | None:
    """The request with this number and code; a wrong number and a wrong code are not told apart.

    Raises TooOften: for an address, and for a number that somebody guesses codes of.
    """
    number, code = number.strip().upper()[:24], code.strip().upper().replace(" ", "")[:40]
    wait = take("look_up", address)
    if wait:
        raise TooOften(wait)
    found = DataRequest.objects.select_related("dataset").filter(number=number).first()
    hashed = keyed_hash(code or "-", purpose="portal-code")
    if found is not None and secrets.compare_digest(found.code_hash, hashed):
        return found
    wait = take("guess", f"number:{number}")
    if wait:
        raise TooOften(wait)
    return None


@transaction.atomic
def accept_request(*, request_id: int, by: Any, note: str = "") -> DataRequest:
    """Somebody looks into it; the person who asked sees so."""
    return _move(request_id, "accept", by=by, note=note)


@transaction.atomic
def open_request(*, request_id: int, by: Any, dataset_code: str, note: str) -> DataRequest:
    """The answer is a dataset that is open now."""
    require(may_answer(by))
    dataset = open_dataset(dataset_code)
    if dataset is None:
        raise BadInput(Problem(None, "dataset_code", _("No open dataset has this code.")))
    _said(note)
    return _move(request_id, "open", by=by, note=note, dataset=dataset)


@transaction.atomic
def decline_request(*, request_id: int, by: Any, note: str) -> DataRequest:
    """It stays closed; the reason is told."""
    require(may_answer(by))
    _said(note)
    return _move(request_id, "decline", by=by, note=note)


def _said(note: str) -> None:
    if not note.strip():
        raise BadInput(Problem(None, "note", _("Please fill this in.")))


def _move(request_id: int, action: str, *, by: Any, note: str, **values: Any) -> DataRequest:
    require(may_answer(by))
    request = DataRequest.objects.select_for_update().get(pk=request_id)
    at = clock.now()
    before = request.state
    request.state = next_state(MOVES, action, before)
    if request.state in ANSWERED:
        values |= {"answered_at": at, "answer": note.strip()}
    for name, value in values.items():
        setattr(request, name, value)
    request.save(update_fields=["state", *values])
    _write(request, action, before, by=by, note=note.strip(), at=at)
    audit(actor=by, action=f"datahub.{action}_data_request", target_ref=request.ref, reason=note.strip())
    return request


def _write(request: DataRequest, action: str, before: str, *, by: Any, note: str, at: datetime) -> None:
    DataRequestMove.objects.create(
        request=request, action=action, from_state=before, to_state=request.state, by=by, note=note, at=at
    )
    announce(
        DataRequestMoved(
            area_code=next(iter(roots()), ""),
            audiences=["steward"],
            at=at,
            request_id=request.pk,
            number=request.number,
            action=action,
            from_state=before,
            to_state=request.state,
            due_at=request.due_at,
        )
    )
