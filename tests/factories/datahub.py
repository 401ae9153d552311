"""Datasets and files for tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from datahub.declare import ColumnSpec, DatasetSpec, MappingSpec, RuleSpec
from datahub.models import Dataset
from datahub.services import save_dataset

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # noon in Shanghai

READINGS = DatasetSpec(
    code="test.readings",
    name="测试读数",
    name_en="Test readings",
    update_cycle=timedelta(hours=1),
    lateness_limit=timedelta(days=1),
    time_column="at",
    subject_column="station",
    key_columns=("station", "at"),
    lon_column="lon",
    lat_column="lat",
    columns=(
        ColumnSpec(code="station", kind="text", name="站点", required=True),
        ColumnSpec(code="at", kind="time", name="时间", required=True),
        ColumnSpec(code="value", kind="number", name="读数", unit="μg/m³"),
        ColumnSpec(code="count", kind="integer", name="次数"),
        ColumnSpec(code="lon", kind="number", name="经度"),
        ColumnSpec(code="lat", kind="number", name="纬度"),
    ),
    rules=(
        RuleSpec(code="value_range", kind="range", column="value", params={"min": 0, "max": 1000}),
        RuleSpec(code="station_length", kind="max_length", column="station", params={"characters": 20}),
        RuleSpec(code="count_low", kind="range", column="count", params={"max": 100}, on_fail="note"),
    ),
    mappings=(
        MappingSpec(
            name="parts",
            rename={"place": "station", "v": "value"},
            compose={"at": ("year", "month", "day", "hour")},
        ),
    ),
)

REGISTER = DatasetSpec(
    code="test.register",
    name="测试名录",
    key_columns=("id",),
    columns=(
        ColumnSpec(code="id", kind="text", name="编号", required=True),
        ColumnSpec(code="name", kind="text", name="名称"),
    ),
)

PEOPLE = DatasetSpec(
    code="test.people",
    name="测试人员",
    privacy_class="personal",
    key_columns=("number",),
    columns=(
        ColumnSpec(code="number", kind="text", name="编号", required=True),
        ColumnSpec(code="phone", kind="text", name="电话", personal=True),
        ColumnSpec(code="age", kind="integer", name="年龄"),
    ),
)


def make_dataset(spec: DatasetSpec = READINGS) -> Dataset:
    return save_dataset(spec)[0]


def rows(
    n: int, *, at: datetime = NOON, step: timedelta = timedelta(minutes=1), **over: Any
) -> list[dict[str, Any]]:
    """n readings of two stations, the last at `at`."""
    return [
        {
            "station": f"S{i % 2}",
            "at": (at - step * (n - 1 - i)).isoformat(),
            "value": i % 100,
            "count": i,
            "lon": 120.9,
            "lat": 32.0,
            **over,
        }
        for i in range(n)
    ]


def csv_text(records: Sequence[dict[str, Any]], header: Iterable[str] | None = None) -> str:
    names = list(header or records[0])
    out = io.StringIO()
    writer = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()


def csv_file(
    folder: Path, records: Sequence[dict[str, Any]], name: str = "rows.csv", encoding: str = "utf-8"
) -> Path:
    path = folder / name
    path.write_bytes(csv_text(records).encode(encoding))
    return path


def table_of_rows(n: int, **over: Any) -> pa.Table:
    """`rows(n)` as a table, as a program delivers them."""
    records = rows(n, **over)
    return pa.table({name: [record[name] for record in records] for name in records[0]})
