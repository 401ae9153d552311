"""Does the lake hold what the deliveries say? Read only."""

import os
from collections import Counter
from typing import Any

from django.db.models import Sum

from datahub.lake.tables import committed_number, pin
from datahub.models import Dataset, Delivery, DeliveryFile, Reject
from datahub.selectors import engine
from datahub.states import DeliveryState

from .upkeep import deleted_rows


def verify_dataset(dataset: Dataset) -> dict[str, Any]:
    """Compare each delivery with its rows in the table, its rejects, and the files on disk.

    `problems` is empty when every row is there once. Open deliveries are counted, not judged.
    """
    problems: list[str] = []
    pinned = pin(dataset.code)
    held = _rows_by_delivery(dataset.code)
    committed = Delivery.objects.filter(dataset=dataset, state=DeliveryState.COMMITTED)
    expected = dict(committed.values_list("pk", "rows_committed"))
    deleted = deleted_rows(dataset)
    for delivery, committed_rows in expected.items():
        rows = committed_rows - deleted[delivery]
        there, distinct = held.pop(delivery, (0, 0))
        if there != rows:
            less = f", {deleted[delivery]} deleted on purpose" if deleted[delivery] else ""
            problems.append(
                f"delivery {delivery}: {committed_rows} rows committed{less}, {there} in the table"
            )
        elif distinct != there:
            problems.append(f"delivery {delivery}: {there - distinct} rows are there twice")
    open_now = set(Delivery.objects.filter(dataset=dataset).open().values_list("pk", flat=True))
    for delivery, (rows, _distinct) in held.items():
        if delivery not in open_now:
            problems.append(f"{rows} rows of delivery {delivery}, which never committed them")
    problems += _rejects(dataset)
    turns = committed.order_by("-turn").values_list("turn", flat=True).first() or 0
    if committed_number(dataset.code) < turns:
        problems.append(f"the table is at turn {committed_number(dataset.code)}, deliveries at {turns}")
    missing = [path for path in pinned.paths() if "://" not in path and not os.path.exists(path)]
    problems += [f"missing file {path}" for path in missing]
    return {
        "dataset": dataset.code,
        "version": pinned.version,
        "files": len(pinned.files),
        "deliveries": len(expected),
        "rows": sum(expected.values()) - deleted.total(),
        "deleted": deleted.total(),
        "open": len(open_now),
        "problems": problems,
    }


def _rows_by_delivery(code: str) -> dict[int, tuple[int, int]]:
    table = engine().table(code)
    counted = table.group_by("_delivery").agg(n=table.count(), d=table["_row"].nunique())
    return {row["_delivery"]: (row["n"], row["d"]) for row in engine().to_arrow(counted).to_pylist()}


def _rejects(dataset: Dataset) -> list[str]:
    """Rejected rows are kept one by one, and files add up to the rows committed."""
    deliveries = Delivery.objects.filter(dataset=dataset, state=DeliveryState.COMMITTED)
    kept = Counter(Reject.objects.filter(delivery__in=deliveries).values_list("delivery_id", flat=True))
    written = dict(
        DeliveryFile.objects.filter(delivery__in=deliveries)
        .values_list("delivery")
        .annotate(rows=Sum("rows"))
        .order_by()
    )
    problems = []
    for pk, rejected, committed in deliveries.values_list("pk", "rows_rejected", "rows_committed"):
        if kept[pk] != rejected:
            problems.append(f"delivery {pk}: {rejected} rows rejected, {kept[pk]} kept")
        if written.get(pk, 0) != committed:
            problems.append(f"delivery {pk}: {committed} rows committed, its files hold {written.get(pk, 0)}")
    return problems


def verify_lake() -> list[dict[str, Any]]:
    return [verify_dataset(dataset) for dataset in Dataset.objects.order_by("code")]
