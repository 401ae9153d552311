"""From a file on our disk into the lake, once.

    fetched → on the disk → SourceBatch commits (fetched) → delivered → the source's cursor moves

The delivery is known by the source and the batch's number, so a repeat after a kill is recognised. Only
when the batch is in the lake does the cursor move, in the same transaction as the batch's state.
"""

from pathlib import Path

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.moves import next_state
from datahub.checks.guard import is_guarded
from datahub.checks.plan import make_plan
from datahub.declare import MappingSpec
from datahub.faults import Refusal, Refused, reach
from datahub.models import Delivery
from datahub.selectors import spec_for
from datahub.services import receive, work_dataset
from datahub.services.working import open_delivery
from datahub.states import DeliveryState

from .. import folder, spool
from ..errors import ColumnsChanged, SourceFailed
from ..models import Source, SourceBatch, SourceRun
from ..settings import DatabaseSettings, FolderSettings, HttpSettings, parse
from ..spool import Fetched
from ..states import BATCH_MOVES, BatchState, PullKind
from .leases import hold

TRY_AGAIN = frozenset({Refused.FAILED, Refused.LOST})  # the fault is ours, the file may be good


class DeliveryRefused(SourceFailed):
    """The hub did not take the batch; the delivery says why, and has an incident of its own."""

    code = "delivery_refused"


def period_of(batch: SourceBatch) -> str:
    return f"source {batch.source_id}/{batch.number}"


@transaction.atomic
def keep(source: Source, lease: str, run: SourceRun, fetched: Fetched) -> SourceBatch:
    """What is on the disk is ours from here on."""
    held = hold(source.pk, lease)
    batch = SourceBatch.objects.create(
        source=source,
        run=run,
        number=held.number + 1,
        path=str(fetched.path),
        file_name=fetched.file_name,
        digest=spool.digest_of(fetched.path),
        rows=fetched.rows,
        after=fetched.after,
        seen=fetched.seen,
        origin=fetched.origin,
        mapping=fetched.mapping,
        fetched_at=clock.now(),
    )
    held.number = source.number = batch.number
    held.save(update_fields=["number"])
    return batch


def left_over(source: Source) -> SourceBatch | None:
    """The batch that a killed run had on the disk; forgotten, to be fetched again, where its file is gone."""
    batch = source.batches.filter(state=BatchState.FETCHED).first()
    if batch is None or Path(batch.path).is_file() or _delivery_of(batch) is not None:
        return batch
    batch.delete()
    return None


def _delivery_of(batch: SourceBatch) -> Delivery | None:
    found = Delivery.objects.filter(
        dataset_id=batch.source.dataset_id, period=period_of(batch), digest=batch.digest
    )
    return found.exclude(state=DeliveryState.REFUSED).first()


def bring_in(source: Source, lease: str, batch: SourceBatch) -> Delivery:
    """Deliver a batch and move the source on.

    Raises ColumnsChanged, DeliveryRefused where the hub does not take it: then nothing moved, a file of a
    watched folder lies in failed/ with the reason, and the next run may fetch the same again.
    """
    delivery, used = None, None
    fault: SourceFailed | None = None
    try:
        used = _columns_used(source, batch)
    except SourceFailed as error:
        fault = error
    if fault is None:
        delivery = _deliver(source, batch)
        reach("source_delivered")
        if delivery.state == DeliveryState.REFUSED:
            fault = DeliveryRefused(_why(delivery))
    again = delivery is not None and delivery.reason in TRY_AGAIN
    if source.kind == PullKind.FOLDER and not again:
        _put_aside(source, batch, str(fault or ""))
        reach("source_put_aside")
    _move(source, lease, batch, delivery, used, refused=fault is not None)
    reach("source_moved")
    Path(batch.path).unlink(missing_ok=True)
    if fault is not None:
        raise fault
    assert delivery is not None
    return delivery


def _deliver(source: Source, batch: SourceBatch) -> Delivery:
    delivery = _delivery_of(batch)
    if delivery is None or delivery.is_open:
        delivery = receive(
            dataset_code=source.dataset.code,
            path=batch.path,
            source=source.kind,
            file_name=batch.file_name,
            by=source.made_by,
            period=period_of(batch),
            mapping=batch.mapping or None,
            reading=reading_of(source),
            keeps_file=True,
        )
        if delivery.is_open:
            work_dataset(source.dataset.code)
            delivery = Delivery.objects.select_related("dataset").get(pk=delivery.pk)
    if delivery.is_open:
        raise SourceFailed(_("The hub could not finish the delivery; it will be tried again."), code="busy")
    return delivery


def reading_of(source: Source) -> MappingSpec | None:
    """How the columns of a table or of records are called in the dataset; files bring their own header."""
    found = parse(source.kind, source.settings)
    if isinstance(found, FolderSettings) or (isinstance(found, HttpSettings) and found.form == "file"):
        return None
    assert isinstance(found, DatabaseSettings | HttpSettings)
    return MappingSpec(name="source", rename=found.columns, timezone=found.zone)


def _columns_used(source: Source, batch: SourceBatch) -> dict[str, str] | None:
    """The headers that the dataset is read from; None where the fetch has compared them already.

    Raises ColumnsChanged: an optional column that is gone would otherwise come in empty, unnoticed.
    """
    if reading_of(source) is not None or not Path(batch.path).is_file():
        return None
    spec = spec_for(source.dataset)
    sample = Delivery(
        dataset=source.dataset, path=batch.path, digest=batch.digest, mapping=batch.mapping
    )  # not saved: only to be opened as the delivery will be
    try:
        opened, mapping = open_delivery(sample, spec)
    except Refusal:
        return None  # the delivery will say it
    # The first line of a file without a header is data; of persons it is not repeated.
    new = [] if is_guarded(spec) else [name for name in opened.header if name not in source.shape]
    gone = [name for name in source.shape if name not in opened.header]
    try:
        plan = make_plan(spec, mapping, opened, now=clock.now())
    except Refusal as error:
        raise ColumnsChanged(gone=gone or [error.column], new=new) from error
    if gone:
        raise ColumnsChanged(gone=gone, new=new)
    composed = [part for parts in plan.mapping.compose.values() for part in parts]
    return dict.fromkeys([*plan.sources.values(), *composed], "")


def _why(delivery: Delivery) -> str:
    """Why a delivery was refused, with the columns that most rows failed in."""
    said = str(Refusal(Refused(delivery.reason), delivery.detail))
    first = delivery.rejects.order_by("row_number").first()
    if delivery.reason == Refused.NO_ROW_PASSED and first is not None:
        said += f": {first.column or '—'}: {first.get_reason_display()}"
    return _("The hub refused what came: %(why)s") % {"why": said}


def _put_aside(source: Source, batch: SourceBatch, reason: str) -> None:
    found = parse(source.kind, source.settings)
    assert isinstance(found, FolderSettings)
    with folder.opened(found.folder) as place:
        if not reason and is_guarded(spec_for(source.dataset)):
            folder.remove(place, batch.origin)  # what was sealed does not stay beside it in clear
            return
        into = folder.FAILED if reason else folder.DONE
        folder.put_aside(place, batch.origin, into, tag=str(batch.number), reason=reason)


@transaction.atomic
def _move(
    source: Source,
    lease: str,
    batch: SourceBatch,
    delivery: Delivery | None,
    used: dict[str, str] | None,
    *,
    refused: bool,
) -> None:
    held = hold(source.pk, lease)
    fresh = SourceBatch.objects.select_for_update().get(pk=batch.pk)
    fresh.state = next_state(BATCH_MOVES, "refuse" if refused else "deliver", fresh.state)
    fresh.delivery = delivery
    fresh.seen = None  # the source has it now
    fresh.save(update_fields=["state", "delivery", "seen"])
    if refused or delivery is None:
        return
    if "cursor" in batch.after:
        held.cursor = batch.after["cursor"]
    if batch.seen is not None:
        held.seen = bytes(batch.seen)
    held.etag = batch.after.get("etag", "")
    held.modified = batch.after.get("modified", "")
    if used:
        held.shape = used
    if delivery.state == DeliveryState.COMMITTED:
        held.rows = F("rows") + delivery.rows_committed
    held.save(update_fields=["cursor", "seen", "etag", "modified", "shape", "rows"])
