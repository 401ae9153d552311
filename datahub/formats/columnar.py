"""Parquet files and Arrow tables in memory: sources that know their columns."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datahub.faults import Fault, Notes, Reason, Refusal, Refused

from .base import MAX_COLUMNS, Block, drop, flat

BATCH_ROWS = 131_072
# What pyarrow raises for files that are no Parquet, or were changed on the way.
BROKEN = (pa.ArrowException, OSError, ValueError, OverflowError, IndexError)


class ParquetSource:
    def __init__(self, path: str, *, null_tokens: tuple[str, ...] = ("",), **_: Any) -> None:
        self.notes, self.null_tokens = Notes(), null_tokens
        self.hints: dict[str, str] = {}
        try:
            self._file = pq.ParquetFile(path)
            self.header = list(self._file.schema_arrow.names)
            rows = self._file.metadata.num_rows
        except BROKEN as error:
            raise Refusal(Refused.DAMAGED, f"Parquet: {error}"[:300]) from error
        if rows <= 0:
            raise Refusal(Refused.NO_ROWS)
        if len(self.header) > MAX_COLUMNS:
            raise Refusal(Refused.TOO_LARGE, f"> {MAX_COLUMNS} columns")
        repeated = sorted(name for name, n in Counter(self.header).items() if n > 1)
        if repeated:
            raise Refusal(Refused.REPEATED_HEADER, ", ".join(repeated)[:300])

    def pieces(self) -> Iterator[pa.RecordBatch]:
        wanted = list(self.hints or self.header)
        try:
            yield from self._file.iter_batches(batch_size=BATCH_ROWS, columns=wanted)
        except BROKEN as error:
            raise Refusal(Refused.DAMAGED, f"Parquet: {error}"[:300]) from error

    def parse(self, piece: pa.RecordBatch) -> Block:
        block = Block({name: piece.column(name) for name in self.hints or self.header}, piece.num_rows)
        return _readable(block)


def _readable(block: Block) -> Block:
    """Texts that are none, in columns that say they hold text, or bytes, cost their row."""
    bad: dict[int, Fault] = {}
    for name, array in block.arrays.items():
        stored = array.type
        if not (pa.types.is_string(stored) or pa.types.is_binary(stored)):
            continue
        try:
            array.validate(full=True)
            text = array.cast(pa.string())
            clean = not pc.any(pc.match_substring(text, "\x00")).as_py()
        except pa.ArrowInvalid:
            clean = False
        if clean:
            block.arrays[name] = text
            continue
        values = array.cast(pa.binary()).to_pylist()
        block.arrays[name] = pa.array([_decoded(value) for value in values], pa.string())
        for n, value in enumerate(values):
            if value is not None and _decoded(value) is None:
                raw = value[:500].decode("utf-8", "backslashreplace").replace("\x00", "\\0")
                bad.setdefault(n, Fault(block.place(n), name, Reason.UNDECODABLE, raw))
    return drop(block, bad)


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None or b"\x00" in value else value.decode()
    except UnicodeDecodeError:
        return None


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
