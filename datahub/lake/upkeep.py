"""Keeping the tables in shape: small files become large ones, old days go, files nobody reads are removed.

Nothing here touches the database; datahub.services.upkeep holds the writer's claim around it. A reader
has pinned a list of files, and every file that leaves the table stays on the disk for KEEP_HOURS.
"""

import os
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

from .staging import ROW_GROUP_ROWS, filesystem, writer_options
from .tables import (
    Pinned,
    StagedFile,
    file_schema,
    old_files,
    pin,
    replace_files,
    schema_mark,
    stats_json,
    sync_file,
    table_root,
)

KEEP_HOURS = 24
MANY = 8  # so many small files of one day are worth a rewrite
SMALL_BYTES = 16 * 1024 * 1024
WHOLE_ROWS = 4_000_000  # rows of one file written here
OURS = "c"  # the first letter of files written here; those of a delivery begin with its number


def small_files(pinned: Pinned) -> dict[date, list[str]]:
    """Days with many small files, and those files, in the order of their names."""
    fs, root = filesystem(pinned.root)
    days: dict[date, list[str]] = {}
    for path, day in pinned.files:
        days.setdefault(day, []).append(path)
    found = {}
    for day, paths in sorted(days.items()):
        if len(paths) < MANY:
            continue
        sizes = {path: fs.get_file_info(f"{root}/{path}").size or 0 for path in paths}
        small = sorted(path for path, size in sizes.items() if size < SMALL_BYTES)
        if len(small) >= MANY:
            found[day] = small
    return found


def compact(spec: DatasetSpec) -> int:
    """Write the small files of a day as few large ones; returns how many files are fewer now."""
    fewer = 0
    for day, paths in small_files(pin(spec.code)).items():
        new = write_files(spec, day, read_files(spec, paths))
        replace_files(spec, [(path, day) for path in paths], new)
        fewer += len(paths) - len(new)
    return fewer


def read_files(spec: DatasetSpec, paths: list[str]) -> Iterator[pa.Table]:
    """Their rows in the catalogue's present schema, in pieces: a column added later is null."""
    fs, root = filesystem(table_root(spec.code))
    schema = file_schema(spec)
    held = ds.dataset([f"{root}/{p}" for p in paths], schema=schema, format="parquet", filesystem=fs)
    for batch in held.to_batches(batch_size=ROW_GROUP_ROWS, batch_readahead=2, fragment_readahead=1):
        if batch.num_rows:
            yield pa.Table.from_batches([batch], schema)


def write_files(spec: DatasetSpec, day: date, tables: Iterator[pa.Table]) -> list[StagedFile]:
    """Files of one day, on the disk and in nobody's table yet."""
    fs, root = filesystem(table_root(spec.code))
    schema = file_schema(spec)
    done: list[StagedFile] = []
    waiting = next(tables, None)
    while waiting is not None:
        name = f"{OURS}{len(done)}-{schema_mark(spec)}-{uuid.uuid4().hex[:12]}.parquet"
        path = f"day={day.isoformat()}/{name}"
        rows = 0
        ends: dict[str, list[Any]] = {"_delivery": [], "_row": []}
        with fs.open_output_stream(f"{root}/{path}") as sink:
            with pq.ParquetWriter(sink, schema, **writer_options(schema)) as writer:
                while waiting is not None and rows < WHOLE_ROWS:
                    writer.write_table(waiting)
                    rows += waiting.num_rows
                    for column, seen in ends.items():
                        found = pc.min_max(waiting.column(column))
                        seen += [found["min"].as_py(), found["max"].as_py()]
                    waiting = next(tables, None)
            size = sink.tell()
        sync_file(f"{root}/{path}")
        lows = {column: min(seen) for column, seen in ends.items()}
        highs = {column: max(seen) for column, seen in ends.items()}
        stats = stats_json(rows, lows, highs)
        done.append(StagedFile(path, day, rows, size, lows["_row"], highs["_row"], stats))
    return done


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
