"""A message becomes rows: which part of it, or of its topic, goes into which column. Pure; no database.

A mapping names for each column where its value stands:
    $.a.b.0       inside a JSON message, by names and places; `$` is the message itself
    csv:2         the second value of a line with commas
    value         the number that the message is
    topic:3       the third level of the topic, topic:-1 the last; `topic` is the whole
    received      when it came here
    =text         always this
An empty mapping of JSON takes the fields under their own names.
"""

import csv
import io
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from commandcenter.core.errors import BadInput, Problem

from . import reading
from .states import BadMessage, Payload

MAX_BYTES = 1024 * 1024  # of one message
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*")
_PATH = re.compile(r"\$(\.[^.]+)*")
_TOPIC = re.compile(r"topic(:-?[1-9]\d?)?")
_CSV = re.compile(r"csv:[1-9]\d{0,2}")


class Unusable(Exception):
    """A message that becomes no row."""

    def __init__(self, reason: BadMessage) -> None:
        super().__init__(reason)
        self.reason = reason


def check_mapping(mapping: Mapping[str, str], payload: str) -> list[Problem]:
    """What is wrong with a mapping, column by column."""
    problems = [
        Problem(None, column, f"not understood: {source[:60]}")
        for column, source in mapping.items()
        if not _understood(source, payload)
    ]
    if not mapping and payload != Payload.JSON:
        problems.append(Problem(None, "mapping", "name at least one column"))
    return problems


def _understood(source: str, payload: str) -> bool:
    if source.startswith("=") or source == "received" or _TOPIC.fullmatch(source):
        return True
    if payload == Payload.JSON:
        return bool(_PATH.fullmatch(source))
    if payload == Payload.CSV:
        return bool(_CSV.fullmatch(source))
    return source == "value"


def rows_of(
    mapping: Mapping[str, str], payload: str, topic: str, body: bytes, received: datetime
) -> list[dict[str, Any]]:
    """The rows of a message. Raises Unusable."""
    if len(body) > MAX_BYTES:
        raise Unusable(BadMessage.TOO_LARGE)
    found = _parts(payload, body)
    if not mapping:
        return [{name: _flat(value) for name, value in row.items()} for row in found]
    rows = [
        {column: _pick(source, row, topic, received) for column, source in mapping.items()} for row in found
    ]
    own = [column for column, source in mapping.items() if source[:1] == "$" or source[:3] == "csv"]
    if own and all(row[column] is None for row in rows for column in own):
        raise Unusable(BadMessage.EMPTY)
    return rows


def _parts(payload: str, body: bytes) -> list[Any]:
    """The message's records: objects, lists of texts, or the number."""
    if payload == Payload.JSON:
        try:
            return reading.rows_of(body, reading.JSON, nested=True)
        except reading.TooLarge as error:
            raise Unusable(BadMessage.TOO_LARGE) from error
        except BadInput as error:
            raise Unusable(BadMessage.NOT_JSON) from error
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(BadMessage.NOT_TEXT) from error
    if "\0" in text:
        raise Unusable(BadMessage.NOT_TEXT)
    if payload == Payload.CSV:
        try:
            lines = [line for line in csv.reader(io.StringIO(text)) if line]
        except csv.Error as error:
            raise Unusable(BadMessage.NOT_TEXT) from error
        if not lines:
            raise Unusable(BadMessage.EMPTY)
        return lines
    if not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise Unusable(BadMessage.NOT_NUMBER)
    return [float(text)]


def _pick(source: str, record: Any, topic: str, received: datetime) -> Any:
    if source.startswith("="):
        return source[1:]
    if source == "received":
        return received.isoformat()
    if source == "topic":
        return topic
    kind, _colon, place = source.partition(":")
    if kind == "topic":
        levels = topic.split("/")
        at = int(place) - 1 if int(place) > 0 else int(place)
        return levels[at] if -len(levels) <= at < len(levels) else None
    if kind == "csv":
        return (record[int(place) - 1].strip() or None) if len(record) >= int(place) else None
    if kind == "value":
        return record
    return _flat(_walk(record, source.split(".")[1:]))


def _walk(value: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdecimal() and int(step[:6]) < len(value):
            value = value[int(step[:6])]
        else:
            return None
    return value


def _flat(value: Any) -> Any:
    return reading.as_text(value) if isinstance(value, (dict, list)) else value
