"""Taking deliveries in: who they are is decided here, what becomes of them in `working`."""

import logging
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, Problem
from datahub.checks.block import check_block
from datahub.checks.plan import make_plan
from datahub.declare import MappingSpec
from datahub.faults import Refusal
from datahub.models import Dataset, Delivery
from datahub.selectors import dataset as find_dataset
from datahub.selectors import spec_for
from datahub.states import DatasetStatus, DeliveryState, SourceKind

from .blobs import gather, waiting_datasets
from .digests import digest_of
from .moves import tell
from .working import open_delivery, work_off
from .writers import writing

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

log = logging.getLogger(__name__)
INBOX_KEEP_S = 3600.0


def deliver(
    *,
    dataset_code: str,
    path: str | Path | None = None,
    table: pa.Table | None = None,
    source: str = SourceKind.FILE,
    file_name: str = "",
    by: "AbstractBaseUser | None" = None,
    history: bool | None = None,
    period: str = "",
    as_of_today: bool = False,
    mapping: str | None = None,
    keeps_file: bool = True,
) -> Delivery:
    """Take a file or a table in and bring it to its end.

    The delivery's attribute `repeated` is True when the very same one was here before.
    Raises BadInput when there is no such file, UnknownDataset.
    """
    delivery = receive(
        dataset_code=dataset_code,
        path=path,
        table=table,
        source=source,
        file_name=file_name,
        by=by,
        history=history,
        period=period,
        as_of_today=as_of_today,
        mapping=mapping,
        keeps_file=keeps_file,
    )
    repeated = delivery.repeated
    if Delivery.objects.filter(pk=delivery.pk).unfinished().exists():
        with writing(delivery.dataset, wait=True) as claim:
            assert claim is not None
            work_off(claim)
        delivery = Delivery.objects.select_related("dataset").get(pk=delivery.pk)
    delivery.repeated = repeated
    return delivery


def receive(
    *,
    dataset_code: str,
    path: str | Path | None = None,
    table: pa.Table | None = None,
    source: str = SourceKind.FILE,
    file_name: str = "",
    by: "AbstractBaseUser | None" = None,
    history: bool | None = None,
    period: str = "",
    as_of_today: bool = False,
    mapping: str | None = None,
    reading: MappingSpec | None = None,
    keeps_file: bool = True,
) -> Delivery:
    """Only write down that it came, and whether it came before. Work goes on in `work_dataset`.

    reading: how this very file is read, where nobody saved that as a mapping.
    """
    found = find_dataset(dataset_code)
    if found.status == DatasetStatus.RETIRED:
        raise Conflict(_("This dataset is out of use; nothing is taken in."))
    if table is not None:
        path, keeps_file, source = _keep(table), False, SourceKind.TABLE
    if path is None or not Path(path).is_file():
        raise BadInput(Problem(None, "", "no such file", str(path)))
    path = Path(path).resolve()
    delivery = Delivery(
        dataset=found,
        source=source,
        path=str(path),
        keeps_file=keeps_file,
        by=by,  # type: ignore[misc]
        file_name=file_name or (path.name if source != SourceKind.TABLE else ""),
        asked_history=history,
        mapping=reading.name if reading else mapping or "",
        reading=reading.model_dump(mode="json") if reading else {},
        period=period,
        digest=digest_of(path),
        received_at=clock.now(),
    )
    if as_of_today:
        _redate(delivery)
    return _identify(delivery)


def _identify(delivery: Delivery) -> Delivery:
    """The delivery, new, unchanged or the one that was here before."""
    same = Delivery.objects.same_identity(
        dataset_id=delivery.dataset_id, period=delivery.period, digest=delivery.digest
    )
    before = same.first()
    if before is None:
        try:
            with transaction.atomic():
                delivery.save(force_insert=True)
                delivery.repeated = False
                _recognise(delivery)
                tell(delivery)
            return delivery
        except IntegrityError:
            before = same.get()
    Delivery.objects.filter(pk=before.pk).update(repeats=F("repeats") + 1)
    if not delivery.keeps_file and delivery.path != before.path:
        Path(delivery.path).unlink(missing_ok=True)
    before.repeats += 1
    before.repeated = True
    return before


def _recognise(delivery: Delivery) -> None:
    """The content of a former delivery under a new period: nothing to do, and the source is alive."""
    if delivery.shift is not None:
        return
    former = (
        Delivery.objects.filter(
            dataset_id=delivery.dataset_id, digest=delivery.digest, state=DeliveryState.COMMITTED, shift=None
        )
        .order_by("-pk")
        .first()
    )
    if former is None or _replaced(delivery, former):
        return
    delivery.state = DeliveryState.UNCHANGED
    delivery.same_as = former
    delivery.is_history = former.is_history
    delivery.finished_at = delivery.received_at
    delivery.save(update_fields=["state", "same_as", "is_history", "finished_at"])
    if not delivery.asked_history:
        Dataset.objects.filter(pk=delivery.dataset_id).update(fresh_at=delivery.received_at)
    if not delivery.keeps_file:
        transaction.on_commit(lambda: Path(delivery.path).unlink(missing_ok=True))


def _replaced(delivery: Delivery, former: Delivery) -> bool:
    """A register that went back to a former state: that is a change, though its content was here before."""
    if not delivery.dataset.is_register:
        return False
    later = Delivery.objects.filter(
        dataset_id=delivery.dataset_id, pk__gt=former.pk, pk__lt=delivery.pk, state=DeliveryState.COMMITTED
    )
    return later.exclude(digest=former.digest).exists()


def _keep(table: pa.Table) -> Path:
    """A table given in memory is written down first, so that a crash loses nothing."""
    folder = inbox()
    path = folder / f"{uuid.uuid4().hex}.parquet"
    pq.write_table(table, path, compression="zstd")
    return path


def receive_upload(chunks: Iterable[bytes], *, name: str) -> Path:
    """Write an upload down, chunk by chunk. The name is ours, not the sender's."""
    path = inbox() / name
    with open(path, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return path


def inbox() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "datahub" / "inbox"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _redate(delivery: Delivery) -> None:
    """Move all times by whole hours so that the last row is now: the same rows as if they came today."""
    now = delivery.received_at
    last = _last_time(delivery)
    if last is not None:
        hours = int((now - last) // timedelta(hours=1))
        delivery.shift = timedelta(hours=hours)
    delivery.period = delivery.period or f"as of {now:%Y-%m-%dT%H}Z"


def _last_time(delivery: Delivery) -> datetime | None:
    """The newest time of a file; None where it has none or cannot be read, which the checks will say."""
    spec = spec_for(delivery.dataset)
    name = spec.time_column
    last: datetime | None = None
    if not name:
        return None
    only = spec.model_copy(update={"rules": (), "key_columns": (), "lon_column": "", "lat_column": ""})
    try:
        opened, mapping = open_delivery(delivery, spec)
        plan = make_plan(only, mapping, opened, now=delivery.received_at)
        for piece in opened.pieces():
            found = pc.max(check_block(opened.parse(piece), plan, None).columns[name]).as_py()
            last = max(filter(None, (last, found)), default=None)
    except Refusal:
        return None
    return last


# ---------------------------------------------------------------- recovery and folding


def work_dataset(code: str, *, wait: bool = True) -> int:
    """Bring everything open on a dataset to its end; 0 when another writer is at it."""
    with writing(find_dataset(code), wait=wait) as claim:
        return len(work_off(claim)) if claim is not None else 0


def recover_deliveries() -> int:
    """Finish or undo what killed processes left, on every dataset that nobody writes now."""
    open_ones = Delivery.objects.unfinished().values_list("dataset_id", flat=True).order_by().distinct()
    done = 0
    for found in Dataset.objects.filter(pk__in=list(open_ones)).order_by("pk"):
        with _alone(found), writing(found, wait=False) as claim:
            if claim is not None:
                done += len(work_off(claim))
    sweep_inbox()
    return done


@contextmanager
def _alone(found: Dataset) -> Iterator[None]:
    """A fault on one dataset, say a full disk, does not hold up the others; the next round tries again."""
    try:
        yield
    except DatabaseError:
        raise
    except Exception:
        log.exception("%s waits for the next round", found.code)


def sweep_inbox() -> int:
    """Remove files of the inbox that no open delivery needs; a fresh one may still be on its way in."""
    old = clock.now().timestamp() - INBOX_KEEP_S
    removed = 0
    for file in inbox().iterdir():
        if file.stat().st_mtime < old and not Delivery.objects.open().filter(path=str(file)).exists():
            file.unlink(missing_ok=True)
            removed += 1
    return removed


def fold_blobs(*, budget_s: float = 20.0) -> int:
    """One round over all datasets with waiting batches; returns rows folded."""
    until = time.monotonic() + budget_s
    rows = 0
    for found in waiting_datasets():
        with _alone(found), writing(found, wait=False) as claim:
            if claim is None:
                continue
            work_off(claim)
            # What comes while we work waits for the next second: else a sender who never rests would have
            # a delivery, and a file, for each few of his rows.
            while time.monotonic() < until and (taken := gather(claim)) is not None:
                rows += sum(delivery.rows_read for delivery in work_off(claim))
                if not taken.full:
                    break
    return rows
