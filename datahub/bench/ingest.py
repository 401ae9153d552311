"""`bin/bench ingest`: a CSV file to committed, checked, located rows, beside two rivals in the same run.

The file has 5 M rows and 6 columns (device, time, longitude, latitude, speed, level), made with a fixed
seed: readings of two days in order of time, every point somewhere else. Ours is the production path:
identity (a digest of the file), four rules, unique keys, one of 13,649 cells for each row, day partitions,
system columns, files on the disk before the commit, recovery marks.

Rivals: pyarrow.csv → write_deltalake of the same file, in two manners (read whole on all cores, and as a
stream), of which the quicker counts; pandas.to_sql into PostgreSQL on the first rows of the same file, by
rows a second. The bare rival is favoured: one table without day partitions, no columns added, nothing
checked or placed, no waiting for the disk.

Each run is a process of its own; contenders take turns, and the median of the rounds counts. Beside the
clock stands the processor time, which a busy machine disturbs less.

--memory: ours alone, once; what counts is the most memory that the whole process ever held.
--shuffled: the same rows in no order, over sixty days: the hard case for keys and partitions.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from datahub.declare import ColumnSpec, DatasetSpec, RuleSpec

ROWS = 5_000_000
SAMPLE_ROWS = 200_000
ROUNDS = 3
LIMIT_MIB = 1_536
DAYS, SHUFFLED_DAYS = 2, 60
DEVICES = 5_000
ROOT = Path(__file__).resolve().parent.parent.parent
WEST, SOUTH, EAST, NORTH = 120.25, 31.75, 121.85, 32.65  # inside the box of the made-up cells, degrees


def spec(code: str) -> DatasetSpec:
    return DatasetSpec(
        code=code,
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


def write_file(path: Path, rows: int, *, shuffled: bool = False) -> None:
    """Every device reports in turn; coordinates with six decimals, as receivers give them."""
    rng = np.random.default_rng(2026)
    end = datetime.now(UTC).replace(microsecond=0)
    span = (SHUFFLED_DAYS if shuffled else DAYS) * 86_400
    names = np.array([f"D{k:05d}" for k in range(DEVICES)])
    order = rng.permutation(rows).astype(np.int32) if shuffled else None
    types = {"device": pa.string(), "at": pa.string(), "lon": pa.float64(), "lat": pa.float64(),
             "speed": pa.float64(), "level": pa.int64()}  # fmt: skip
    with arrow_csv.CSVWriter(path, pa.schema(types)) as writer:
        step = 200_000
        for first in range(0, rows, step):
            n = np.arange(first, min(first + step, rows))
            if order is not None:
                n = order[n].astype(np.int64)
            back = (rows - n) * (span / rows)
            stamps = np.datetime64(int(end.timestamp()), "s") - back.astype("timedelta64[s]")
            writer.write_table(
                pa.table(
                    {
                        "device": names[n % DEVICES],
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
    """The production path, on a dataset and in a lake of its own."""
    import deltalake  # noqa: F401  a worker has its libraries loaded, and so has the bare rival
    from django.conf import settings

    from city.bench import make_cells
    from city.locate import Locator
    from datahub import services
    from datahub.services import moves, taps, working

    settings.LAKE_URL = str(work / "lake")
    cells = Locator(*make_cells())
    cells.locate_indices([WEST], [SOUTH])
    working.locator = lambda: cells  # type: ignore[attr-defined]
    moves.home_area = lambda dataset: ""  # counts in nobody's figures
    code = f"bench.readings_{uuid.uuid4().hex[:8]}"  # the same file again would be known by its digest
    services.save_dataset(spec(code))
    taps.taps_of(code)
    loaded = resident()
    began, cpu = time.perf_counter(), time.process_time()
    delivery = services.deliver(dataset_code=code, path=file, period=work.name)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if not delivery.rows_in or delivery.rows_committed != delivery.rows_in:
        raise RuntimeError(f"{delivery.rows_rejected} rows rejected, {delivery.reason} {delivery.detail}")
    return {"seconds": seconds, "cpu_s": cpu, "rows": delivery.rows_committed, "loaded_mib": loaded}


def bare_whole(file: Path, work: Path) -> dict[str, Any]:
    """What a person would write in two lines."""
    from deltalake import write_deltalake

    began, cpu = time.perf_counter(), time.process_time()
    table = arrow_csv.read_csv(file)
    write_deltalake(str(work / "bare"), table)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"seconds": seconds, "cpu_s": cpu, "rows": table.num_rows}


def bare_stream(file: Path, work: Path) -> dict[str, Any]:
    """The same without holding the file in memory."""
    from deltalake import DeltaTable, write_deltalake

    began, cpu = time.perf_counter(), time.process_time()
    with arrow_csv.open_csv(file) as reader:
        write_deltalake(str(work / "bare"), reader)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"seconds": seconds, "cpu_s": cpu, "rows": DeltaTable(str(work / "bare")).count()}


def to_sql(file: Path, work: Path) -> dict[str, Any]:
    """pandas.read_csv and to_sql of the first rows, into a temporary table without an index."""
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
        began, cpu = time.perf_counter(), time.process_time()
        frame = pd.read_csv(file, nrows=SAMPLE_ROWS, parse_dates=["at"])
        frame.to_sql("bench_to_sql", connection, if_exists="append", index=False)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        return {"seconds": seconds, "cpu_s": cpu, "rows": len(frame)}


PARTS = {"ours": ours, "bare_whole": bare_whole, "bare_stream": bare_stream, "to_sql": to_sql}


def _status(word: str) -> float:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(word):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident() -> float:
    """Memory of this process now, MiB."""
    return _status("VmRSS:")


def peak() -> float:
    """The most memory that this process ever held, MiB."""
    return _status("VmHWM:")


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


def compare(file: Path, folder: Path, names: list[str], rounds: int) -> dict[str, dict[str, Any]]:
    """The median of each value over the rounds; the contenders take turns, so a busy moment hits all."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names:
            runs[name].append(run_part(name, file, folder / f"{name}-{turn}"))
    return {
        name: {key: statistics.median(one[key] for one in found) for key in found[0]}
        for name, found in runs.items()
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/bench ingest", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--shuffled", action="store_true")
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--work", type=Path)
    options = parser.parse_args(arguments)
    if options.part:
        print(json.dumps({**PARTS[options.part](options.file, options.work), "peak_mib": peak()}))
        return 0
    names = ["ours"] if options.memory else list(PARTS)
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as name:
        folder = Path(name)
        file = folder / "readings.csv"
        write_file(file, options.rows, shuffled=options.shuffled)
        size = file.stat().st_size
        print(
            f"{options.rows:,} rows, {size / 2**20:.0f} MiB, {os.cpu_count()} cores, load {os.getloadavg()}"
        )
        found = compare(file, folder, names, 1 if options.memory else options.rounds)
    rate = {part: one["rows"] / one["seconds"] for part, one in found.items()}
    rate_cpu = {part: one["rows"] / one["cpu_s"] for part, one in found.items()}
    for part, one in found.items():
        print(
            f"{part:12}{rate[part]:>12,.0f} rows/s {rate_cpu[part]:>12,.0f} rows/s of processor time"
            f"  {one['seconds']:6.2f} s  peak {one['peak_mib']:.0f} MiB"
        )
    result = {
        "bench": "ingest",
        "rows": options.rows,
        "rows_per_s": round(rate["ours"]),
        "rows_per_cpu_s": round(rate_cpu["ours"]),
        "peak_mib": round(found["ours"]["peak_mib"]),
        "loaded_mib": round(found["ours"]["loaded_mib"]),
        "limit_mib": LIMIT_MIB,
    }
    if not options.memory:
        print(f"to_sql on {SAMPLE_ROWS:,} rows, by rows a second; a temporary table flatters it")
        quicker = max(("bare_whole", "bare_stream"), key=rate.__getitem__)
        thrifty = max(rate_cpu["bare_whole"], rate_cpu["bare_stream"])
        result |= {
            "ratio_to_bare": round(rate["ours"] / rate[quicker], 3),
            "target_ratio_to_bare": 0.5,
            "quicker_bare": quicker,
            "cpu_ratio_to_bare": round(rate_cpu["ours"] / thrifty, 3),
            "ratio_to_to_sql": round(rate["ours"] / rate["to_sql"], 1),
            "target_ratio_to_to_sql": 20,
            "to_sql_sample_rows": SAMPLE_ROWS,
            "peak_mib_bare": round(found[quicker]["peak_mib"]),
        }
    print(json.dumps(result))
    return 0
