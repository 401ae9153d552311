"""Compaction, retention and vacuum of the lake, dataset by dataset, under the writer's claim.

What is deleted on purpose is recorded first and done second, so that a killed process leaves a record
that the next one finishes, and `lake_verify` can tell a deletion from a loss.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from django.db import transaction

from commandcenter.core import clock
from commandcenter.core.times import shanghai_day
from commandcenter.journal.services import audit
from datahub.lake import tables, upkeep
from datahub.lake.models import LakeChange, LakeChangeReason
from datahub.models import Dataset, Delivery, DeliveryBlob
from datahub.querysets import DatasetQuerySet
from datahub.selectors import spec_for

from .working import work_off
from .writers import Claim, writing

log = logging.getLogger(__name__)
BUDGET_S = 120.0  # so long one dataset is compacted in a round
PAUSE_S = 1.0
KEEP_KEYS = timedelta(days=7)  # so long a pushed batch is recognised by its sender's number
KEEP_BATCHES = timedelta(days=1)  # so long its sender may ask what became of one without a number


def compact_lake() -> int:
    """Small files of a day become large ones; returns how many files are fewer."""
    return sum(compact_dataset(dataset) for dataset in Dataset.objects.filter(turn__gt=0).order_by("pk"))


def apply_retention() -> int:
    """Rows that were kept long enough go; returns how many."""
    return sum(_each(retain_dataset, Dataset.objects.filter(turn__gt=0, keep_days__isnull=False)))


def vacuum_lake(*, keep_hours: float = upkeep.KEEP_HOURS) -> int:
    """Remove files that no reader can need any more; returns how many. Numbers of old batches go as well."""
    old = clock.now() - KEEP_KEYS
    DeliveryBlob.objects.filter(delivery__tapped_at__lt=old, received_at__lt=old).delete()
    old = clock.now() - KEEP_BATCHES
    DeliveryBlob.objects.filter(key=None, delivery__tapped_at__lt=old, received_at__lt=old).delete()
    return sum(
        _each(lambda claim: upkeep.vacuum(claim.dataset.code, keep_hours), Dataset.objects.filter(turn__gt=0))
    )


def _each(work: Callable[[Claim], int], datasets: DatasetQuerySet) -> Iterator[int]:
    """Do it on every dataset that nobody writes now; a fault on one does not stop the others."""
    for dataset in datasets.order_by("pk"):
        with writing(dataset, wait=False) as claim:
            if claim is None:
                continue
            try:
                if settle(claim):
                    yield work(claim)
            except (OSError, tables.SchemaConflict):
                log.exception("upkeep of %s failed", dataset.code)


def settle(claim: Claim) -> bool:
    """Bring open deliveries and recorded changes to their end. False: something still needs its files."""
    work_off(claim)
    if Delivery.objects.filter(dataset=claim.dataset).unfinished().exists():
        return False
    done = tables.upkeep_number(claim.dataset.code)
    for change in LakeChange.objects.filter(
        dataset=claim.dataset, number__gt=done, reason=LakeChangeReason.RETENTION
    ).order_by("number"):
        _delete(change)
    return True


def compact_dataset(dataset: Dataset, *, pause_s: float = PAUSE_S) -> int:
    """In short turns: in between, whoever has rows for the dataset gets them in. The rest has time."""
    settled = shanghai_day(clock.now()) - timedelta(days=1)
    until = time.monotonic() + BUDGET_S
    fewer, more = 0, True
    while more:
        with writing(dataset, wait=False) as claim:
            if claim is not None:
                try:
                    if not settle(claim):
                        break
                    done, more = upkeep.compact(spec_for(dataset), settled)
                except (OSError, tables.SchemaConflict):
                    log.exception("upkeep of %s failed", dataset.code)
                    break
                fewer += done
            elif not fewer:
                break  # busy; the next round
        if time.monotonic() > until:
            break
        if more:
            time.sleep(pause_s)
    if fewer:
        log.info("%s: %s files fewer", dataset.code, fewer)
    return fewer


def retain_dataset(claim: Claim) -> int:
    """Delete the days before the dataset's keep_days, recorded delivery by delivery."""
    dataset = claim.dataset
    if dataset.keep_days is None:
        return 0
    before = shanghai_day(clock.now()) - timedelta(days=dataset.keep_days)
    gone = [(path, day) for path, day in tables.pin(dataset.code).files if day < before]
    if not gone:
        return 0
    rows = upkeep.rows_by_delivery(spec_for(dataset), [path for path, _day in gone])
    change = record_change(claim, LakeChangeReason.RETENTION, gone, rows, before=before)
    _delete(change)
    return change.total


@transaction.atomic
def record_change(
    claim: Claim,
    reason: str,
    gone: list[tuple[str, date]],
    rows: dict[int, int],
    *,
    before: date | None = None,
    total: int | None = None,
) -> LakeChange:
    """Write down what is about to leave the table, with its number."""
    claim.hold()
    last = LakeChange.objects.filter(dataset=claim.dataset).order_by("-number").first()
    number = max(last.number if last else 0, tables.upkeep_number(claim.dataset.code)) + 1
    change = LakeChange.objects.create(
        dataset=claim.dataset,
        number=number,
        reason=reason,
        before=before,
        files=[[path, day.isoformat()] for path, day in gone],
        rows={str(delivery): count for delivery, count in rows.items()},
        total=sum(rows.values()) if total is None else total,
        at=clock.now(),
    )
    audit(
        actor=None,
        action=f"datahub.lake_{reason}",
        target_ref=claim.dataset.ref,
        reason=reason,
        body={"number": number, "rows": change.total, "before": before.isoformat() if before else None},
    )
    return change


def _delete(change: LakeChange) -> None:
    gone = [(path, date.fromisoformat(day)) for path, day in change.files]
    tables.replace_files(spec_for(change.dataset), gone, [], number=change.number)


def deleted_rows(dataset: Dataset) -> Counter[int]:
    """Rows deleted on purpose and gone from the table, by delivery."""
    done = tables.upkeep_number(dataset.code)
    gone: Counter[int] = Counter()
    for rows in LakeChange.objects.filter(dataset=dataset, number__lte=done).values_list("rows", flat=True):
        gone.update({int(delivery): count for delivery, count in rows.items()})
    return gone
