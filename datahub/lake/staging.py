"""Rows on their way into the lake: written as Parquet files that no reader sees until the commit."""

import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from commandcenter.core.times import SHANGHAI
from datahub.checks.block import Placed
from datahub.checks.coerce import FIXED_OFFSET_US, FIXED_SINCE_US
from datahub.declare import DatasetSpec

from .encoding import dictionary, writer_options
from .tables import MOST_SYNCS, StagedFile, file_schema, schema_mark, stats_json, sync_file, table_root

EPOCH = date(1970, 1, 1)
DAY_US = 86_400_000_000
FILE_ROWS = 524_288
BUFFER_ROWS = 1_572_864
SHARED_ROWS = 1_048_576  # so many rows of batches cut into days may be held by a few that wait
ROW_GROUP_ROWS = 131_072
IN_FLIGHT = 3
SMALL_ROWS = 16_384


def shanghai_days(times: pa.Array) -> np.ndarray:
    """Days since 1970 on which moments in UTC fall in Shanghai."""
    moments = times.view(pa.int64()).to_numpy(zero_copy_only=False)
    if len(moments) and moments.min() < FIXED_SINCE_US:
        local = pc.local_timestamp(times.cast(pa.timestamp("us", str(SHANGHAI))))
        moments = local.view(pa.int64()).to_numpy(zero_copy_only=False)
        return (moments // DAY_US).astype(np.int32)
    return ((moments + FIXED_OFFSET_US["Asia/Shanghai"]) // DAY_US).astype(np.int32)


def filesystem(root: str) -> tuple[pafs.FileSystem, str]:
    if "://" in root:
        return pafs.FileSystem.from_uri(root)
    return pafs.LocalFileSystem(), root


@dataclass
class Stager:
    """Splits rows by day and writes them in the background; BUFFER_ROWS rows at most wait for that.

    mark: part of every file's name, different for each attempt at a delivery.
    """

    spec: DatasetSpec
    delivery_id: int
    mark: str
    known_from: datetime
    generation: int
    area_code: str
    live_since: datetime | None
    pool: ThreadPoolExecutor
    files: list[StagedFile] = field(default_factory=list)
    rows: int = 0
    live_rows: int = 0

    def __post_init__(self) -> None:
        self._fs, self._root = filesystem(table_root(self.spec.code))
        self._schema = file_schema(self.spec)
        self._buffers: dict[int, list[pa.Table]] = defaultdict(list)
        self._buffered: dict[int, int] = defaultdict(int)
        self._pending: list[Future[StagedFile]] = []
        self._count = self._shared = 0
        self._sync_each = True
        self._dictionaries: tuple[list[str], Any] | None = None
        self._made: set[str] = set()
        self._marks = f"{schema_mark(self.spec)}-{self.mark}"
        self._known_us = int(self.known_from.timestamp() * 1_000_000)

    def add(
        self, columns: dict[str, pa.Array], numbers: np.ndarray, placed: Placed | None
    ) -> list[tuple[int, pa.Table]]:
        """Take rows that passed; returns them by day (since 1970), in the form the lake has them."""
        table = self._dress(columns, numbers, placed)
        days = self._days(columns, len(numbers))
        self.rows += len(numbers)
        parts = _by_day(table, days)
        if len(parts) > 1:
            self._shared += len(numbers)
        for day, part in parts:
            self._buffers[day].append(part)
            self._buffered[day] += part.num_rows
            if self._buffered[day] >= FILE_ROWS:
                self._flush(day)
        while sum(self._buffered.values()) > BUFFER_ROWS:
            self._flush(max(self._buffered, key=self._buffered.__getitem__))
        if self._shared > SHARED_ROWS:
            self._let_go()
        return parts

    def finish(self) -> list[StagedFile]:
        """Write the rest; what is returned is on the disk, not only in its cache."""
        self._sync_each = len(self._buffered) <= MOST_SYNCS
        for day in sorted(self._buffered):
            if self._buffered[day]:
                self._flush(day)
        self._settle(0)
        if not self._sync_each:
            os.sync()  # one long wait instead of thousands of short ones
        self.files.sort(key=lambda f: (f.first_row, f.day))
        return self.files

    def discard(self) -> None:
        """Remove what was written; nobody has seen it."""
        for future in self._pending:
            with suppress(Exception):
                self.files.append(future.result())
        self._pending.clear()
        remove_files(self.spec.code, (f.path for f in self.files))

    def _dress(self, columns: dict[str, pa.Array], numbers: np.ndarray, placed: Placed | None) -> pa.Table:
        length = len(numbers)
        areas, cells = self._places(placed, length)
        system = {
            "_delivery": pa.repeat(pa.scalar(self.delivery_id, pa.int64()), length),
            "_row": pa.array(numbers, pa.int64()),
            "_known_from": pa.repeat(pa.scalar(self._known_us, pa.int64()), length).view(
                pa.timestamp("us", "UTC")
            ),
            "_area": areas,
            "_cell": cells,
            "_generation": pa.repeat(pa.scalar(self.generation, pa.int32()), length),
            "_live": self._live(columns, length),
        }
        arrays = [columns[c.code] for c in self.spec.columns] + list(system.values())
        return pa.table(arrays, names=self._schema.names)

    def _places(self, placed: Placed | None, length: int) -> tuple[pa.Array, pa.Array]:
        """Area down to the village, and the cell where one is known, as dictionaries: few codes, many rows.

        The dictionaries of a large batch hold every code, so that all batches share them and the writer
        need not build its own; those of a small one hold only its own codes.
        """
        if placed is None:
            codes, at = [""], np.zeros(length, dtype=np.int64)
        elif length < SMALL_ROWS:
            used, at = np.unique(placed.at, return_inverse=True)
            codes = [placed.codes[n] for n in used]
        else:
            codes, at = placed.codes, placed.at
        areas, area_of, cells, cell_of = self._words(codes)
        return (
            pa.DictionaryArray.from_arrays(pa.array(area_of.take(at)), areas, safe=False),
            pa.DictionaryArray.from_arrays(pa.array(cell_of.take(at)), cells, safe=False),
        )

    def _words(self, codes: list[str]) -> tuple[pa.Array, np.ndarray, pa.Array, np.ndarray]:
        """Dictionaries of areas and cells, and where each code stands in them."""
        known = self._dictionaries
        if known is not None and known[0] is codes:
            return known[1]
        areas, area_of = dictionary([code[:12] or self.area_code for code in codes])
        cells, cell_of = dictionary([code if len(code) > 12 else "" for code in codes])
        self._dictionaries = (codes, (areas, area_of, cells, cell_of))
        return areas, area_of, cells, cell_of

    def _live(self, columns: dict[str, pa.Array], length: int) -> pa.Array:
        """Fresh enough to start something; a delivery of history has no such row."""
        if self.live_since is None:
            return pa.repeat(False, length)
        if not self.spec.time_column:
            self.live_rows += length
            return pa.repeat(True, length)
        times = columns[self.spec.time_column]
        if pa.types.is_date(times.type):
            live = pc.greater_equal(times, self.live_since.astimezone(SHANGHAI).date())
        else:
            live = pc.greater_equal(times, pa.scalar(self.live_since, times.type))
        self.live_rows += pc.sum(live).as_py() or 0
        return live

    def _days(self, columns: dict[str, pa.Array], length: int) -> np.ndarray:
        name = self.spec.time_column
        if not name:
            today = (self.known_from.astimezone(SHANGHAI).date() - EPOCH).days
            return np.full(length, today, dtype=np.int32)
        times = columns[name]
        if pa.types.is_date(times.type):
            return times.cast(pa.int32()).to_numpy(zero_copy_only=False)
        return shanghai_days(times)

    def _let_go(self) -> None:
        """Give each day rows of its own: one that waits holds the whole batch that it was cut from."""
        for day, parts in self._buffers.items():
            whole = pa.concat_tables(parts)
            self._buffers[day] = [whole.combine_chunks() if len(parts) > 1 else _copy(whole)]
        self._shared = 0

    def _flush(self, day: int) -> None:
        parts = self._buffers.pop(day)
        self._buffered.pop(day)
        when = EPOCH + timedelta(days=day)
        self._count += 1
        path = f"day={when.isoformat()}/{self.delivery_id}-{self._marks}-{self._count}.parquet"
        folder = f"{self._root}/day={when.isoformat()}"
        if folder not in self._made:
            self._fs.create_dir(folder, recursive=True)
            self._made.add(folder)
        self._settle(IN_FLIGHT)
        self._pending.append(self.pool.submit(self._write, parts, path, when))

    def _settle(self, leave: int) -> None:
        while len(self._pending) > leave:
            self.files.append(self._pending.pop(0).result())

    def _write(self, parts: list[pa.Table], path: str, day: date) -> StagedFile:
        target = f"{self._root}/{path}"
        first, last, rows = 2**62, 0, 0
        lows: dict[str, Any] = {"_delivery": self.delivery_id}
        highs: dict[str, Any] = {"_delivery": self.delivery_id}
        with self._fs.open_output_stream(target) as sink:
            options = writer_options(self._schema, parts[0])
            with pq.ParquetWriter(sink, parts[0].schema, **options) as writer:
                for part in _regroup(parts):
                    writer.write_table(part)
                    numbers = part.column("_row")
                    first = min(first, pc.min(numbers).as_py())
                    last = max(last, pc.max(numbers).as_py())
                    rows += part.num_rows
            size = sink.tell()
        if self._sync_each:
            sync_file(target)
        lows["_row"], highs["_row"] = first, last
        return StagedFile(path, day, rows, size, first, last, stats_json(rows, lows, highs))


def _regroup(parts: list[pa.Table]) -> Iterable[pa.Table]:
    """Row groups of about ROW_GROUP_ROWS; many small parts become one."""
    whole = pa.concat_tables(parts) if len(parts) > 1 else parts[0]
    for start in range(0, whole.num_rows, ROW_GROUP_ROWS * 4):
        yield whole.slice(start, ROW_GROUP_ROWS * 4)


def _by_day(table: pa.Table, days: np.ndarray) -> list[tuple[int, pa.Table]]:
    """Slices by day; rows keep their order within one."""
    if not len(days):
        return []
    low, high = int(days.min()), int(days.max())
    if low == high:
        return [(low, table)]
    steps = np.diff(days)
    if (steps < 0).any():
        span = days - low
        narrow = span.astype(np.uint16) if high - low < 65_536 else span
        order = np.argsort(narrow, kind="stable")
        days, table = days[order], table.take(pa.array(order))
        steps = np.diff(days)
    edges = [0, *(np.flatnonzero(steps) + 1).tolist(), len(days)]
    return [
        (int(days[start]), table.slice(start, end - start))
        for start, end in zip(edges[:-1], edges[1:], strict=True)
    ]


def _copy(table: pa.Table) -> pa.Table:
    return table.take(pa.array(np.arange(table.num_rows)))


def with_day(table: pa.Table, day: int) -> pa.Table:
    return table.append_column("day", pa.repeat(pa.scalar(day, pa.int32()), table.num_rows).cast(pa.date32()))


def remove_files(code: str, paths: Iterable[str]) -> None:
    fs, root = filesystem(table_root(code))
    for path in paths:
        with suppress(FileNotFoundError, OSError):
            fs.delete_file(f"{root}/{path}")


def remove_leftovers(code: str, delivery_id: int, keep: set[str]) -> int:
    """Remove files that a killed process left of a delivery, except those that count."""
    root = table_root(code)
    if "://" in root or not os.path.isdir(root):
        return 0
    removed = 0
    for day in os.scandir(root):
        if not day.name.startswith("day="):
            continue
        for file in os.scandir(day.path):
            name = f"{day.name}/{file.name}"
            if file.name.startswith(f"{delivery_id}-") and name not in keep:
                os.unlink(file.path)
                removed += 1
    return removed
