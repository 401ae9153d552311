"""The same questions to both engines on the city's own lake, before LAKE_ENGINE changes. Writes nothing."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from datahub.declare import DatasetSpec
from datahub.lake.engine import asking, lake_engine
from datahub.lake.tables import DAY, Pinned, pin
from datahub.models import Dataset
from datahub.selectors import spec_for

DIFFERENCES = 20  # told per dataset


def compare_engines(other: str, *, days: int, codes: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Per dataset and day: rows, and of every column how many values, the least and the greatest.

    other: an engine as LAKE_ENGINE names it. Looks at the newest `days` days that hold rows.
    """
    found = Dataset.objects.order_by("code")
    if codes:
        found = found.filter(code__in=codes)
    for dataset in found:
        pinned = pin(dataset.code)
        held = sorted({day for _path, day in pinned.files})[-days:]
        if held:
            yield _compare(spec_for(dataset), pinned, (held[0], held[-1]), other)


def _compare(spec: DatasetSpec, pinned: Pinned, span: tuple[date, date], other: str) -> dict[str, Any]:
    answers, seconds = [], []
    for chosen in ("duckdb", other):
        with asking(chosen):
            began = time.perf_counter()
            answers.append(_summary(spec, pinned, span))
            seconds.append(round(time.perf_counter() - began, 3))
    here, there = answers
    problems = [
        f"{day}: {name}: {here.get(day, {}).get(name)} here, {there.get(day, {}).get(name)} there"
        for day in sorted(here.keys() | there.keys())
        for name in sorted(here.get(day, {}).keys() | there.get(day, {}).keys())
        if not _equal(here.get(day, {}).get(name), there.get(day, {}).get(name))
    ]
    return {
        "dataset": spec.code,
        "version": pinned.version,
        "days": (span[1] - span[0]) // timedelta(days=1) + 1,
        "rows": sum(day["rows"] for day in here.values()),
        "seconds": seconds,
        "problems": problems[:DIFFERENCES],
    }


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))  # not-a-number is like itself here


def _summary(spec: DatasetSpec, pinned: Pinned, span: tuple[date, date]) -> dict[date, dict[str, Any]]:
    engine = lake_engine()
    table = engine.table(spec, pinned, span)
    asked = {"rows": table.count()}
    for name in (*(column.code for column in spec.columns), "_delivery", "_row", "_known_from", "_area"):
        column = table[name]
        asked[f"{name}: values"] = column.count()
        if not column.type().is_boolean():
            asked |= {f"{name}: least": column.min(), f"{name}: greatest": column.max()}
    rows = engine.to_arrow(table.group_by(DAY).aggregate(**asked)).to_pylist()
    return {row.pop(DAY): row for row in rows}
