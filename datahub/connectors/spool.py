"""What a fetch brings is written down for good before anything is told about it."""

import hashlib
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings


@dataclass
class Fetched:
    """One batch on the disk, and what becomes of the source once it is in the lake.

    rows: None of a file that is read later. more: there may be another batch at once.
    """

    path: Path
    file_name: str
    rows: int | None = None
    after: dict[str, Any] = field(default_factory=dict)
    seen: bytes | None = None
    origin: dict[str, Any] = field(default_factory=dict)
    mapping: str = ""
    more: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass
class Nothing:
    """No batch this time. unchanged: the source says itself that it is as it was."""

    unchanged: bool = False
    notes: list[str] = field(default_factory=list)


def folder() -> Path:
    found = Path(settings.MEDIA_ROOT) / "datahub" / "sources"
    found.mkdir(parents=True, exist_ok=True)
    return found


def new_path(source_id: int, ending: str = "") -> Path:
    return folder() / f"{source_id}-{uuid.uuid4().hex}{ending}"


def settle(path: Path) -> None:
    """On the disk for good, the name too."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
    place = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def digest_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(source_id: int, keep: set[str]) -> int:
    """Remove what a killed run left: files that no batch names. The caller has the lease."""
    gone = 0
    for file in folder().glob(f"{source_id}-*"):
        if str(file) not in keep:
            file.unlink(missing_ok=True)
            gone += 1
    return gone


class Spool:
    """Rows, chunk by chunk, into one Parquet file. Nothing is left of it unless it is kept."""

    def __init__(self, source_id: int, schema: pa.Schema, mark: Mapping[str, str] | None = None) -> None:
        # The mark makes two batches of equal rows two files, and not one delivered twice.
        self.schema = schema.with_metadata(dict(mark)) if mark else schema
        self.path = new_path(source_id, ".parquet")
        self.rows = 0
        self._kept = False
        self._writer = pq.ParquetWriter(self.path, self.schema, compression="zstd")

    def add(self, arrays: list[pa.Array]) -> None:
        table = pa.table(arrays, schema=self.schema)
        self._writer.write_table(table)
        self.rows += table.num_rows

    def keep(self) -> Path:
        self._writer.close()
        settle(self.path)
        self._kept = True
        return self.path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._kept:
            self._writer.close()
            self.path.unlink(missing_ok=True)
