"""JSON from elsewhere: read strictly, walked by pointers, flattened into rows.

What two readers could understand differently is refused, not guessed: a key that stands twice, NaN,
numbers beyond what a column holds, nesting without end, text that breaks off.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from .errors import SourceFailed

MAX_DEPTH = 32
FLATTEN = 3  # levels of nested objects that become columns of their own
MAX_FIELDS = 500
LOOK_DEPTH = 6
INT64 = 2**63


class BadJson(SourceFailed):
    code = "bad_json"


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, n in Counter(name for name, _value in pairs).items() if n > 1)
        raise BadJson(_("The JSON names “%(name)s” twice in one object.") % {"name": twice[:80]})
    return found


def _constant(word: str) -> Any:
    raise BadJson(_("The JSON holds %(word)s, which is no number.") % {"word": word})


def _integer(text: str) -> int:
    if len(text) > 20 or not -INT64 <= int(text) < INT64:
        raise BadJson(_("The JSON holds a number that is too large: %(text)s.") % {"text": _short(text)})
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise BadJson(_("The JSON holds a number that is too large: %(text)s.") % {"text": _short(text)})
    return value


def _short(text: str) -> str:
    return text if len(text) < 40 else f"{text[:30]}… ({len(text)})"


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer, parse_float=_float
)


def parse(body: bytes, *, charset: str = "") -> Any:
    """The value of a whole answer. Raises BadJson."""
    text = _decoded(body, charset).strip()
    if not text:
        raise BadJson(_("The answer is empty."))
    if text[0] not in "[{":
        raise BadJson(_("The answer is no JSON; it begins with: %(text)s") % {"text": _short(text[:40])})
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise BadJson(_("The JSON is nested too deeply.")) from error
    except json.JSONDecodeError as error:
        if error.pos >= len(text) - 1 or "Unterminated" in error.msg:
            raise BadJson(_("The JSON breaks off in the middle.")) from error
        raise BadJson(
            _("The answer is no JSON: %(why)s, line %(line)s, column %(column)s.")
            % {"why": error.msg, "line": error.lineno, "column": error.colno}
        ) from error
    if depth(value) > MAX_DEPTH:
        raise BadJson(_("The JSON is nested too deeply."))
    return value


def _decoded(body: bytes, charset: str) -> str:
    names = [charset] if charset else ["utf-8-sig", "gb18030"]
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        names = ["utf-16"]
    for name in names:
        try:
            return body.decode("utf-8-sig" if name.lower() in ("utf-8", "utf8") else name)
        except (UnicodeDecodeError, LookupError):
            continue
    raise BadJson(_("The answer is no readable text."))


def depth(value: Any) -> int:
    """How deep it is nested, without recursion."""
    deepest, level = 0, [value]
    while level:
        deepest += 1
        if deepest > MAX_DEPTH:
            return deepest
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, dict | list)
        ]
    return deepest


# ---------------------------------------------------------------- pointers


def steps(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def step(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


MISSING = object()


def at(value: Any, pointer: str) -> Any:
    """What stands at the pointer, or MISSING."""
    for part in steps(pointer):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value


@dataclass(frozen=True)
class ListFound:
    """A list of objects in a sample: where, how many, and what the first one names."""

    pointer: str
    count: int
    fields: tuple[str, ...]


def lists(value: Any) -> list[ListFound]:
    """Where the records of an answer may be, the longest list first."""
    found: list[ListFound] = []

    def look(one: Any, pointer: str, level: int) -> None:
        if isinstance(one, list):
            records = [record for record in one if isinstance(record, dict)]
            if records and len(records) == len(one):
                found.append(ListFound(pointer, len(one), tuple(list(records[0])[:12])))
        elif isinstance(one, dict) and level < LOOK_DEPTH:
            for name, inner in one.items():
                look(inner, pointer + step(name), level + 1)

    look(value, "", 0)
    return sorted(found, key=lambda one: -one.count)


def records(value: Any, pointer: str) -> list[dict[str, Any]]:
    """The records of an answer. Raises BadJson where there is no list of objects."""
    found = at(value, pointer)
    if found is MISSING:
        raise BadJson(
            _("The answer has nothing at %(path)s, where the records were.") % {"path": pointer or "/"},
            code="columns_changed",
        )
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadJson(
            _("At %(path)s there is no list of records.") % {"path": pointer or "/"}, code="columns_changed"
        )
    return found


def flat(record: dict[str, Any]) -> dict[str, Any]:
    """A record by names: nested objects as a/b, three levels deep; deeper ones and lists stay whole."""
    return dict(_flat(record, "", FLATTEN))


def _flat(record: dict[str, Any], before: str, levels: int) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict) and value and levels > 1:
            yield from _flat(value, f"{before}{name}/", levels - 1)
        else:
            yield before + name, value


def kind_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"


class Fields:
    """Which fields the records have, of what kinds, and in how many of them."""

    def __init__(self) -> None:
        self.rows = 0
        self._kinds: dict[str, set[str]] = {}
        self._times: Counter[str] = Counter()

    def add(self, rows: list[dict[str, Any]]) -> None:
        self.rows += len(rows)
        for row in rows:
            self._times.update(row.keys())
            for name, value in row.items():
                kind = kind_of(value)
                if kind or name not in self._kinds:
                    self._kinds.setdefault(name, set()).update({kind} - {""})
        if len(self._kinds) > MAX_FIELDS:
            raise BadJson(_("The records name more than %(n)s fields.") % {"n": MAX_FIELDS})

    def shape(self, before: Mapping[str, str] | None = None) -> dict[str, str]:
        """Field -> kind. A field of several kinds is still of the kind it had, if that is among them."""
        found = {}
        for name, kinds in self._kinds.items():
            then = (before or {}).get(name, "").rstrip("?")
            kind = then if then in kinds else next(iter(sorted(kinds)), "")
            found[name] = kind if self._times[name] == self.rows else f"{kind}?"
        # An object that is null everywhere says nothing about what is inside.
        for name in before or {}:
            parents = {name[:n] for n, mark in enumerate(name) if mark == "/"}
            if name not in found and any(one in found and not self._kinds[one] for one in parents):
                found[name] = ""
        return found


def as_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else repr(value)
