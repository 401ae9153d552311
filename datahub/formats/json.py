"""JSON: one object a line, an array of objects, or objects one after another over several lines."""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.json as arrow_json

from datahub.faults import Fault, Notes, Reason, Refusal, Refused

from .base import MAX_COLUMNS, Block, Source, flat
from .blocks import BLOCK_BYTES, text_bytes, whole_lines
from .objects import as_lines, elements

TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.string(),
    "time": pa.string(),
}
HEADER_LINES = 200  # an optional field may be missing in the first line
HEAD_BYTES = 64 * 1024
RAW = 500
_ROWS_INSIDE = re.compile(rb'"([^"\\]{1,60})"\s*:\s*\[\s*\{')


def open_json(
    stream: BinaryIO,
    *,
    encoding: str = "",
    geometry: str = "point",
    null_tokens: tuple[str, ...] = ("",),
    block_bytes: int = BLOCK_BYTES,
) -> Source:
    """The reader for what stands in the text: GeoJSON, an array, lines, or objects over several lines."""
    from .geojson import GeoJsonSource, is_collection, is_feature

    notes = Notes()
    chunks = text_bytes(stream, notes, encoding, min(block_bytes, BLOCK_BYTES // 4))
    chunks, head = _ahead(chunks)
    given: dict[str, Any] = {"notes": notes, "null_tokens": null_tokens}
    if head[:1] == b"[":
        blocks = as_lines(_array(chunks), block_bytes)
        return RecordSource(blocks, **given)
    line, ended, _rest = head.partition(b"\n")
    record = _record(line) if ended or len(head) < HEAD_BYTES else None
    if is_collection(head, record):
        return GeoJsonSource.of_collection(chunks, geometry=geometry, block_bytes=block_bytes, **given)
    if not is_feature(head, record) and (inside := _ROWS_INSIDE.search(head)) and _alone(head):
        raise Refusal(Refused.WRONG_TYPE, f'JSON: "{inside.group(1).decode("utf-8", "replace")}": […]')
    if isinstance(record, dict):
        blocks = whole_lines(chunks)
    else:
        blocks = as_lines(elements(chunks, rest=[]), block_bytes)
    if is_feature(head, record):
        return GeoJsonSource(blocks, geometry=geometry, **given)
    return RecordSource(blocks, **given)


def _ahead(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bytes]:
    """The chunks again, and the first bytes of the text without blanks before it."""
    first = b""
    for chunk in chunks:
        first = (first + chunk).lstrip(b" \t\r\n\x1e")
        if len(first) >= HEAD_BYTES:
            break
    if not first:
        raise Refusal(Refused.NO_ROWS)

    def again() -> Iterator[bytes]:
        yield first
        yield from chunks

    return again(), first[:HEAD_BYTES]


def _alone(head: bytes) -> bool:
    """One object with all rows inside it, rather than rows one after another."""
    try:
        first = next(elements(iter([head]), rest=[]), b"")
    except Refusal:
        return False
    return not head[len(first) :].strip()


def _array(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(chunks)
    rest: list[bytes] = []

    def inside() -> Iterator[bytes]:
        yield first[1:]
        yield from chunks

    within = inside()
    yield from elements(within, closed_by=b"]", rest=rest)
    for chunk in (*rest, *within):
        if chunk.strip():
            raise Refusal(Refused.DAMAGED, "JSON: text after the array")


class RecordSource:
    """JSON objects, one a line in each block. The header is the union of the names in the first lines;
    names that come later are extra columns."""

    def __init__(
        self, blocks: Iterator[bytes], *, notes: Notes | None = None, null_tokens: tuple[str, ...] = ("",)
    ) -> None:
        self.notes, self.null_tokens = notes or Notes(), null_tokens
        self.hints: dict[str, str] = {}
        self._blocks = blocks
        self._first = next(self._blocks, b"")
        if not self._first.strip():
            raise Refusal(Refused.NO_ROWS)
        names: dict[str, None] = {}
        for line in self._first.split(b"\n", HEADER_LINES)[:HEADER_LINES]:
            names.update(dict.fromkeys(self._names(_record(line))))
        names = {name: None for name in names if _clean(name)}
        if len(names) > MAX_COLUMNS:
            raise Refusal(Refused.TOO_LARGE, f"> {MAX_COLUMNS} columns")
        self.header = list(names)
        if not names and type(self) is RecordSource:
            raise Refusal(Refused.DAMAGED, f"JSON: no object with names in the first {HEADER_LINES}")

    def _names(self, record: Any) -> Iterator[str]:
        yield from record if isinstance(record, dict) else ()

    def pieces(self) -> Iterator[bytes]:
        if self._first.strip():
            yield self._first
        self._first = b""
        yield from (block for block in self._blocks if block.strip())

    def parse(self, piece: bytes) -> Block:
        wanted = self.hints or dict.fromkeys(self.header, "text")
        if not wanted or b"\\u0000" in piece or not _is_text(piece):
            return self._read_slowly(piece, list(wanted))
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
        for line in piece.split(b"\n"):
            if not line.strip():
                continue
            record = _record(line)
            fault = fault_of(record, line, wanted, rows)
            if fault is None:
                kept.append([as_text(record.get(name), nulls) for name in wanted])
                index.append(rows)
            else:
                faults.append(fault)
            rows += 1
        return block_of(wanted, kept, rows, index, faults)


class JsonLinesSource(RecordSource):
    """One object a line, from a stream."""

    def __init__(
        self, stream: BinaryIO, *, null_tokens: tuple[str, ...] = ("",), block_bytes: int = BLOCK_BYTES
    ) -> None:
        notes = Notes()
        blocks = whole_lines(text_bytes(stream, notes, "", block_bytes))
        super().__init__(blocks, notes=notes, null_tokens=null_tokens)


def block_of(
    wanted: list[str], kept: list[list[Any]], rows: int, index: list[int], faults: list[Fault]
) -> Block:
    columns = list(zip(*kept, strict=True)) if kept and wanted else [()] * len(wanted)
    arrays = {name: pa.array(column, pa.string()) for name, column in zip(wanted, columns, strict=True)}
    if not wanted:  # rows without any name that is wanted: the plan refuses them before this is asked
        index = []
    return Block(arrays, rows, np.array(index, dtype=np.int64), faults)


# ---------------------------------------------------------------- one record

UNDECODABLE = object()


class Number(str):
    """A number as it is written, where a float would lose some of it."""


class Record(dict[str, Any]):
    """An object; repeated: a name that occurs in it twice."""

    repeated: str | None = None


def _pairs(pairs: list[tuple[str, Any]]) -> Record:
    made = Record(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for name, _value in pairs:
            if name in seen:
                made.repeated = name
                break
            seen.add(name)
    return made


def _float(text: str) -> float | Number:
    made = float(text)
    return made if repr(made) == text else Number(text)


def _int(text: str) -> int | Number:
    return int(text) if len(text) < 19 else Number(text)


def _record(line: bytes) -> Any:
    """The object of a line; None where it is none, UNDECODABLE where it is no text."""
    try:
        text = line.strip(b" \t\r\n\x1e").decode()
        made = json.loads(
            text, object_pairs_hook=_pairs, parse_float=_float, parse_int=_int, parse_constant=Number
        )
    except UnicodeDecodeError:
        return UNDECODABLE
    except (ValueError, RecursionError):
        return None
    return made if isinstance(made, dict) else None


def fault_of(record: Any, line: bytes, wanted: list[str], row: int) -> Fault | None:
    """What makes a record unusable as a whole: it cannot be read, or not in one way only."""
    raw = line[:RAW].decode("utf-8", "backslashreplace")
    if not isinstance(record, dict):
        return Fault(row, "", Reason.UNDECODABLE if record is UNDECODABLE else Reason.BAD_RECORD, raw)
    repeated = getattr(record, "repeated", None)
    if repeated is not None:
        return Fault(row, repeated if repeated in wanted else "", Reason.REPEATED_NAME, raw)
    for name in wanted:
        value = record.get(name)
        if isinstance(value, str):
            if not _clean(value):
                return Fault(row, name, Reason.UNDECODABLE, value.encode("utf-8", "replace").decode()[:RAW])
            if "\x00" in value:
                return Fault(row, name, Reason.NOT_TEXT, value.replace("\x00", "\\0")[:RAW])
    return None


def _clean(text: str) -> bool:
    """Whether it can be written as UTF-8: no half of a pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_text(piece: bytes) -> bool:
    if piece.isascii():
        return True
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def as_text(value: Any, nulls: set[str]) -> str | None:
    if value is None or (isinstance(value, str) and value in nulls):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict | list):
        try:
            return (
                json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode().replace("\x00", "")
            )
        except RecursionError:
            return None
    return repr(value)
