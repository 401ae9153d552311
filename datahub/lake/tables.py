"""The Delta tables: one per dataset, append-only, partitioned by Shanghai day.

Files are written first and become part of the table in one commit that carries the number of
the delivery's turn as an application transaction, so a commit that is repeated adds nothing.
deltalake must not be used before a fork: its threads do not survive one.
"""

import hashlib
import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.conf import settings

from datahub.checks.coerce import TYPES, UTC_TIME
from datahub.declare import DatasetSpec

APP_ID = "datahub"
UPKEEP_ID = "datahub.upkeep"  # counts recorded deletions and erasures
DAY = "day"
SYSTEM_COLUMNS: dict[str, pa.DataType] = {
    "_delivery": pa.int64(),
    "_row": pa.int64(),
    "_known_from": UTC_TIME,
    "_area": pa.string(),
    "_cell": pa.string(),
    "_generation": pa.int32(),
    "_live": pa.bool_(),
}
MOST_SYNCS = 64
_used_here = False
_forked_after_use = False
_lock = threading.Lock()
_open_tables: dict[str, tuple[tuple[int, ...] | None, Any]] = {}
_pinned: dict[str, tuple[Any, "Pinned"]] = {}  # the newest list of files, and the table it was read from


class SchemaConflict(Exception):
    """The catalogue asks for a column in another type than the table has."""


@dataclass(frozen=True)
class StagedFile:
    """A Parquet file of a delivery. path is relative to the table; rows count from 1."""

    path: str
    day: date
    rows: int
    size: int
    first_row: int
    last_row: int
    stats: str


@dataclass(frozen=True)
class Pinned:
    """A table at one version: reading it later gives the same rows, whatever was added since."""

    code: str
    version: int | None
    root: str
    files: tuple[tuple[str, date], ...]

    def paths(self, days: tuple[date, date] | None = None) -> list[str]:
        """Files of the days from first to last, both included."""
        return [
            f"{self.root}/{path}" for path, day in self.files if days is None or days[0] <= day <= days[1]
        ]


def _after_fork() -> None:
    global _forked_after_use
    _forked_after_use = _used_here
    _open_tables.clear()
    _pinned.clear()


os.register_at_fork(after_in_child=_after_fork)


def _deltalake() -> Any:
    """The library, loaded at first use. Raises RuntimeError in a child forked after that."""
    global _used_here
    if _forked_after_use:
        raise RuntimeError("the lake was opened before this process was forked; run thread or solo workers")
    _used_here = True
    import deltalake

    return deltalake


def table_root(code: str) -> str:
    url = settings.LAKE_URL
    return f"{url.rstrip('/')}/{code}" if "://" in url else str(Path(url) / code)


def file_schema(spec: DatasetSpec) -> pa.Schema:
    """What a Parquet file holds; the day stands in its path."""
    own = [(column.code, TYPES[column.kind]) for column in spec.columns]
    return pa.schema([*own, *SYSTEM_COLUMNS.items()])


def lake_schema(spec: DatasetSpec) -> pa.Schema:
    return file_schema(spec).append(pa.field(DAY, pa.date32()))


def schema_mark(spec: DatasetSpec) -> str:
    """Part of every file's name: files with the same mark have the same columns."""
    words = ",".join(f"{field.name}:{field.type}" for field in file_schema(spec))
    return hashlib.sha256(words.encode()).hexdigest()[:8]


def open_table(code: str) -> Any:
    """The table at its newest version, None while it does not exist."""
    delta = _deltalake()
    root = table_root(code)
    with _lock:
        mark = _birth_mark(root)
        known = _open_tables.get(root)
        if known is not None and known[0] == mark and mark is not None:
            known[1].update_incremental()
            return known[1]
        _open_tables.pop(root, None)
        if not delta.DeltaTable.is_deltatable(root):
            return None
        table = delta.DeltaTable(root)
        _open_tables[root] = (_birth_mark(root), table)
        return table


def _birth_mark(root: str) -> tuple[int, ...] | None:
    """Tells a table from one that a restore put in its place; None where there is no table."""
    if "://" in root:
        return ()
    for path in (
        f"{root}/_delta_log/{0:020}.json",
        f"{root}/_delta_log",
    ):  # old logs are cleared away in time
        with suppress(FileNotFoundError, NotADirectoryError):
            found = os.stat(path)
            return (found.st_ino, found.st_mtime_ns) if path.endswith(".json") else (found.st_ino,)
    return None


def ensure_table(spec: DatasetSpec) -> Any:
    """The table with at least the catalogue's columns. Raises SchemaConflict where a type changed."""
    delta = _deltalake()
    table = open_table(spec.code)
    if table is None:
        delta.DeltaTable.create(
            table_root(spec.code),
            schema=lake_schema(spec),
            partition_by=[DAY],
            mode="ignore",
            name=spec.code,
            configuration={"delta.appendOnly": "true", "delta.checkpointInterval": "50"},
        )
        table = open_table(spec.code)
    there = pa.schema(table.schema().to_arrow())
    wanted = lake_schema(spec)
    missing = [field for field in wanted if field.name not in there.names]
    for field in wanted:
        if field.name in there.names and not _same_type(there.field(field.name).type, field.type):
            raise SchemaConflict(f"{field.name}: {there.field(field.name).type} → {field.type}")
    if missing:
        table.alter.add_columns([delta.Field.from_arrow(field) for field in missing])
        table = open_table(spec.code)
    return table


def _same_type(one: pa.DataType, other: pa.DataType) -> bool:
    if pa.types.is_string(other):
        return bool(pa.types.is_string(one) or pa.types.is_large_string(one) or pa.types.is_string_view(one))
    return bool(one == other)


def committed_number(code: str) -> int:
    """The number of the last turn whose rows are in the table; 0 before the first."""
    table = open_table(code)
    return 0 if table is None else (table.transaction_version(APP_ID) or 0)


def commit_files(spec: DatasetSpec, files: list[StagedFile], *, number: int, delivery_id: int) -> int:
    """Make the files part of the table, once. Returns the table's version."""
    delta = _deltalake()
    from deltalake.transaction import AddAction

    table = ensure_table(spec)
    if (table.transaction_version(APP_ID) or 0) >= number:
        return int(table.version())
    written_ms = time.time_ns() // 1_000_000
    actions = [AddAction(f.path, f.size, {DAY: f.day.isoformat()}, written_ms, True, f.stats) for f in files]
    with _lock:
        table.create_write_transaction(
            actions,
            "append",
            lake_schema(spec),
            partition_by=[DAY],
            commit_properties=delta.CommitProperties(
                app_transactions=[delta.Transaction(APP_ID, number)],
                custom_metadata={"delivery": str(delivery_id)},
                max_commit_retries=0,
            ),
        )
    version = int(open_table(spec.code).version())
    sync_file(f"{table_root(spec.code)}/_delta_log/{version:020}.json")
    return version


def upkeep_number(code: str) -> int:
    """The number of the last recorded deletion or erasure that the table has seen; 0 before the first."""
    table = open_table(code)
    return 0 if table is None else (table.transaction_version(UPKEEP_ID) or 0)


def replace_files(
    spec: DatasetSpec, gone: list[tuple[str, date]], new: list[StagedFile], *, number: int | None = None
) -> int:
    """Put files in the place of others in one commit; the old ones stay on the disk for open readers.

    number: of a recorded deletion or erasure, which changes rows and is done once; None: the same rows
    in other files. The table is append-only in between as well: it is opened for this commit alone.
    """
    delta = _deltalake()
    from deltalake.transaction import AddAction, RemoveAction

    table = ensure_table(spec)
    if number is not None and (table.transaction_version(UPKEEP_ID) or 0) >= number:
        return int(table.version())
    at = time.time_ns() // 1_000_000
    changes = number is not None
    actions = [
        *(AddAction(f.path, f.size, {DAY: f.day.isoformat()}, at, changes, f.stats) for f in new),
        *(
            RemoveAction(path, changes, at, size=None, partition_values={DAY: day.isoformat()})
            for path, day in gone
        ),
    ]
    done = [delta.Transaction(UPKEEP_ID, number)] if number is not None else None
    with _lock:
        if changes:
            table.alter.set_table_properties({"delta.appendOnly": "false"})
        try:
            table.create_write_transaction(
                actions,
                "append",
                lake_schema(spec),
                partition_by=[DAY],
                commit_properties=delta.CommitProperties(app_transactions=done, max_commit_retries=0),
            )
        finally:
            if changes:
                table.update_incremental()
                table.alter.set_table_properties({"delta.appendOnly": "true"})
    version = int(open_table(spec.code).version())
    sync_file(f"{table_root(spec.code)}/_delta_log/{version:020}.json")
    return version


def old_files(code: str, keep_hours: float) -> list[str]:
    """Files that left the table longer ago than so many hours."""
    table = open_table(code)
    if table is None:
        return []
    with _lock:
        return list(
            table.vacuum(retention_hours=int(keep_hours), dry_run=True, enforce_retention_duration=False)
        )


def sync_file(path: str) -> None:
    """Have the disk keep a file before PostgreSQL says it is there. Object stores do so by themselves."""
    if "://" in path:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: list[str]) -> None:
    """The same for many files: one long wait instead of thousands of short ones."""
    if len(paths) <= MOST_SYNCS:
        for path in paths:
            sync_file(path)
    elif "://" not in paths[0]:
        os.sync()


def pin(code: str, version: int | None = None) -> Pinned:
    """The table's files at its newest version, or at an older one. No table, no files."""
    root = table_root(code)
    table = open_table(code)
    if table is None:
        return Pinned(code, None, root, ())
    if version is not None and version != table.version():
        table = _deltalake().DeltaTable(root, version=version)
    with _lock:
        number = int(table.version())
        known = _pinned.get(root)
        if known is not None and known[0] is table and known[1].version == number:
            return known[1]
        actions = pa.table(table.get_add_actions(flatten=True))
    names, days = actions.column("path").to_pylist(), actions.column(f"partition.{DAY}").to_pylist()
    found = Pinned(code, number, root, tuple(zip(names, days, strict=True)))
    if version is None:
        _pinned[root] = (table, found)
    return found


def stats_json(rows: int, lows: dict[str, Any], highs: dict[str, Any]) -> str:
    return json.dumps({"numRecords": rows, "minValues": lows, "maxValues": highs, "nullCount": {}})
