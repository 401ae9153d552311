"""`bin/bench lake`: a window query on the lake beside the same in PostgreSQL, on the same rows, in one run.

Readings of eight days, 2,000 devices, fixed seed, delivered by the production path; PostgreSQL holds them in
a table with an index on (device, at), analysed. The query: for each device the largest mean of twelve
readings in a row. Contenders take turns, the best of RUNS counts, and both must say the same.

Small reads, each the median: one row by its reference, the newest rows of a sample, the rows of one day
counted; and the same window query over a table of many small deliveries, before and after compaction.

History: hourly values of six stations over four years, each station a delivery of its own, as archives come:
8,766 files of 24 rows. The window query over all of it and over one month, as delivered and compacted, beside
PostgreSQL on the same rows. A reader that pinned the table before compaction asks again after it.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from datahub.declare import ColumnSpec, DatasetSpec

ROWS = 2_000_000
DEVICES = 2_000
DAYS = 8
SMALL = 64  # deliveries of the table of small files
SMALL_ROWS = 5_000
STATIONS, YEARS = 6, 4
RUNS = 3
READS = 15
COLUMNS = (
    ColumnSpec(code="device", kind="text", name="设备", required=True),
    ColumnSpec(code="at", kind="time", name="时间", required=True),
    ColumnSpec(code="speed", kind="number", name="速度", unit="km/h"),
)


def spec(code: str) -> DatasetSpec:
    return DatasetSpec(
        code=code,
        name="测速数据",
        time_column="at",
        subject_column="device",
        key_columns=("device", "at"),
        lateness_limit=timedelta(days=1),
        columns=COLUMNS,
    )


def make_rows(rows: int, seed: int = 2026) -> pa.Table:
    rng = np.random.default_rng(seed)
    n = np.arange(rows)
    end = int(datetime.now(UTC).replace(microsecond=0).timestamp())
    back = (rows - n) * (DAYS * 86_400 * 1_000_000 // rows)
    return pa.table(
        {
            "device": pa.array([f"D{k:05d}" for k in n % DEVICES]),
            "at": pa.array(end * 1_000_000 - back, pa.timestamp("us", "UTC")),
            "speed": rng.gamma(4, 10, rows).clip(0, 200).round(1),
        }
    )


Days = tuple[date, date] | None


def lake_window(code: str, days: Days = None, version: int | None = None) -> dict[str, float]:
    import ibis

    from datahub import selectors

    hub = selectors.engine()
    table = hub.table(code, version, days)
    if days is not None:
        table = table.filter(table["day"].between(*days))
    window = ibis.window(group_by="device", order_by="at", preceding=11, following=0)
    means = table.select("device", mean=table["speed"].mean().over(window))
    found = hub.to_arrow(means.group_by("device").agg(top=means["mean"].max()))
    return dict(zip(found.column("device").to_pylist(), found.column("top").to_pylist(), strict=True))


def postgres_window(days: Days = None) -> dict[str, float]:
    from django.db import connection

    first, last = days or (date(1970, 1, 1), date(2100, 1, 1))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT device, max(mean) FROM (SELECT device, avg(speed) OVER (PARTITION BY device ORDER BY at"
            " ROWS BETWEEN 11 PRECEDING AND CURRENT ROW) AS mean FROM bench_lake"
            " WHERE at >= %s::timestamp AT TIME ZONE 'Asia/Shanghai'"
            " AND at < (%s::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai') m GROUP BY device",
            [first, last],
        )
        return dict(cursor.fetchall())


def fill_postgres(table: pa.Table, folder: Path) -> float:
    """Seconds to copy, index and analyse; a table of this session alone, which flatters it."""
    from django.db import connection

    path = folder / "rows.csv"
    plain = table.set_column(1, "at", table.column("at").cast(pa.timestamp("us")).cast(pa.string()))
    arrow_csv.write_csv(plain, path, arrow_csv.WriteOptions(include_header=False))
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("DROP TABLE IF EXISTS bench_lake")
        cursor.execute("CREATE TEMP TABLE bench_lake (device text, at timestamptz, speed float8)")
        with path.open() as file:
            cursor.copy_expert("COPY bench_lake FROM STDIN (FORMAT csv)", file)
        cursor.execute("CREATE INDEX ON bench_lake (device, at)")
        cursor.execute("ANALYZE bench_lake")
    return time.perf_counter() - began


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    return one.keys() == other.keys() and all(abs(one[key] - other[key]) < 1e-6 for key in one)


def seconds_of(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def median_ms(work: Callable[[], Any]) -> float:
    work()
    return round(statistics.median(seconds_of(work)[0] for _ in range(READS)) * 1_000, 1)


def deliver_rows(code: str, table: pa.Table, folder: Path, parts: int) -> int:
    """In so many deliveries; returns the number of the last."""
    from datahub import services

    services.save_dataset(spec(code))
    step = -(-table.num_rows // parts)
    last = 0
    for n in range(parts):
        path = folder / f"{code}-{n}.parquet"
        pq.write_table(table.slice(n * step, step), path)
        delivery = services.deliver(dataset_code=code, path=path)
        if delivery.rows_committed != delivery.rows_in:
            raise RuntimeError(f"{delivery.rows_rejected} rejected, {delivery.reason} {delivery.detail}")
        last = delivery.pk
    return last


def make_history() -> pa.Table:
    """Station by station; four years of hours that end last month."""
    rng = np.random.default_rng(4)
    hours = YEARS * 1_461 * 6  # 365.25 days
    first = np.datetime64(datetime.now(UTC).date() - timedelta(days=30), "us") - np.timedelta64(hours, "h")
    at = np.tile(first + np.arange(hours) * np.timedelta64(1, "h"), STATIONS)
    return pa.table(
        {
            "device": pa.array(np.repeat([f"S{n}" for n in range(STATIONS)], hours)),
            "at": pa.array(at, pa.timestamp("us")).cast(pa.timestamp("us", "UTC")),
            "speed": rng.gamma(4, 10, len(at)).clip(0, 200).round(1),
        }
    )


def ask_history(folder: Path) -> dict[str, Any]:
    """Four years and one month of small files, as delivered and after compaction."""
    from datahub import selectors
    from datahub.services.upkeep import compact_dataset

    code, table = "bench.history", make_history()
    into_lake, _ = seconds_of(lambda: deliver_rows(code, table, folder, STATIONS))
    fill_postgres(table, folder)
    start = table.column("at")[table.num_rows // 2].as_py().date().replace(day=1)
    month = (start, start + timedelta(days=27))
    result: dict[str, Any] = {
        "history_deliver_s": round(into_lake, 1),
        "history_postgres_ms": median_ms(postgres_window),
        "month_postgres_ms": median_ms(lambda: postgres_window(month)),
    }
    pinned = selectors.pinned(code).version
    for stage in ("delivered", "compacted"):
        if stage == "compacted":
            seconds, _ = seconds_of(lambda: compact_dataset(selectors.dataset(code), pause_s=0))
            result["history_compaction_s"] = round(seconds, 1)
        result |= {
            f"history_{stage}_files": selectors.latest_versions(code)["files"],
            f"history_{stage}_ms": median_ms(lambda: lake_window(code)),
            f"month_{stage}_ms": median_ms(lambda: lake_window(code, month)),
        }
        for days in (None, month):
            if not same(lake_window(code, days), postgres_window(days)):
                raise RuntimeError("the lake and PostgreSQL do not agree")
    if not same(lake_window(code, version=pinned), postgres_window()):
        raise RuntimeError("a reader of the version before compaction was broken")
    return result


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/bench lake", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args(arguments)

    from datahub import selectors
    from datahub.services import moves
    from datahub.services.upkeep import compact_dataset

    moves.home_area = lambda dataset: ""  # counts in nobody's figures
    table = make_rows(options.rows)
    with tempfile.TemporaryDirectory(prefix="bench-lake-") as name:
        folder = Path(name)
        into_lake, delivery = seconds_of(lambda: deliver_rows("bench.windows", table, folder, 1))
        into_postgres = fill_postgres(table, folder)
        deliver_rows("bench.pieces", table.slice(0, SMALL * SMALL_ROWS), folder, SMALL)
    best = {"lake": 1e9, "postgres": 1e9}
    for _ in range(RUNS):
        in_lake, ours = seconds_of(lambda: lake_window("bench.windows"))
        in_postgres, theirs = seconds_of(postgres_window)
        if not same(ours, theirs):
            raise RuntimeError("the lake and PostgreSQL do not agree")
        best = {"lake": min(best["lake"], in_lake), "postgres": min(best["postgres"], in_postgres)}

    ref = f"datahub.row:{delivery}:{options.rows // 2}"
    today = selectors.latest_versions("bench.windows")["last"]
    reads = {
        "row_by_ref_ms": median_ms(lambda: selectors.row_by_ref(ref)),
        "sample_ms": median_ms(lambda: selectors.sample("bench.windows", 20)),
        "day_ms": median_ms(lambda: selectors.read("bench.windows", columns=["_row"], days=(today, today))),
    }
    scattered, before = median_ms(lambda: lake_window("bench.pieces")), lake_window("bench.pieces")
    fewer = compact_dataset(selectors.dataset("bench.pieces"), pause_s=0)
    compacted = median_ms(lambda: lake_window("bench.pieces"))
    if not same(before, lake_window("bench.pieces")):
        raise RuntimeError("compaction changed the answer")
    with tempfile.TemporaryDirectory(prefix="bench-lake-") as name:
        history = ask_history(Path(name))
    print(f"{options.rows:,} rows, {os.cpu_count()} cores; into the lake {into_lake:.1f} s, "
          f"into PostgreSQL {into_postgres:.1f} s")  # fmt: skip
    print(f"window query: lake {best['lake']:.2f} s, PostgreSQL {best['postgres']:.2f} s")
    print(f"{SMALL} small deliveries: {scattered} ms, after compaction ({fewer} files fewer) {compacted} ms")
    for stage in ("delivered", "compacted"):
        print(
            f"four years, {history[f'history_{stage}_files']:,} files as {stage}: "
            f"all {history[f'history_{stage}_ms']} ms, a month {history[f'month_{stage}_ms']} ms"
        )
    print(f"PostgreSQL: all {history['history_postgres_ms']} ms, a month {history['month_postgres_ms']} ms")
    print(
        json.dumps(
            {
                "bench": "lake",
                "rows": options.rows,
                "lake_s": round(best["lake"], 3),
                "postgres_s": round(best["postgres"], 3),
                "ratio_to_postgres": round(best["postgres"] / best["lake"], 1),
                **reads,
                "scattered_ms": scattered,
                "compacted_ms": compacted,
                "files_fewer": fewer,
                **history,
            }
        )
    )
    return 0
