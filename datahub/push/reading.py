"""A pushed body becomes rows, or says at which row and field it cannot. Pure; no database.

Taken: one JSON object, an array of objects, or one object a line (NDJSON), in UTF-8, plain or gzip.
Refused as a whole, because nobody could say which row was meant: what is no JSON (NaN and Infinity are
none), a name twice in one object, half surrogates and NUL, nesting deeper than DEPTH, more rows, names or
bytes than the limits. What is JSON and only breaks a rule of the dataset is judged later, row by row.
"""

import json
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Any

from commandcenter.core.errors import BadInput, Problem

MAX_BYTES = 8 * 1024 * 1024  # after unpacking
MAX_PACKED = 4 * 1024 * 1024
MAX_ROWS = 10_000
MAX_NAMES = 500
MAX_NAME = 200
DEPTH = 16
MAX_PROBLEMS = 20
JSON, LINES = "application/json", "application/x-ndjson"
MEDIA = {JSON: JSON, LINES: LINES, "application/ndjson": LINES, "application/jsonl": LINES}
Rows = list[dict[str, Any]]


class TooLarge(Exception):
    """More than one push may hold; half of it would do."""


def media_of(content_type: str) -> str | None:
    return MEDIA.get(content_type.partition(";")[0].strip().lower())


def unpack(body: bytes) -> bytes:
    """A gzip body, its members one after the other. Stops at the limit, whatever the body claims."""
    parts: list[bytes] = []
    left = MAX_BYTES
    while body:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            part = unpacker.decompress(body, left + 1)
        except zlib.error as error:
            raise BadInput(Problem(None, "", f"not readable as gzip: {error}")) from error
        left -= len(part)
        if left < 0 or unpacker.unconsumed_tail:
            raise TooLarge(f"more than {MAX_BYTES} bytes after unpacking")
        if not unpacker.eof:
            raise BadInput(Problem(None, "", "the gzip data ends too early"))
        parts.append(part)
        body = unpacker.unused_data
    return b"".join(parts)


def rows_of(body: bytes, media: str, *, nested: bool = False) -> Rows:
    """The rows of a body. nested: objects and arrays inside a row stay what they are, else they become text.

    Raises BadInput with row, field and reason; TooLarge.
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(f"more than {MAX_BYTES} bytes")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = body.count(b"\n", 0, error.start) + 1 if media == LINES else None
        raise BadInput(Problem(row, "", f"not UTF-8 at byte {error.start}")) from error
    rows = _lines(text) if media == LINES else _document(text)
    if not rows:
        raise BadInput(Problem(None, "", "no rows"))
    if len(rows) > MAX_ROWS:
        raise TooLarge(f"more than {MAX_ROWS} rows")
    _check_names(rows)
    if "\\u" in text:
        _check_characters(rows)
    if text.count("{") != len(rows) or text.count("[") > (media == JSON):
        _flatten(rows, keep=nested)
    return rows


# ---------------------------------------------------------------- parsing


class _Wrong(ValueError):
    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _value in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _Wrong("the name occurs twice", twice)
    return made


def _no_number(word: str) -> Any:
    raise _Wrong(f"{word} is no JSON number")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
# What decode() does, without looking for blanks around it.
_scan = _decoder.scan_once  # type: ignore[attr-defined]
_FAULTS = (ValueError, RecursionError, StopIteration)


def _why(error: Exception) -> tuple[str, str]:
    """Field and reason of a fault, without a word of what the body said."""
    if isinstance(error, _Wrong):
        return _printable(error.field), error.reason
    if isinstance(error, RecursionError):
        return "", f"nested deeper than {DEPTH} levels"
    if isinstance(error, StopIteration):
        return "", f"a value is missing (character {error.value + 1})"
    if isinstance(error, json.JSONDecodeError):
        return "", f"{error.msg} (character {error.pos + 1})"
    return "", "a number with too many digits"


def _document(text: str) -> Rows:
    text = text.strip(" \t\r\n")
    try:
        found = _decoder.decode(text)
    except _FAULTS as error:
        row, why = _place(text) if text.startswith("[") else (None, error)
        raise BadInput(Problem(row, *_why(why))) from error
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise BadInput(Problem(None, "", "neither an object nor an array of objects"))
    if not all(type(row) is dict for row in rows):
        wrong = [n for n, row in enumerate(rows, 1) if type(row) is not dict]
        raise BadInput(Problem(n, "", "not an object") for n in wrong[:MAX_PROBLEMS])
    return rows


def _place(text: str) -> tuple[int | None, Exception]:
    """Which element of a broken array is the broken one."""
    at, row = 1, 1
    while True:
        at = _blank(text, at)
        try:
            _found, at = _decoder.raw_decode(text, at)
        except _FAULTS as error:
            return row, error
        at = _blank(text, at)
        if text[at : at + 1] != ",":
            ends = text[at : at + 1] == "]"
            what = "something follows the end of the array" if ends else "a comma or the end is missing"
            return (None if ends else row), _Wrong(f"{what} (character {at + 1})")
        at, row = at + 1, row + 1


def _blank(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n"):
        at += 1
    return at


def _lines(text: str) -> Rows:
    rows: Rows = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip(" \t\r")
        if not line:
            continue
        try:
            found, end = _scan(line, 0)
            if end != len(line):
                raise _Wrong(f"something follows (character {end + 1})")
            if type(found) is not dict:
                raise _Wrong("not an object")
            rows.append(found)
        except _FAULTS as error:
            problems.append(Problem(number, *_why(error)))
            if len(problems) == MAX_PROBLEMS:
                break
    if problems:
        raise BadInput(problems)
    return rows


# ---------------------------------------------------------------- what JSON allows and nobody can store


def _check_names(rows: Rows) -> None:
    names = dict.fromkeys(chain.from_iterable(rows))
    if not names:
        raise BadInput(Problem(1, "", "an object without a value"))
    if len(names) > MAX_NAMES:
        raise BadInput(Problem(None, "", f"more than {MAX_NAMES} different names"))
    for name in names:
        if not name or len(name) > MAX_NAME:
            row = next(n for n, one in enumerate(rows, 1) if name in one)
            raise BadInput(Problem(row, _printable(name), f"a name has 1 … {MAX_NAME} characters"))


def _check_characters(rows: Rows) -> None:
    """Escapes can write what no text may hold: half a surrogate pair, and NUL."""
    for number, row in enumerate(rows, 1):
        for name, value in row.items():
            for text in (name, *_texts(value, 0)):
                if "\0" in text or not _encodable(text):
                    what = "NUL" if "\0" in text else "half a surrogate pair"
                    raise BadInput(Problem(number, _printable(name), f"holds {what}"))


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        if depth >= DEPTH:
            return  # refused by _flatten
        inner = chain(value, value.values()) if isinstance(value, dict) else value
        for one in inner:
            yield from _texts(one, depth + 1)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _flatten(rows: Rows, *, keep: bool) -> None:
    """Objects and arrays inside a row become text, which the checks then judge like any other."""
    for number, row in enumerate(rows, 1):
        for name, value in row.items():
            if isinstance(value, (dict, list)):
                if _deeper(value, DEPTH):
                    raise BadInput(Problem(number, _printable(name), f"nested deeper than {DEPTH} levels"))
                if not keep:
                    row[name] = as_text(value)


def as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _deeper(value: Any, left: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    if not left:
        return True
    return any(_deeper(one, left - 1) for one in (value.values() if isinstance(value, dict) else value))


def _printable(name: str) -> str:
    return name[:MAX_NAME].encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
