"""Working deliveries off under the claim: one code for fresh ones and those a killed process left."""

import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.db import DatabaseError, transaction
from django.db.models import F

from city.locate import locator
from city.selectors import active_generation
from commandcenter.core import clock
from datahub.checks.block import Locate, Placed
from datahub.checks.guard import is_guarded, personal_columns
from datahub.checks.plan import best_mapping, make_plan
from datahub.checks.reading import open_as
from datahub.declare import DatasetSpec, MappingSpec
from datahub.faults import Notes, Refusal, Refused, reach
from datahub.formats.base import Source
from datahub.formats.columnar import TableSource
from datahub.lake import tables
from datahub.lake.staging import Stager, remove_leftovers
from datahub.lake.tables import SchemaConflict, StagedFile
from datahub.models import Dataset, Delivery, DeliveryFile, Reject
from datahub.quality.references import with_references
from datahub.selectors import spec_for
from datahub.states import DeliveryState
from datahub.vault.masking import safe_refusal, said_notes
from datahub.vault.writing import VaultWriter, erased_tokens, undo

from .blobs import blob_table, with_needed
from .digests import digest_of
from .moves import Progress, home_area, move, refuse
from .rejects import RejectWriter
from .stream import Stream, workers
from .taps import tap
from .writers import Claim

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 3
PUSH_ATTEMPTS = 50  # pushed rows were acknowledged: nobody will send them again


def work_off(claim: Claim) -> list[Delivery]:
    """Finish or undo everything open on the dataset: what has its turn first, in turn; then oldest first.

    A turn that was given before a kill must reach the lake before a later one is given: the table
    takes a smaller number for one that it has already.
    """
    done = []
    open_ones = Delivery.objects.filter(dataset=claim.dataset).unfinished()
    for delivery in open_ones.order_by(F("turn").asc(nulls_last=True), "pk"):
        delivery.dataset = claim.dataset
        _finish(delivery, claim)
        done.append(delivery)
    return done


def _finish(delivery: Delivery, claim: Claim) -> None:
    kept: list[pa.Table] | None = None
    if delivery.state in (DeliveryState.RECEIVED, DeliveryState.PARSED):
        kept = _read_and_check(delivery, claim)
    if delivery.state == DeliveryState.CHECKED:
        _commit(delivery, claim)
    if delivery.state == DeliveryState.COMMITTED and delivery.tapped_at is None:
        tap(delivery, kept)
    if not delivery.is_open and not delivery.keeps_file and delivery.path:
        Path(delivery.path).unlink(missing_ok=True)  # committed or refused for good


# ---------------------------------------------------------------- reading and checking


def _read_and_check(delivery: Delivery, claim: Claim) -> list[pa.Table] | None:
    """Up to `checked`: every row judged, files written, nothing visible yet."""
    spec = spec_for(delivery.dataset)
    reach("received")
    _clear_former_attempt(delivery)
    notes = Notes()
    stager = None
    try:
        most = MAX_ATTEMPTS if delivery.path else PUSH_ATTEMPTS
        if delivery.attempts > most:
            raise Refusal(Refused.FAILED, f"the process ended {most} times")
        source, mapping = open_delivery(delivery, spec)
        notes = source.notes
        plan = make_plan(spec, mapping, source, now=clock.now(), shift=delivery.shift or timedelta(0))
        if is_guarded(spec):
            plan = replace(plan, erased=erased_tokens())
        plan = with_references(plan, notes)
        move(delivery, "read", claim, mapping=mapping.name)
        reach("parsed")
        with ThreadPoolExecutor(workers(), thread_name_prefix="datahub") as pool:
            stager = _stager(delivery, spec, pool)
            rejects = RejectWriter(delivery, spec, plan)
            keep = VaultWriter(delivery, spec).add if personal_columns(spec) else None
            stream = Stream(
                plan, source, stager, pool, _locate(spec), rejects.add, Progress(delivery), on_personal=keep
            )
            stream.run()
            files = stager.finish()
            rejects.flush()
        reach("staged")
        if not stream.rows:
            raise Refusal(Refused.NO_ROWS)
        if not stream.passed:
            _refuse_all_rows(delivery, claim, stream, notes)
            return None
        tables.ensure_table(spec)
        _record_checked(delivery, claim, stream, stager, files, notes)
        reach("checked")
        return stream.kept
    except (Refusal, SchemaConflict, OSError, pa.ArrowException, MemoryError) as error:
        if stager is not None:
            stager.discard()
        Reject.objects.filter(delivery=delivery).delete()
        undo(delivery)
        if not isinstance(error, Refusal):
            log.error("delivery %s failed", delivery.pk, exc_info=None if is_guarded(spec) else error)
        refusal = safe_refusal(spec, error)
        if not delivery.path and isinstance(error, (OSError, MemoryError)):
            _put_off(delivery, refusal)
            return None
        refuse(delivery, refusal, claim, notes=said_notes(spec, notes), rows_read=0, rows_passed=0)
        return None
    except DatabaseError:
        if stager is not None:
            stager.discard()
        raise


def _put_off(delivery: Delivery, refusal: Refusal) -> None:
    """Pushed rows wait in the database until there is room again; recovery tries each minute."""
    delivery.attempts -= 1
    delivery.detail = refusal.detail
    delivery.save(update_fields=["attempts", "detail"])


def _clear_former_attempt(delivery: Delivery) -> None:
    """What an earlier, killed attempt left: files nobody sees, rejects, counts."""
    if delivery.attempts:
        remove_leftovers(delivery.dataset.code, delivery.pk, keep=set())
        Reject.objects.filter(delivery=delivery).delete()
        DeliveryFile.objects.filter(delivery=delivery).delete()
        undo(delivery)
    delivery.attempts += 1
    delivery.rows_read = delivery.rows_passed = 0
    delivery.save(update_fields=["attempts", "rows_read", "rows_passed"])


def open_delivery(delivery: Delivery, spec: DatasetSpec) -> tuple[Source, MappingSpec]:
    """The delivery's source, opened, and the mapping that reads it. Raises Refusal."""
    named = spec.mapping(delivery.mapping) if delivery.mapping else None
    if delivery.reading:
        named = MappingSpec.model_validate(delivery.reading)
    if delivery.mapping and named is None and delivery.mapping != MappingSpec().name:
        raise Refusal(Refused.NO_MAPPING, delivery.mapping)
    if not delivery.path:
        table = blob_table(delivery)
        if table is None:
            raise Refusal(Refused.LOST)
        mapping = named or best_mapping(spec, table.column_names)
        return TableSource(with_needed(table, spec, mapping)), mapping
    if not Path(delivery.path).is_file() or digest_of(delivery.path) != delivery.digest:
        raise Refusal(Refused.LOST, delivery.file_name)
    return open_as(spec, delivery.path, named)


def _stager(delivery: Delivery, spec: DatasetSpec, pool: ThreadPoolExecutor) -> Stager:
    generation = active_generation()
    return Stager(
        spec=spec,
        delivery_id=delivery.pk,
        mark=uuid.uuid4().hex[:8],
        known_from=delivery.received_at,
        generation=generation.number if generation else 0,
        area_code=home_area(delivery.dataset),
        live_since=None if delivery.asked_history else delivery.received_at - spec.lateness_limit,
        pool=pool,
    )


def _locate(spec: DatasetSpec) -> Locate | None:
    """The city's index, fetched here so that worker threads need no database."""
    if not spec.lon_column:
        return None
    index = locator()
    codes: list[str] = []  # one list for all blocks: whoever builds on it need not look again

    def locate(lons: Any, lats: Any) -> Placed:
        found = index.locate_indices(lons, lats)
        if not codes:
            codes.extend(found.codes.tolist())
        return Placed(found.index, codes)

    return locate


@transaction.atomic
def _record_checked(
    delivery: Delivery, claim: Claim, stream: Stream, stager: Stager, files: list[StagedFile], notes: Notes
) -> None:
    """The turn is given here, under the claim: numbers rise in the order in which commits happen."""
    claim.hold()
    dataset = Dataset.objects.select_for_update().get(pk=claim.dataset.pk)
    dataset.turn += 1
    dataset.save(update_fields=["turn"])
    DeliveryFile.objects.bulk_create(
        (DeliveryFile(delivery=delivery, **vars(file)) for file in files), batch_size=1_000
    )
    by_time = bool(delivery.dataset.time_column)
    move(
        delivery,
        "check",
        claim,
        turn=dataset.turn,
        notes=said_notes(spec_for(delivery.dataset), notes),
        checks=stream.failures,
        reading=_reading(delivery, stream),
        rows_read=stream.rows,
        rows_passed=stream.passed,
        rows_live=stager.live_rows,
        live_since=stager.live_since,
        checked_at=clock.now(),
        is_history=bool(delivery.asked_history) or (by_time and stager.live_rows == 0),
    )


def _reading(delivery: Delivery, stream: Stream) -> dict[str, Any]:
    """How rejected rows were read, header by header: they are mended and sent again in the same words."""
    if stream.passed == stream.rows:
        return dict(delivery.reading)
    plan = stream.plan
    own = {"rename": {header: column for column, header in plan.sources.items()}, "datum": plan.datum}
    return plan.mapping.model_copy(update=own).model_dump(mode="json")


def _refuse_all_rows(delivery: Delivery, claim: Claim, stream: Stream, notes: Notes) -> None:
    """Every row was rejected: the rejects stay, so that they can be mended."""
    refuse(
        delivery,
        Refusal(Refused.NO_ROW_PASSED),
        claim,
        notes=said_notes(spec_for(delivery.dataset), notes),
        checks=stream.failures,
        reading=_reading(delivery, stream),
        rows_read=stream.rows,
        rows_in=stream.rows,
        rows_rejected=stream.rows,
    )


# ---------------------------------------------------------------- committing


def _commit(delivery: Delivery, claim: Claim) -> None:
    """Into the table, once: a turn that is already there is only recorded."""
    spec = spec_for(delivery.dataset)
    assert delivery.turn is not None
    files = [
        StagedFile(f.path, f.day, f.rows, f.size, f.first_row, f.last_row, f.stats)
        for f in delivery.files.all()
    ]
    with transaction.atomic():
        claim.hold()
    version = tables.commit_files(spec, files, number=delivery.turn, delivery_id=delivery.pk)
    reach("lake_committed")
    move(
        delivery,
        "commit",
        claim,
        lake_version=version,
        rows_in=delivery.rows_read,
        rows_committed=delivery.rows_passed,
        rows_rejected=delivery.rows_read - delivery.rows_passed,
        detail="",
        finished_at=clock.now(),
    )
    reach("committed")
