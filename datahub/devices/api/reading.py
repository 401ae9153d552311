"""A heartbeat's body, read by hand: thousands a second leave no time for a serializer per row."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from commandcenter.core.errors import BadInput, Problem

from ..services import Beat

MOST_BEATS = 5_000
MOST_PROBLEMS = 20
CODE_LENGTH, TROUBLE_LENGTH = 40, 40
_FIELDS = frozenset({"code", "at", "trouble"})
_MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT")


def beats_of(body: Any) -> list[Beat]:
    """One heartbeat, or {"beats": [...], "sent_at": ...}. Raises BadInput with row, field and reason."""
    if not isinstance(body, dict):
        raise BadInput(Problem(None, "", "an object with `code`, or with `beats`"))
    if "beats" not in body:
        _refuse_strangers(body, _FIELDS, None)
        return [_beat(body, None, None)]
    _refuse_strangers(body, {"beats", "sent_at"}, None)
    rows = body["beats"]
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_BEATS:
        raise BadInput(Problem(None, "beats", f"a list of 1 … {MOST_BEATS}"))
    sent_at = _moment(body.get("sent_at"), "sent_at", None)
    beats, problems = [], []
    for number, row in enumerate(rows, start=1):
        try:
            if not isinstance(row, dict):
                raise BadInput(Problem(number, "", "an object with `code`"))
            _refuse_strangers(row, _FIELDS, number)
            beats.append(_beat(row, sent_at, number))
        except BadInput as error:
            problems += error.problems
            if len(problems) >= MOST_PROBLEMS:
                break
    if problems:
        raise BadInput(problems)
    return beats


def _refuse_strangers(row: dict[str, Any], known: Any, number: int | None) -> None:
    for name in row:
        if name not in known:
            shown = name[:60] if isinstance(name, str) and name.isprintable() else "?"
            raise BadInput(Problem(number, shown, "not known here"))


def _beat(row: dict[str, Any], sent_at: datetime | None, number: int | None) -> Beat:
    code, trouble = row.get("code"), row.get("trouble", "")
    # Printable leaves out what no database and no answer can hold: NUL, half a surrogate pair.
    if not isinstance(code, str) or not 1 <= len(code) <= CODE_LENGTH or not code.isprintable():
        raise BadInput(Problem(number, "code", f"a text of 1 … {CODE_LENGTH} characters"))
    if not isinstance(trouble, str) or len(trouble) > TROUBLE_LENGTH or not trouble.isprintable():
        raise BadInput(Problem(number, "trouble", f"a text of at most {TROUBLE_LENGTH} characters"))
    at = _moment(row.get("at"), "at", number) if "at" in row else None
    age = sent_at - at if sent_at is not None and at is not None else timedelta(0)
    return Beat(code, at, age, trouble.strip())


def _moment(value: Any, field: str, number: int | None) -> datetime | None:
    if value is None and field == "sent_at":
        return None
    try:
        found = parse_datetime(value) if isinstance(value, str) and _MOMENT.match(value) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 1970 < found.year < 9999:
        raise BadInput(Problem(number, field, "a moment with its offset, as 2026-11-22T08:00:00+08:00"))
    return found
