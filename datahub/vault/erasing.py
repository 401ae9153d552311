"""Erasing a person: the key is destroyed, and everywhere else the values are looked for and taken out.

The order makes a kill harmless: first nothing more of the person comes in, then every trace is cleaned
and searched again (which can be repeated), last the list of the erased is written and the key destroyed.
Until then the values can still be read, which is what the cleaning needs. Each place is cleaned and its
line of the proof written in one transaction; files and the lake, which know none, before their line.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from commandcenter import wiring
from commandcenter.core import clock
from commandcenter.core.crypto import audit_key, sm3_mac
from commandcenter.core.errors import Conflict
from commandcenter.core.moves import next_state
from commandcenter.core.spoken import Needles
from commandcenter.journal.erasing import Person, erase_everywhere, rows_of, searched_models
from commandcenter.journal.services import audit
from datahub.models import DeliveryBlob
from datahub.states import OPEN

from . import ledger, traces
from .knowing import Known, hold_on, known_of, lake_rows, own_rows
from .lake import clean_lake
from .models import ErasureProof, ErasureRequest, VaultErasure, VaultField, VaultSubject
from .states import MOVES, WAITING, ErasureState

log = logging.getLogger(__name__)

LOCK_CLASS = 0x65726173  # "eras"
MOST_TRIES = 50
TABLES, LAKE, FILES, BLOBS, VAULT, OWNERS = "tables", "lake", "files", "blobs", "vault", "with_their_owners"


class SomethingLeft(Exception):
    """After the cleaning a value was found again; the request stays open and is run again."""


def run_erasures() -> int:
    """Each minute: what was approved is done, also what a kill or a fault left half-way."""
    done = 0
    for pk in ErasureRequest.objects.filter(state__in=WAITING, tries__lt=MOST_TRIES).values_list(
        "pk", flat=True
    ):
        try:
            done += run_erasure(pk).state == ErasureState.DONE
        except Conflict:
            continue
        except Exception as error:
            log.exception("erasure %s is run again later", pk)
            ErasureRequest.objects.filter(pk=pk).update(last_error=type(error).__name__)
    return done


def run_erasure(pk: int) -> ErasureRequest:
    """Erase the person of an approved request; safe to repeat after a kill. Raises Conflict when it runs."""
    with _alone(pk):
        request = ErasureRequest.objects.get(pk=pk)
        if request.state not in WAITING:
            return request
        known = known_of(request)
        if _held(request, known):
            return request
        ErasureRequest.objects.filter(pk=pk).update(
            tries=request.tries + 1,
            refs=sorted(known.refs),
            given=json.dumps(known.values, ensure_ascii=False),
            marks=sorted({*request.marks, *known.marks}),
        )
        request.refresh_from_db()
        at = clock.now()
        subjects = VaultSubject.objects.filter(token__in=known.tokens)
        subjects.filter(erasing_at=None).update(erasing_at=at)
        person = Person(cause=request.ref, values=known.values, refs=known.refs, change=True)
        _clean(request, person, known)
        _finish(request, list(subjects.filter(erased_at=None)), person)
    return request


@contextmanager
def _alone(pk: int) -> Iterator[None]:
    """One process at a time runs a request; the lock goes with the connection of one that was killed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, pk])
        if not cursor.fetchone()[0]:
            raise Conflict(_("This erasure is running."), code="erasure_running")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, pk])


def _held(request: ErasureRequest, known: Known) -> bool:
    """A duty to keep beats the duty to erase: the person is stored and nothing else, until it ends."""
    hold = hold_on({*request.marks, *known.marks})
    action = "restrict" if hold else "resume"
    if (hold is not None) == (request.state == ErasureState.RESTRICTED):
        return hold is not None
    with transaction.atomic():
        request.state = next_state(MOVES, action, request.state)
        request.held_by = hold or request.held_by
        request.marks = sorted({*request.marks, *known.marks})
        request.save(update_fields=["state", "held_by", "marks"])
        VaultSubject.objects.filter(token__in=known.tokens).update(
            restricted_at=clock.now() if hold else None
        )
        audit(
            actor=None,
            action=f"datahub.{action}_person",
            target_ref=request.ref,
            reason=hold.statute if hold else "",
        )
    return hold is not None


def preview(pk: int) -> dict[str, Any]:
    """What would be changed, counted and kept with the request; nothing is touched."""
    request = ErasureRequest.objects.get(pk=pk)
    known = known_of(request)
    person = Person(cause=request.ref, values=known.values, refs=known.refs, change=False)
    counts: dict[str, Any] = {TABLES: _tables(person, known)}
    counts[LAKE] = clean_lake(person, list(known.tokens), set(known.datasets), lake_rows(known.refs))["rows"]
    counts[FILES] = len(traces.files_with(person.wide)[1])
    counts[OWNERS] = traces.foreign_files(person.wide)
    counts["cases"] = len(known.refs)
    counts["persons"] = len(known.tokens)
    hold = hold_on({*request.marks, *known.marks})
    counts["held_by"] = hold.statute if hold else ""
    ErasureRequest.objects.filter(pk=pk, state=ErasureState.ASKED).update(preview=counts)
    return counts


def _own(known: Known) -> dict[str, Q]:
    """Rejected rows of the datasets the person is in are read as his own: they have no subject."""
    return own_rows(known.refs) | {"datahub.Reject": Q(delivery__dataset_id__in=known.datasets)}


def _tables(person: Person, known: Known) -> dict[str, int]:
    counts: dict[str, int] = {}
    for path in wiring.ERASERS:
        counts |= import_string(path)(person)
    for label, found in erase_everywhere(person, _own(known)).items():
        counts[label] = max(found, counts.get(label, 0))
    return {label: n for label, n in sorted(counts.items()) if n}


def _clean(request: ErasureRequest, person: Person, known: Known) -> None:
    """Every place outside the vault, each with its line of the proof. Raises SomethingLeft at the end."""
    found = clean_lake(person, list(known.tokens), set(known.datasets), lake_rows(known.refs))
    left = _prove(request, LAKE, found["searched"], found["rows"], found["left"])
    searched, files = traces.files_with(person.wide)
    for path in files:
        path.unlink(missing_ok=True)
    left += _prove(request, FILES, searched, {"removed": len(files)}, len(traces.files_with(person.wide)[1]))
    if theirs := traces.foreign_files(person.wide):
        _prove(request, OWNERS, len(theirs), {"deliveries": theirs}, 0)
    with transaction.atomic():
        looked, emptied = _empty_blobs(person.wide)
        _prove(request, BLOBS, looked, {"datahub.DeliveryBlob": emptied}, 0)
    with transaction.atomic():
        counts = _tables(person, known)
        again = Person(cause=person.cause, values=person.values, refs=person.refs, change=False)
        rows = sum(rows_of(model._meta.label) for model in searched_models())
        found_again = erase_everywhere(again, _own(known))
        left += _prove(request, TABLES, rows, counts, sum(found_again.values()))
    if left:
        log.error("after %s something is left: %s", request.ref, sorted(found_again))
        raise SomethingLeft(request.ref)


def _empty_blobs(needles: Needles) -> tuple[int, int]:
    """Small batches whose rows are in the lake by now: what they came as is not needed any more."""
    kept = DeliveryBlob.objects.exclude(delivery=None).exclude(delivery__state__in=OPEN)
    hit = []
    looked = 0
    for pk, body in kept.values_list("pk", "body").iterator(chunk_size=200):
        looked += 1
        if body and traces.holds_bytes(iter([bytes(body)]), needles):
            hit.append(pk)
    DeliveryBlob.objects.filter(pk__in=hit).update(body=b"")
    return looked, len(hit)


def _prove(request: ErasureRequest, place: str, searched: int, counts: dict[str, Any], left: int) -> int:
    """A line of the proof: counts, and a digest that goes over the line before it too. Returns `left`."""
    at = clock.now()
    last = request.proofs.order_by("-pk").values_list("digest", flat=True).first() or ""
    changed = sum(n for n in counts.values() if isinstance(n, int))
    line = json.dumps([request.ref, place, searched, changed, left, counts, at.isoformat()], sort_keys=True)
    ErasureProof.objects.create(
        request=request,
        place=place,
        searched=searched,
        changed=changed,
        left=left,
        body=counts,
        digest=sm3_mac(audit_key(), (last + line).encode()).hex(),
        at=at,
    )
    return left


def _finish(request: ErasureRequest, subjects: list[VaultSubject], person: Person) -> None:
    """The end: the list of the erased on the disk, then keys and values, in one transaction."""
    at = clock.now()
    report = _report(request)
    with transaction.atomic():
        ledger.remember(at, tokens=[one.token for one in subjects], marks=request.marks)
        reason = person.own.hide(request.reason)
        report["fields"] = 0
        for subject in subjects:
            locked = VaultSubject.objects.select_for_update().get(pk=subject.pk)
            fields = VaultField.objects.filter(subject=locked).delete()[0]
            report["fields"] += fields
            locked.wrapped_key, locked.erased_at, locked.restricted_at = "", at, None
            locked.save(update_fields=["wrapped_key", "erased_at", "restricted_at"])
            VaultErasure.objects.create(
                subject=locked,
                by=request.decided_by,
                reason=reason[:500],
                report={**report, "fields": fields},
                at=at,
            )
        _prove(request, VAULT, len(subjects), {"datahub.VaultField": report["fields"]}, 0)
        request.state = next_state(MOVES, "finish", request.state)
        request.given, request.done_at, request.reason = "", at, reason
        request.note, request.last_error = person.own.hide(request.note), ""
        request.save(update_fields=["state", "given", "done_at", "reason", "note", "last_error"])
        audit(
            actor=request.decided_by,
            action="datahub.erase_person",
            target_ref=request.ref,
            reason=reason,
            body={"asked_by": request.asked_by_id, "report": report},
        )


def _report(request: ErasureRequest) -> dict[str, Any]:
    """What all runs of a request changed, by place."""
    found: dict[str, Any] = {LAKE: {}, TABLES: {}, FILES: 0, BLOBS: 0, OWNERS: []}
    for proof in request.proofs.order_by("pk"):
        if proof.place in (LAKE, TABLES):
            for name, n in proof.body.items():
                found[proof.place][name] = found[proof.place].get(name, 0) + n
        elif proof.place in (FILES, BLOBS):
            found[proof.place] += proof.changed
        elif proof.place == OWNERS:
            found[proof.place] = proof.body["deliveries"]
    return found
