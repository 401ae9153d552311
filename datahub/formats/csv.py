"""CSV: typed at once where the file is clean, block by block as text where it is not."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from datahub.faults import Fault, Notes, Reason, Refusal, Refused

from .base import MAX_COLUMNS, Block, drop, flat
from .blocks import BLOCK_BYTES, MAX_LINE_BYTES, one_line_end, text_bytes, whole_lines

MARK = "\ufffd".encode()
DELIMITERS = (",", "\t", ";", "|")
NAIVE_TIME, AWARE_TIME = pa.timestamp("us"), pa.timestamp("us", "UTC")
TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "time": NAIVE_TIME,
    "boolean": pa.string(),
}


class CsvSource:
    """A delimited text file with a header."""

    def __init__(
        self,
        stream: BinaryIO,
        *,
        delimiter: str = "",
        encoding: str = "",
        null_tokens: tuple[str, ...] = ("",),
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.notes, self.null_tokens = Notes(), null_tokens
        self.hints: dict[str, str] = {}
        self._worked: dict[str, pa.DataType] | None = None
        chunks = one_line_end(text_bytes(stream, self.notes, encoding, block_bytes))
        self._lines = whole_lines(chunks, quote=b'"')
        first = next(self._lines, b"")
        while first and not first.strip():
            first = next(self._lines, b"")
        if not first:
            raise Refusal(Refused.NO_ROWS)
        head, self._first = _split_header(first)
        self.delimiter = delimiter or _guess_delimiter(head)
        try:
            self.header = [name.strip() for name in next(csv.reader([head], delimiter=self.delimiter))]
        except (csv.Error, StopIteration) as error:
            raise Refusal(Refused.DAMAGED, "header") from error
        if len(self.header) > MAX_COLUMNS:
            raise Refusal(Refused.TOO_LARGE, f"> {MAX_COLUMNS} columns")
        repeated = sorted(name for name, n in Counter(self.header).items() if name and n > 1)
        if repeated:
            raise Refusal(Refused.REPEATED_HEADER, ", ".join(repeated)[:300])
        self.header = [name or f"column {n + 1}" for n, name in enumerate(self.header)]

    def pieces(self) -> Iterator[bytes]:
        if self._first and not self._first.isspace():
            yield self._first
        self._first = b""
        for block in self._lines:
            if not block.isspace():
                yield block

    def parse(self, piece: bytes) -> Block:
        """Typed if every value fits its hint, else as text; else by the slow reader of the language."""
        converted = bool(self.notes.lines)
        if not piece.isascii():
            try:
                piece.decode()
            except UnicodeDecodeError:
                piece, converted = piece.decode("utf-8", "replace").encode(), True
        block = self._parse(piece)
        # Only bytes that could not be read leave this mark, unless the writer of UTF-8 meant it.
        marks = [MARK.decode()] if converted and MARK in piece else []
        marks += ["\x00"] if b"\x00" in piece else []
        return _without_marks(block, marks) if marks else block

    def _parse(self, piece: bytes) -> Block:
        for types in self._tries():
            try:
                block = self._read(piece, types)
            except pa.ArrowInvalid:
                continue
            if pa.string() not in types.values() or types != dict.fromkeys(types, pa.string()):
                self._worked = types  # text always works: it is no reason to give up typed reading
            return block
        return self._read_slowly(piece)

    def _tries(self) -> Iterator[dict[str, pa.DataType]]:
        """Times without an offset, times with one, then text; what worked last goes first."""
        hinted = {name: TYPES[kind] for name, kind in self.hints.items()}
        aware = {name: AWARE_TIME if kind == NAIVE_TIME else kind for name, kind in hinted.items()}
        as_text = dict.fromkeys(self.hints or self.header, pa.string())
        done: list[dict[str, pa.DataType]] = []
        for types in (self._worked, hinted, aware, as_text):
            if types and types not in done:
                done.append(types)
                yield types

    def _read(self, piece: bytes, types: dict[str, pa.DataType]) -> Block:
        # A row's number counts from 1 and passes over blank lines. A block may hold a million bad rows,
        # so no more is kept of each than its fault.
        faults: list[Fault] = []
        details: dict[tuple[int, int], str] = {}

        def skip(row: arrow_csv.InvalidRow) -> str:
            counts = (row.actual_columns, row.expected_columns)
            detail = details.setdefault(counts, f"{counts[0]} / {counts[1]}")
            faults.append(Fault((row.number or 1) - 1, "", Reason.FIELD_COUNT, row.text[:500], detail))
            return "skip"

        table = arrow_csv.read_csv(
            pa.BufferReader(piece),
            read_options=arrow_csv.ReadOptions(
                column_names=self.header, use_threads=False, block_size=len(piece) + 1
            ),
            parse_options=arrow_csv.ParseOptions(
                # newlines_in_values only says where Arrow may cut; a piece is one block and is not cut.
                delimiter=self.delimiter,
                invalid_row_handler=skip,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                null_values=list(self.null_tokens),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        arrays = {name: flat(table.column(name)) for name in types}
        rows, index = table.num_rows + len(faults), None
        if faults:
            index = np.delete(np.arange(rows), [fault.row for fault in faults])
        return Block(arrays, rows, index, faults)

    def _read_slowly(self, piece: bytes) -> Block:
        text = piece.decode()
        csv.field_size_limit(MAX_LINE_BYTES)
        wanted = list(self.hints or self.header)
        at = [self.header.index(name) for name in wanted]
        nulls = set(self.null_tokens)
        kept: list[list[str | None]] = []
        index: list[int] = []
        faults: list[Fault] = []
        rows = 0
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                faults.append(Fault(rows, "", Reason.BAD_RECORD, "", str(error)))
                rows += 1
                continue
            if not row:
                continue
            if len(row) != len(self.header):
                raw = self.delimiter.join(row)[:500]
                faults.append(Fault(rows, "", Reason.FIELD_COUNT, raw, f"{len(row)} / {len(self.header)}"))
            else:
                kept.append([None if row[n] in nulls else row[n] for n in at])
                index.append(rows)
            rows += 1
        columns = list(zip(*kept, strict=True)) if kept else [()] * len(wanted)
        arrays = {name: pa.array(column, pa.string()) for name, column in zip(wanted, columns, strict=True)}
        return Block(arrays, rows, np.array(index, dtype=np.int64), faults)


def _split_header(block: bytes) -> tuple[str, bytes]:
    """The first line that is not blank, and what follows it."""
    body = block.lstrip(b"\r\n")
    end = body.find(b"\n")
    while end > 0 and body.count(b'"', 0, end) % 2:
        end = body.find(b"\n", end + 1)
    line = body if end < 0 else body[:end]
    return line.decode("utf-8", "replace").strip("\r"), b"" if end < 0 else body[end + 1 :]


def _guess_delimiter(head: str) -> str:
    return max(DELIMITERS, key=head.count)


def _without_marks(block: Block, marks: list[str]) -> Block:
    """Leave out rows with U+FFFD or NUL."""
    bad: dict[int, Fault] = {}
    for name, array in block.arrays.items():
        if pa.types.is_string(array.type):
            for mark in marks:
                found = pc.fill_null(pc.match_substring(array, mark), False)
                for n in np.flatnonzero(found.to_numpy(zero_copy_only=False)):
                    raw = array[int(n)].as_py()[:500]
                    bad.setdefault(int(n), Fault(block.place(int(n)), name, Reason.UNDECODABLE, raw))
    return drop(block, bad)
