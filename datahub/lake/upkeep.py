"""Keeping the tables in shape: small files become large ones, old days go, files nobody reads are removed.

Nothing here touches the database; datahub.services.upkeep holds the writer's claim around it. A reader
has pinned a list of files, and every file that leaves the table stays on the disk for KEEP_HOURS.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from datahub.declare import DatasetSpec

from .encoding import writer_options
from .staging import ROW_GROUP_ROWS, filesystem
from .tables import (
    Pinned,
    StagedFile,
    file_schema,
    old_files,
    pin,
    replace_files,
    schema_mark,
    stats_json,
    sync_all,
    sync_file,
    table_root,
)

KEEP_HOURS = 24
MANY = 8  # so many small files of one day are worth a rewrite
MANY_SETTLED = 2  # of a day to which hardly any row comes any more
SLICE_FILES = 512  # so many files of a day become one at a time
SLICE_S = 0.5  # so long compaction may keep other writers of the dataset waiting
SMALL_BYTES = 16 * 1024 * 1024
WHOLE_ROWS = 4_000_000  # rows of one file written here
OURS = "c"  # the first letter of files written here; those of a delivery begin with its number


def small_files(pinned: Pinned, settled: date) -> dict[date, list[str]]:
    """Days with many small files, and those files, in the order of their names.

    settled: days before this one hardly change any more.
    """
    fs, root = filesystem(pinned.root)
    days: dict[date, list[str]] = {}
    for path, day in pinned.files:
        days.setdefault(day, []).append(path)
    found = {}
    for day, paths in sorted(days.items()):
        enough = MANY_SETTLED if day < settled else MANY
        if len(paths) < enough:
            continue
        sizes = {path: fs.get_file_info(f"{root}/{path}").size or 0 for path in paths}
        small = sorted(path for path, size in sizes.items() if size < SMALL_BYTES)
        if len(small) >= enough:
            found[day] = small
    return found


def compact(spec: DatasetSpec, settled: date = date.min) -> tuple[int, bool]:
    """Write small files of a day as few large ones; returns how many files are fewer, and whether more wait.

    What fits into SLICE_S goes in one commit, and at least something: others want to write.
    """
    until = time.monotonic() + SLICE_S
    gone: list[tuple[str, date]] = []
    new: list[StagedFile] = []
    for day, paths in small_files(pin(spec.code), settled).items():
        for start in range(0, len(paths), SLICE_FILES):
            some = paths[start : start + SLICE_FILES]
            if gone and time.monotonic() > until:
                return _swap(spec, gone, new), True
            if len(some) > 1:
                new += write_files(spec, day, read_files(spec, some), sync=False)
                gone += [(path, day) for path in some]
    return _swap(spec, gone, new), False


def _swap(spec: DatasetSpec, gone: list[tuple[str, date]], new: list[StagedFile]) -> int:
    if not gone:
        return 0
    sync_all([f"{table_root(spec.code)}/{file.path}" for file in new])
    replace_files(spec, gone, new)
    return len(gone) - len(new)


def read_files(spec: DatasetSpec, paths: list[str]) -> Iterator[pa.Table]:
    """Their rows in the catalogue's present schema, in pieces: a column added later is null."""
    fs, root = filesystem(table_root(spec.code))
    schema = file_schema(spec)
    held = ds.dataset([f"{root}/{p}" for p in paths], schema=schema, format="parquet", filesystem=fs)
    for batch in held.to_batches(batch_size=ROW_GROUP_ROWS, batch_readahead=2, fragment_readahead=1):
        if batch.num_rows:
            yield pa.Table.from_batches([batch], schema)


def write_files(
    spec: DatasetSpec, day: date, tables: Iterator[pa.Table], *, sync: bool = True
) -> list[StagedFile]:
    """Files of one day, on the disk and in nobody's table yet. sync=False: the caller sees to the disk."""
    fs, root = filesystem(table_root(spec.code))
    schema = file_schema(spec)
    done: list[StagedFile] = []
    groups = row_groups(tables)
    waiting = next(groups, None)
    while waiting is not None:
        name = f"{OURS}{len(done)}-{schema_mark(spec)}-{uuid.uuid4().hex[:12]}.parquet"
        path = f"day={day.isoformat()}/{name}"
        rows = 0
        ends: dict[str, list[Any]] = {"_delivery": [], "_row": []}
        with fs.open_output_stream(f"{root}/{path}") as sink:
            with pq.ParquetWriter(sink, schema, **writer_options(schema, waiting)) as writer:
                while waiting is not None and rows < WHOLE_ROWS:
                    writer.write_table(waiting, row_group_size=ROW_GROUP_ROWS)
                    rows += waiting.num_rows
                    for column, seen in ends.items():
                        found = pc.min_max(waiting.column(column))
                        seen += [found["min"].as_py(), found["max"].as_py()]
                    waiting = next(groups, None)
            size = sink.tell()
        if sync:
            sync_file(f"{root}/{path}")
        lows = {column: min(seen) for column, seen in ends.items()}
        highs = {column: max(seen) for column, seen in ends.items()}
        stats = stats_json(rows, lows, highs)
        done.append(StagedFile(path, day, rows, size, lows["_row"], highs["_row"], stats))
    return done


def row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Pieces put together until they make a row group: a reader pays for each of those, however short."""
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += table.num_rows
        if rows >= ROW_GROUP_ROWS:
            yield pa.concat_tables(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def rows_by_delivery(spec: DatasetSpec, paths: list[str]) -> dict[int, int]:
    fs, root = filesystem(table_root(spec.code))
    if not paths:
        return {}
    schema = file_schema(spec)
    held = ds.dataset([f"{root}/{p}" for p in paths], schema=schema, format="parquet", filesystem=fs)
    counted = pc.value_counts(held.to_table(columns=["_delivery"]).column("_delivery"))
    return {entry["values"]: entry["counts"] for entry in counted.to_pylist()}


def rewrite(
    spec: DatasetSpec, change: Callable[[pa.Table], pa.Table | None]
) -> tuple[list[tuple[str, date]], list[StagedFile], int]:
    """Files in which `change` altered something, their successors, and the rows altered.

    change: gives the altered rows of a piece, or None where it holds nothing to alter.
    """
    gone: list[tuple[str, date]] = []
    new: list[StagedFile] = []
    rows = 0
    for path, day in pin(spec.code).files:
        pieces, altered = [], 0
        for table in read_files(spec, [path]):
            changed = change(table)
            pieces.append(table if changed is None else changed)
            altered += 0 if changed is None else table.num_rows
        if altered:
            gone.append((path, day))
            new += write_files(spec, day, iter(pieces))
            rows += altered
    return gone, new, rows


def vacuum(code: str, keep_hours: float = KEEP_HOURS) -> int:
    """Remove files that left the table longer ago than that, and those of rewrites that were killed."""
    fs, root = filesystem(table_root(code))
    removed = 0
    for path in old_files(code, keep_hours):
        with suppress(FileNotFoundError, OSError):
            fs.delete_file(f"{root}/{path}")
            removed += 1
    if "://" in root or not os.path.isdir(root):
        return removed
    known = {path for path, _day in pin(code).files} | set(old_files(code, 0))
    for folder in os.scandir(root):
        if folder.name.startswith("day=") and folder.is_dir():
            for file in os.scandir(folder.path):
                if file.name.startswith(OURS) and f"{folder.name}/{file.name}" not in known:
                    os.unlink(file.path)
                    removed += 1
    return removed
