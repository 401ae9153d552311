"""New rows of a grant, carried to the consumer by themselves: signed webhooks and file drops.

A batch is pinned and numbered before it leaves, so a repeat after a lost answer is the same batch
under the same number: the receiver counts numbers, and nothing comes twice.
"""

import hashlib
import json
import logging
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.crypto import sm3_mac
from commandcenter.core.errors import BadInput, DomainError, Problem, require
from commandcenter.journal.services import audit
from datahub import outbound
from datahub.selectors import spec_for

from ..cursors import Cursor
from ..formats import encoded
from ..models import Agreement, Delivering
from ..policies import may_use
from ..reading import Page, pin_cursor, question, read_page
from ..states import AgreementState, Outcome, Way
from ._moving import locked
from .calls import note_call, standing, terms_of_agreement

if TYPE_CHECKING:
    from city.models import User

log = logging.getLogger(__name__)
WEBHOOK_ROWS = 1_000
FILE_ROWS = 50_000
FIRST_PAUSE_S = 10
LONGEST_PAUSE_S = 3_600
GIVE_UP_AFTER = 12  # failures in a row; about five hours
BATCHES_A_RUN = 50
DROP_FORMS = ("csv", "parquet", "json")


@transaction.atomic
def set_webhook(*, agreement_id: int, by: "User", url: str) -> str:
    """Push new rows to an allow-listed address. Returns the secret that signs them, told this once.

    Raises OutboundRefused, DomainError where the grant is not live.
    """
    agreement = _live(agreement_id, by)
    outbound.check(url)
    secret = secrets.token_hex(32)
    Delivering.objects.update_or_create(
        agreement=agreement,
        way=Way.WEBHOOK,
        defaults={"url": url, "secret": secret, "paused": False, "failures": 0, "next_try": None},
    )
    audit(actor=by, action="datahub.set_webhook", target_ref=agreement.ref, body={"url": url})
    return secret


@transaction.atomic
def set_file_drop(*, agreement_id: int, by: "User", form: str = "csv") -> Delivering:
    """Put new rows as files into the grant's folder."""
    agreement = _live(agreement_id, by)
    if form not in DROP_FORMS:
        raise BadInput(Problem(None, "form", _("No such format.")))
    found, _new = Delivering.objects.update_or_create(
        agreement=agreement, way=Way.FILE, defaults={"form": form, "paused": False, "failures": 0}
    )
    audit(actor=by, action="datahub.set_file_drop", target_ref=agreement.ref, body={"form": form})
    return found


@transaction.atomic
def end_delivering(*, agreement_id: int, by: "User", way: str) -> None:
    agreement = locked(agreement_id)
    require(may_use(by, agreement))
    Delivering.objects.filter(agreement=agreement, way=way).delete()
    audit(actor=by, action="datahub.end_delivering", target_ref=agreement.ref, body={"way": way})


def _live(agreement_id: int, by: "User") -> Agreement:
    agreement = locked(agreement_id)
    require(may_use(by, agreement))
    denial = standing(agreement)
    if denial is not None:
        raise DomainError(denial.label, code=denial.value)
    return agreement


def carry_all() -> dict[str, int]:
    """One round over everything that is due. A failure of one holds up no other."""
    at = clock.now()
    due = Delivering.objects.filter(
        Q(next_try=None) | Q(next_try__lte=at), paused=False, agreement__state=AgreementState.GRANTED
    )
    done = {"batches": 0, "rows": 0, "failed": 0}
    for pk in list(due.order_by("pk").values_list("pk", flat=True)):
        for _batch in range(BATCHES_A_RUN):
            rows = carry_one(pk)
            if rows is None:
                break
            if rows < 0:
                done["failed"] += 1
                break
            done["batches"] += 1
            done["rows"] += rows
    return done


def carry_one(pk: int) -> int | None:
    """The next batch of one delivering: its rows, None when there is none, -1 when it failed.

    The row is locked for as long as the batch takes: nobody else carries the same one.
    """
    with transaction.atomic():
        held = (
            Delivering.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("agreement__dataset")
            .filter(pk=pk, paused=False)
            .first()
        )
        if held is None or standing(held.agreement) is not None:
            return None
        page = _next_page(held)
        if not page.rows:
            held.position = str(page.next or page.resume)
            held.last_at = clock.now()
            held.save(update_fields=["position", "last_at"])
            return 0 if page.next else None
        try:
            note = _send(held, page) if held.way == Way.WEBHOOK else _drop(held, page)
        except (DomainError, OSError) as error:
            _failed(held, page, str(error)[:300])
            return -1
        _carried(held, page, note)
        return page.rows


def _next_page(held: Delivering) -> Page:
    agreement = held.agreement
    dataset = agreement.dataset
    terms = terms_of_agreement(agreement)
    asked = question(spec_for(dataset), terms, columns=None, conditions=[])
    cursor = (
        Cursor.read(held.position, code=dataset.code, asked=asked.asked)
        if held.position
        else Cursor(dataset.code, asked=asked.asked)
    )
    cursor = pin_cursor(dataset, cursor)
    held.position = str(cursor)  # pinned: a second try reads the same rows
    limit = WEBHOOK_ROWS if held.way == Way.WEBHOOK else FILE_ROWS
    return read_page(dataset, terms, asked, cursor=cursor, limit=limit, salt=agreement.consumer_ref)


def signature(secret: str, timestamp: str, number: str, body: bytes) -> str:
    """HMAC-SM3 over time, number and body, so that neither can be exchanged."""
    return sm3_mac(bytes.fromhex(secret), f"{timestamp}.{number}.".encode() + body).hex()


def _send(held: Delivering, page: Page) -> dict[str, object]:
    number, timestamp = str(held.number + 1), str(int(clock.now().timestamp()))
    body = encoded(
        "json",
        page.table,
        agreement=held.agreement.number,
        dataset=held.agreement.dataset.code,
        batch=held.number + 1,
        version=page.version,
    )
    answer = outbound.request(
        "POST",
        held.url,
        body=body,
        headers={
            "Content-Type": "application/json",
            "X-Share-Agreement": held.agreement.number,
            "X-Share-Batch": number,
            "X-Share-Timestamp": timestamp,
            "X-Share-Signature": f"sm3={signature(held.secret, timestamp, number, body)}",
        },
        max_redirects=0,
        max_bytes=64 * 1024,
    )
    if not 200 <= answer.status < 300:
        raise DomainError(f"HTTP {answer.status}", code="webhook_refused")
    return {"status": answer.status}


def folder_of(agreement: Agreement) -> Path:
    return Path(settings.MEDIA_ROOT) / "datahub" / "share" / agreement.number


def _drop(held: Delivering, page: Page) -> dict[str, object]:
    """The file first, then its manifest: what has no manifest is not finished."""
    folder = folder_of(held.agreement)
    folder.mkdir(parents=True, exist_ok=True)
    code, number = held.agreement.dataset.code, held.number + 1
    name = f"{code}-{number:08d}.{held.form}"
    body = encoded(held.form, page.table, dataset=code, version=page.version)
    _write(folder / name, body)
    manifest = {
        "agreement": held.agreement.number,
        "dataset": code,
        "batch": number,
        "file": name,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "rows": page.rows,
        "columns": page.table.schema.names,
        "version": page.version,
        "made_at": clock.now().isoformat(),
    }
    _write(folder / f"{name}.manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    return {"file": name}


def _write(path: Path, body: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _carried(held: Delivering, page: Page, note: dict[str, object]) -> None:
    held.position = str(page.next or page.resume)
    held.number += 1
    held.failures, held.last_error, held.next_try = 0, "", None
    held.last_at = clock.now()
    held.save()
    note_call(
        held.agreement,
        held.agreement.dataset.code,
        held.way,
        Outcome.OK,
        rows=page.rows,
        form="json" if held.way == Way.WEBHOOK else held.form,
        version=page.version,
        position=page.resume.place,
        body={"batch": held.number, **note},
    )


def _failed(held: Delivering, page: Page, why: str) -> None:
    """Try again later, each time later; after GIVE_UP_AFTER failures a person has to look."""
    held.failures += 1
    pause = min(FIRST_PAUSE_S * 2 ** (held.failures - 1), LONGEST_PAUSE_S)
    held.next_try = clock.now() + timedelta(seconds=pause)
    held.paused = held.failures >= GIVE_UP_AFTER
    held.last_error = why
    held.save()
    log.warning("batch %s of %s not carried: %s", held.number + 1, held.agreement.number, why)
    note_call(
        held.agreement,
        held.agreement.dataset.code,
        held.way,
        Outcome.FAILED,
        version=page.version,
        position=page.resume.place,
        body={"batch": held.number + 1, "error": why, "failures": held.failures},
    )
