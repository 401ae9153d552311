"""A steward asks that a person be erased, another one decides; and duties to keep, which come first."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.core.moves import next_state
from commandcenter.core.spoken import Needles, is_distinct, plain
from commandcenter.journal.services import audit

from .knowing import Known, know, marks_of
from .models import ErasureRequest, LegalHold
from .policies import may_decide_erasure, may_erase, may_withdraw_erasure
from .states import MOVES, Ground

MOST_VALUES = 20
LEAST_REASON = 4


@transaction.atomic
def ask_erasure(*, values: Sequence[str], ground: str, reason: str, by: Any) -> ErasureRequest:
    """Ask; what would be changed is counted at once in the background. Nothing is touched yet.

    values: what the person is known by, one of them at least a number or an address of his own.
    Raises BadInput where nobody and nothing is known by them.
    """
    require(may_erase(by))
    given = list(dict.fromkeys(" ".join(value.split()) for value in values if value.strip()))
    problems = []
    if ground not in Ground.values:
        problems.append(Problem(None, "ground", _("Please choose.")))
    if len(" ".join(reason.split())) < LEAST_REASON:
        problems.append(Problem(None, "reason", _("say why the person is erased")))
    if len(given) > MOST_VALUES or not any(is_distinct(plain(value)) for value in given):
        problems.append(Problem(None, "values", _("at least one number, e-mail or address of the person")))
    if problems:
        raise BadInput(problems)
    return _write(know(given), given, ground, reason, by)


def _write(known: Known, given: list[str], ground: str, reason: str, by: Any) -> ErasureRequest:
    request = ErasureRequest.objects.create(
        ground=ground,
        reason=Needles(known.values).hide(" ".join(reason.split())),
        given=json.dumps(list(dict.fromkeys([*given, *known.values])), ensure_ascii=False),
        marks=known.marks,
        tokens=list(known.tokens),
        refs=sorted(known.refs),
        asked_by=by,
        asked_at=clock.now(),
    )
    audit(
        actor=by,
        action="datahub.ask_erasure",
        target_ref=request.ref,
        reason=request.reason,
        body={"persons": list(known.tokens), "cases": len(known.refs), "ground": ground},
    )
    transaction.on_commit(lambda: _ring("datahub.vault.tasks.preview_erasure", request.pk), robust=True)
    return request


@transaction.atomic
def approve_erasure(*, request_id: int, by: Any, note: str = "") -> ErasureRequest:
    """The second steward says yes: it runs at once, and a duty to keep stops it with its reason."""
    request = _decided(request_id, "approve", by, note)
    transaction.on_commit(lambda: _ring("datahub.vault.tasks.run_erasures"), robust=True)
    return request


@transaction.atomic
def refuse_erasure(*, request_id: int, by: Any, note: str) -> ErasureRequest:
    if len(note.strip()) < LEAST_REASON:
        raise BadInput(Problem(None, "note", _("say why")))
    return _close(_decided(request_id, "refuse", by, note))


@transaction.atomic
def withdraw_erasure(*, request_id: int, by: Any) -> ErasureRequest:
    request = ErasureRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
    require(may_withdraw_erasure(by, request))
    return _close(_move(request, "withdraw", by, ""))


def _decided(request_id: int, action: str, by: Any, note: str) -> ErasureRequest:
    request = ErasureRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
    next_state(MOVES, action, request.state)  # says so where it was decided already
    require(may_decide_erasure(by, request), _("Another steward than the one who asked has to decide."))
    return _move(request, action, by, note)


def _move(request: ErasureRequest, action: str, by: Any, note: str) -> ErasureRequest:
    request.state = next_state(MOVES, action, request.state)
    request.decided_by, request.decided_at = by, clock.now()
    request.note = Needles(json.loads(request.given or "[]")).hide(note.strip())
    request.save(update_fields=["state", "decided_by", "decided_at", "note"])
    audit(actor=by, action=f"datahub.{action}_erasure", target_ref=request.ref, reason=request.note)
    return request


def _close(request: ErasureRequest) -> ErasureRequest:
    """What was given is not needed any more."""
    request.given, request.marks = "", []
    request.save(update_fields=["given", "marks"])
    return request


@transaction.atomic
def place_hold(*, value: str, statute: str, reason: str, by: Any, until: date | None = None) -> LegalHold:
    """Write a duty to keep down, by a value of the person. Raises BadInput without its statute."""
    require(may_erase(by))
    problems = [
        Problem(None, name, _("Please fill this in."))
        for name, text in (("statute", statute), ("reason", reason))
        if len(text.strip()) < LEAST_REASON
    ]
    if not is_distinct(plain(value)):
        problems.append(Problem(None, "value", _("at least one number, e-mail or address of the person")))
    if problems:
        raise BadInput(problems)
    hold = LegalHold.objects.create(
        mark=marks_of([plain(value)])[0],
        statute=statute.strip()[:200],
        reason=Needles([value]).hide(reason.strip()),
        until=until,
        placed_by=by,
        placed_at=clock.now(),
    )
    audit(actor=by, action="datahub.place_hold", target_ref=f"datahub.hold:{hold.pk}", reason=hold.statute)
    return hold


@transaction.atomic
def lift_hold(*, hold_id: int, by: Any) -> LegalHold:
    """The duty ended: what waited for it goes on by itself."""
    require(may_erase(by))
    hold = LegalHold.objects.select_for_update(of=("self",)).get(pk=hold_id)
    if hold.lifted_at is None:
        hold.lifted_at, hold.lifted_by = clock.now(), by
        hold.save(update_fields=["lifted_at", "lifted_by"])
        audit(actor=by, action="datahub.lift_hold", target_ref=f"datahub.hold:{hold.pk}", reason=hold.statute)
        transaction.on_commit(lambda: _ring("datahub.vault.tasks.run_erasures"), robust=True)
    return hold


def _ring(task: str, *numbers: int) -> None:
    """By name: services do not import tasks."""
    import_string(task).apply_async(args=numbers, queue="lake")
