"""Parquet files, Arrow tables in memory, and workbooks: sources that know their columns."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datahub.faults import Notes, Refusal, Refused

from .base import Block, flat

BATCH_ROWS = 131_072
# A workbook is read through its shared strings, which must be held whole; so it has limits.
XLSX_MAX_UNPACKED = 512 * 1024 * 1024
XLSX_MAX_RATIO = 200
XLSX_MAX_PARTS = 5_000
XLSX_MAX_ROWS = 300_000
XLSX_MAX_COLUMNS = 500
XLSX_BATCH = 5_000


class ParquetSource:
    def __init__(self, path: str, *, null_tokens: tuple[str, ...] = ("",), **_: Any) -> None:
        self.notes, self.null_tokens = Notes(), null_tokens
        self.hints: dict[str, str] = {}
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise Refusal(Refused.DAMAGED, f"Parquet: {error}"[:300]) from error
        self.header = self._file.schema_arrow.names
        if self._file.metadata.num_rows == 0:
            raise Refusal(Refused.NO_ROWS)

    def pieces(self) -> Iterator[pa.RecordBatch]:
        wanted = list(self.hints or self.header)
        try:
            yield from self._file.iter_batches(batch_size=BATCH_ROWS, columns=wanted)
        except (pa.ArrowInvalid, OSError) as error:
            raise Refusal(Refused.DAMAGED, f"Parquet: {error}"[:300]) from error

    def parse(self, piece: pa.RecordBatch) -> Block:
        return Block({name: piece.column(name) for name in self.hints or self.header}, piece.num_rows)


class TableSource:
    """Rows that are already in memory: a push, a batch of another app."""

    def __init__(self, table: pa.Table, *, null_tokens: tuple[str, ...] = ("",)) -> None:
        if table.num_rows == 0:
            raise Refusal(Refused.NO_ROWS)
        self.notes, self.null_tokens = Notes(), null_tokens
        self.hints: dict[str, str] = {}
        self._table, self.header = table, table.column_names

    def pieces(self) -> Iterator[pa.Table]:
        for start in range(0, self._table.num_rows, BATCH_ROWS):
            yield self._table.slice(start, BATCH_ROWS)

    def parse(self, piece: pa.Table) -> Block:
        names = self.hints or self.header
        return Block({name: flat(piece.column(name)) for name in names}, piece.num_rows)


class WorkbookSource:
    """The first sheet of an .xlsx file. Its limits are the constants above."""

    def __init__(self, path: str, *, null_tokens: tuple[str, ...] = ("",), **_: Any) -> None:
        self.notes, self.null_tokens = Notes(), null_tokens
        self.hints: dict[str, str] = {}
        check_archive(path)
        import openpyxl  # only where a workbook comes

        try:
            # Given a stream, openpyxl does not judge by the name.
            self._book = openpyxl.load_workbook(open(path, "rb"), read_only=True, data_only=True)  # noqa: SIM115
            sheet = self._book.worksheets[0]
            if len(self._book.worksheets) > 1:
                self.notes.add("sheet", sheet.title)
            self._rows = sheet.iter_rows(values_only=True, max_col=XLSX_MAX_COLUMNS + 1)
            head = next((row for row in self._rows if any(cell is not None for cell in row)), None)
        except Exception as error:  # openpyxl lets every kind of error through
            raise Refusal(Refused.DAMAGED, f"XLSX: {error}"[:300]) from error
        if head is None:
            raise Refusal(Refused.NO_ROWS)
        cells = list(head)
        while cells and cells[-1] is None:
            cells.pop()
        if len(cells) > XLSX_MAX_COLUMNS:
            raise Refusal(Refused.TOO_LARGE, f"> {XLSX_MAX_COLUMNS} columns")
        self.header = [
            str(cell).strip() if cell is not None else f"column {n + 1}" for n, cell in enumerate(cells)
        ]
        repeated = sorted({name for name in self.header if self.header.count(name) > 1})
        if repeated:
            raise Refusal(Refused.REPEATED_HEADER, ", ".join(repeated))

    def pieces(self) -> Iterator[list[tuple[Any, ...]]]:
        rows: list[tuple[Any, ...]] = []
        seen = 0
        try:
            for row in self._rows:
                if not any(cell is not None for cell in row):
                    continue
                seen += 1
                if seen > XLSX_MAX_ROWS:
                    raise Refusal(Refused.TOO_LARGE, f"> {XLSX_MAX_ROWS} rows", row=seen)
                rows.append(row)
                if len(rows) == XLSX_BATCH:
                    yield rows
                    rows = []
        except Refusal:
            raise
        except Exception as error:
            raise Refusal(Refused.DAMAGED, f"XLSX: {error}"[:300], row=seen) from error
        if rows:
            yield rows

    def parse(self, piece: list[tuple[Any, ...]]) -> Block:
        nulls = set(self.null_tokens)
        arrays = {}
        for name in self.hints or self.header:
            at = self.header.index(name)
            cells = (_cell_text(row[at]) if at < len(row) else None for row in piece)
            arrays[name] = pa.array([None if cell in nulls else cell for cell in cells], pa.string())
        return Block(arrays, len(piece))


def check_archive(path: str | Path) -> None:
    """Refuse a workbook that would unpack to more than its limits, before unpacking anything.

    The directory's sizes are a claim; zipfile stops at the claimed size, so a lie cannot pass.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            packed = sum(part.compress_size for part in parts) or 1
            if len(parts) > XLSX_MAX_PARTS:
                raise Refusal(Refused.TOO_LARGE, f"{len(parts)} parts")
            worst = max(
                (p.file_size / max(p.compress_size, 1) for p in parts if p.file_size > 2**20), default=0
            )
            if unpacked > XLSX_MAX_UNPACKED or unpacked / packed > XLSX_MAX_RATIO or worst > XLSX_MAX_RATIO:
                detail = f"{packed} bytes unpack to {unpacked}"
                raise Refusal(Refused.TOO_LARGE, detail)
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as member:
                        if b"<!DOCTYPE" in member.read(2048):
                            raise Refusal(Refused.DAMAGED, "XLSX: DOCTYPE")
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise Refusal(Refused.DAMAGED, f"XLSX: {error}"[:300]) from error


def _cell_text(cell: Any) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return str(cell).strip()
