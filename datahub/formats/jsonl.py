"""JSON lines: one object a line; a JSON array in one file is refused with a hint."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.json as arrow_json

from datahub.faults import Fault, Notes, Reason, Refusal, Refused

from .base import Block, flat
from .blocks import BLOCK_BYTES, text_bytes, whole_lines

TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.string(),
    "time": pa.string(),
}
HEADER_LINES = 200  # an optional field may be missing in the first line


class JsonLinesSource:
    """The header is the union of the names in the first lines; other names are extra columns."""

    def __init__(
        self, stream: BinaryIO, *, null_tokens: tuple[str, ...] = ("",), block_bytes: int = BLOCK_BYTES
    ) -> None:
        self.notes, self.null_tokens = Notes(), null_tokens
        self.hints: dict[str, str] = {}
        self._blocks = whole_lines(text_bytes(stream, self.notes, "", block_bytes))
        self._first = next(self._blocks, b"")
        if not self._first.strip():
            raise Refusal(Refused.NO_ROWS)
        if self._first.lstrip()[:1] == b"[":
            raise Refusal(Refused.WRONG_TYPE, "JSON array; JSON lines expected")
        names: dict[str, None] = {}
        for line in self._first.splitlines()[:HEADER_LINES]:
            record = _record(line)
            names.update(dict.fromkeys(record if isinstance(record, dict) else ()))
        self.header = list(names)

    def pieces(self) -> Iterator[bytes]:
        if self._first.strip():
            yield self._first
        self._first = b""
        yield from (block for block in self._blocks if block.strip())

    def parse(self, piece: bytes) -> Block:
        wanted = self.hints or dict.fromkeys(self.header, "text")
        schema = pa.schema([(name, TYPES[kind]) for name, kind in wanted.items()])
        try:
            table = arrow_json.read_json(
                pa.BufferReader(piece),
                read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(piece) + 1),
                parse_options=arrow_json.ParseOptions(
                    explicit_schema=schema, unexpected_field_behavior="ignore"
                ),
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return self._read_slowly(piece, list(wanted))
        return Block({name: flat(table.column(name)) for name in wanted}, table.num_rows)

    def _read_slowly(self, piece: bytes, wanted: list[str]) -> Block:
        """Line by line, so that the rest of the block survives one bad line."""
        nulls = set(self.null_tokens)
        kept: list[list[str | None]] = []
        index: list[int] = []
        faults: list[Fault] = []
        rows = 0
        for line in piece.splitlines():
            if not line.strip():
                continue
            record = _record(line)
            if isinstance(record, dict):
                kept.append([_as_text(record.get(name), nulls) for name in wanted])
                index.append(rows)
            else:
                raw = line[:500].decode("utf-8", "backslashreplace")
                reason = Reason.UNDECODABLE if record is UNDECODABLE else Reason.BAD_RECORD
                faults.append(Fault(rows, "", reason, raw))
            rows += 1
        columns = list(zip(*kept, strict=True)) if kept else [()] * len(wanted)
        arrays = {name: pa.array(column, pa.string()) for name, column in zip(wanted, columns, strict=True)}
        return Block(arrays, rows, np.array(index, dtype=np.int64), faults)


UNDECODABLE = object()


def _record(line: bytes) -> Any:
    try:
        return json.loads(line.decode())
    except UnicodeDecodeError:
        return UNDECODABLE
    except (ValueError, RecursionError):
        return None


def _as_text(value: Any, nulls: set[str]) -> str | None:
    if value is None or value in nulls if isinstance(value, str) else value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else repr(value)
