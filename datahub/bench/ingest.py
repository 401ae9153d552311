"""`bin/bench ingest`: a CSV file to committed, checked, located rows, beside two rivals in the same run.

The file has 2 M rows and 6 columns (device, time, longitude, latitude, speed, level), made with a fixed
seed: readings of two days in order of time, every point somewhere else. Ours is the production path
(identity, four rules, unique keys, one of 13,649 cells for each row, day partitions, reconciliation,
recovery marks). Rivals: bare pyarrow.csv → write_deltalake of the same file; pandas.to_sql into
PostgreSQL on a sample, extrapolated per row. Each run is a process of its own; contenders take turns and
the best of RUNS counts. Beside the clock stands the processor time, which a busy machine disturbs less.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from datahub.declare import ColumnSpec, DatasetSpec, RuleSpec

ROWS = 2_000_000
SAMPLE_ROWS = 100_000
RUNS = 3
ROOT = Path(__file__).resolve().parent.parent.parent
WEST, SOUTH, EAST, NORTH = 120.25, 31.75, 121.85, 32.65  # inside the box of the made-up cells, degrees

SPEC = DatasetSpec(
    code="bench.readings",
    name="测速数据",
    name_en="Bench readings",
    time_column="at",
    subject_column="device",
    key_columns=("device", "at"),
    lon_column="lon",
    lat_column="lat",
    lateness_limit=timedelta(days=3),
    columns=(
        ColumnSpec(code="device", kind="text", name="设备", required=True),
        ColumnSpec(code="at", kind="time", name="时间", required=True),
        ColumnSpec(code="lon", kind="number", name="经度"),
        ColumnSpec(code="lat", kind="number", name="纬度"),
        ColumnSpec(code="speed", kind="number", name="速度", unit="km/h"),
        ColumnSpec(code="level", kind="integer", name="等级"),
    ),
    rules=(
        RuleSpec(code="speed_range", kind="range", column="speed", params={"min": 0, "max": 200}),
        RuleSpec(code="level_range", kind="range", column="level", params={"min": 1, "max": 4}),
        RuleSpec(code="device_length", kind="max_length", column="device", params={"characters": 12}),
        RuleSpec(code="not_future", kind="not_future", column="at", params={"minutes": 60}),
    ),
)


def write_file(path: Path, rows: int) -> None:
    """Every device reports in turn; coordinates with six decimals, as receivers give them."""
    rng = np.random.default_rng(2026)
    devices = 5_000
    end = datetime.now(UTC).replace(microsecond=0)
    with arrow_csv.CSVWriter(
        path,
        pa.schema(
            [
                ("device", pa.string()),
                ("at", pa.string()),
                ("lon", pa.float64()),
                ("lat", pa.float64()),
                ("speed", pa.float64()),
                ("level", pa.int64()),
            ]
        ),
    ) as writer:
        step = 200_000
        for first in range(0, rows, step):
            n = np.arange(first, min(first + step, rows))
            back = (rows - n) * (2 * 86_400 / rows)
            stamps = np.datetime64(int(end.timestamp()), "s") - back.astype("timedelta64[s]")
            writer.write_table(
                pa.table(
                    {
                        "device": [f"D{k:05d}" for k in n % devices],
                        "at": np.char.add(np.datetime_as_string(stamps), "Z"),
                        "lon": rng.uniform(WEST, EAST, len(n)).round(6),
                        "lat": rng.uniform(SOUTH, NORTH, len(n)).round(6),
                        "speed": rng.gamma(4, 10, len(n)).clip(0, 200).round(1),
                        "level": rng.integers(1, 5, len(n)),
                    }
                )
            )


# ---------------------------------------------------------------- contenders


def ours(file: Path, work: Path) -> dict[str, Any]:
    """The production path, on a dataset and in a lake of its own; nothing of it stays."""
    from django.conf import settings

    from city.bench import make_cells
    from city.locate import Locator
    from datahub import services
    from datahub.services import moves, working

    settings.LAKE_URL = str(work / "lake")
    cells = Locator(*make_cells())
    cells.locate_indices([WEST], [SOUTH])
    working.locator = lambda: cells  # type: ignore[attr-defined]
    moves.home_area = lambda dataset: ""  # counts in nobody's figures
    dataset = services.save_dataset(SPEC)[0]
    forget_peak()
    before = peak()
    began, cpu = time.perf_counter(), time.process_time()
    try:
        delivery = services.deliver(dataset_code=SPEC.code, path=file, period=work.name)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        if delivery.rows_committed != delivery.rows_in:
            raise RuntimeError(f"{delivery.rows_rejected} rows rejected, {delivery.reason} {delivery.detail}")
        return {"seconds": seconds, "cpu_s": cpu, "rows": delivery.rows_committed, "before_mib": before}
    finally:
        dataset.deliveries.all().delete()
        dataset.delete()


def bare(file: Path, work: Path) -> dict[str, Any]:
    """What a person would write in two lines; nothing checked, located or remembered."""
    from deltalake import write_deltalake

    began, cpu = time.perf_counter(), time.process_time()
    with arrow_csv.open_csv(file) as reader:
        write_deltalake(str(work / "bare"), reader)
    return {"seconds": time.perf_counter() - began, "cpu_s": time.process_time() - cpu, "rows": ROWS}


def to_sql(file: Path, work: Path) -> dict[str, Any]:
    """pandas.read_csv and to_sql of the first rows, into a temporary table."""
    import pandas as pd
    import sqlalchemy
    from django.conf import settings

    at = settings.DATABASES["default"]
    url = sqlalchemy.URL.create(
        "postgresql+psycopg2",
        username=at["USER"],
        password=at["PASSWORD"],
        database=at["NAME"],
        query={"host": at["HOST"], "port": str(at["PORT"])},
    )
    with sqlalchemy.create_engine(url).begin() as connection:
        connection.exec_driver_sql(
            "CREATE TEMP TABLE bench_to_sql (device text, at timestamptz, lon float8, lat float8,"
            " speed float8, level int8)"
        )
        began = time.perf_counter()
        frame = pd.read_csv(file, nrows=SAMPLE_ROWS, parse_dates=["at"])
        frame.to_sql("bench_to_sql", connection, if_exists="append", index=False)
        return {"seconds": time.perf_counter() - began, "rows": len(frame)}


PARTS = {"ours": ours, "bare": bare, "to_sql": to_sql}


def forget_peak() -> None:
    """Start measuring the peak here: what was needed before (the made-up cells) is not the delivery's."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """Peak resident memory of this process, MiB, since forget_peak where the kernel can tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_part(name: str, file: Path, work: Path) -> dict[str, Any]:
    """One run in a fresh process and folder."""
    work.mkdir()
    command = [sys.executable, str(ROOT / "bin" / "bench.py"), "datahub.bench.ingest:main"]
    done = subprocess.run(
        [*command, "--part", name, "--file", str(file), "--work", str(work)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    shutil.rmtree(work)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def compare(file: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """The best of RUNS for each; the contenders take turns, so that a busy moment hits them alike."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in PARTS}
    for run in range(RUNS):
        for name in PARTS:
            runs[name].append(run_part(name, file, folder / f"{name}-{run}"))
    return {name: min(found, key=lambda one: one["seconds"]) for name, found in runs.items()}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/bench ingest", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--work", type=Path)
    options = parser.parse_args(arguments)
    if options.part:
        print(json.dumps({**PARTS[options.part](options.file, options.work), "peak_mib": peak()}))
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as name:
        folder = Path(name)
        file = folder / "readings.csv"
        write_file(file, options.rows)
        size = file.stat().st_size
        print(f"{options.rows:,} rows, {size / 2**20:.0f} MiB, {os.cpu_count()} cores")
        found = compare(file, folder)
    rate = {part: one["rows"] / one["seconds"] for part, one in found.items()}
    rate["bare"] = options.rows / found["bare"]["seconds"]
    for part, one in found.items():
        print(f"{part:7} {rate[part]:>12,.0f} rows/s  {one['seconds']:.2f} s  peak {one['peak_mib']:.0f} MiB")
    print(f"to_sql on {SAMPLE_ROWS:,} rows, per row; temporary table without index, which flatters it")
    print(
        json.dumps(
            {
                "bench": "ingest",
                "rows": options.rows,
                "rows_per_s": round(rate["ours"]),
                "ratio_to_bare": round(rate["ours"] / rate["bare"], 3),
                "target_ratio_to_bare": 0.5,
                "cpu_ratio_to_bare": round(found["bare"]["cpu_s"] / found["ours"]["cpu_s"], 3),
                "ratio_to_to_sql": round(rate["ours"] / rate["to_sql"], 1),
                "target_ratio_to_to_sql": 20,
                "to_sql_sample_rows": SAMPLE_ROWS,
                "peak_mib": round(found["ours"]["peak_mib"]),
                "peak_mib_before": round(found["ours"]["before_mib"]),
                "peak_mib_bare": round(found["bare"]["peak_mib"]),
                "limit_mib": 1536,
            }
        )
    )
    return 0
