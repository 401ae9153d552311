"""What people see of datasets with personal columns: previews, samples, rejects, notes and errors.

Fails closed: what is not declared, not understood or not expected here is hidden, not shown.
"""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from commandcenter.core.masking import mask_text
from datahub.checks.guard import HIDDEN, is_guarded, personal_columns, redact
from datahub.declare import DatasetSpec
from datahub.faults import Notes, Refusal, Refused
from datahub.lake.tables import DAY, SYSTEM_COLUMNS, SchemaConflict

OURS = {DAY, *SYSTEM_COLUMNS}
_PLAIN = re.compile(r"[-+0-9.:/ TZ]{1,32}|[一是否有无]|true|false|yes|no|NA|null", re.IGNORECASE)
_WORDS = re.compile(r"([,，、;；:：/|\s\[\]()（）←→'\"]+)")
_KNOWN_WORDS = {"utf-8", "gbk", "gb18030", "utf-16", "ascii", "sheet", "row", "rows", "column", "columns"}


def shown_rows(spec: DatasetSpec, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the dataset, by column code, as anyone may see them who may see the dataset at all."""
    if not is_guarded(spec):
        return [dict(row) for row in rows]
    open_columns = shown_columns(spec)
    return [{name: _shown(spec, open_columns, name, value) for name, value in row.items()} for row in rows]


def shown_columns(spec: DatasetSpec) -> frozenset[str]:
    """Columns whose values, and whose statistics (least, greatest, most frequent), may be shown."""
    if not is_guarded(spec):
        return frozenset(column.code for column in spec.columns)
    hidden = set(personal_columns(spec))
    if spec.privacy_class == "sensitive":
        hidden |= {column.code for column in spec.columns if column.kind == "text"}
    return frozenset(column.code for column in spec.columns) - hidden


def _shown(spec: DatasetSpec, open_columns: frozenset[str], name: str, value: Any) -> Any:
    if value is None or name in OURS:
        return value
    if name not in open_columns:
        return HIDDEN
    try:
        return mask_text(value) if isinstance(value, str) else value
    except Exception:  # whatever it is, the value must not get out
        return HIDDEN


class SourceMask:
    """Values as a source wrote them, by its own headers. headers: header -> column it was taken for."""

    def __init__(self, spec: DatasetSpec, headers: Mapping[str, str]) -> None:
        self._guarded = is_guarded(spec)
        self._open = shown_columns(spec)
        self._personal = set(personal_columns(spec))
        self._headers = headers
        self._kinds = {column.code: column.kind for column in spec.columns}

    def row(self, values: Mapping[str, str]) -> dict[str, str]:
        own = self.personal_values(values)
        return {name: self.value(name, value, own) for name, value in values.items()}

    def personal_values(self, values: Mapping[str, str]) -> list[str]:
        return [v for name, v in values.items() if v and self._headers.get(name) in self._personal]

    def value(self, header: str, value: str, own: Iterable[str] = ()) -> str:
        """PostgreSQL takes no NUL; a column that is not declared may hold anything, so it is hidden."""
        text = value.replace("\x00", "\\0").encode("utf-8", "replace").decode()
        if not self._guarded or not text:
            return text
        column = self._headers.get(header, "")
        if column not in self._open:
            return HIDDEN
        try:
            text = redact(text, own)
        except Exception:  # whatever it is, the value must not get out
            return HIDDEN
        if self._kinds[column] != "text" and not _PLAIN.fullmatch(text):
            return HIDDEN  # what should be a number and is not may be a name in the wrong place
        return text


def said(spec: DatasetSpec, text: str) -> str:
    """A note or an error without words the declaration does not know: a first line may be data."""
    if not is_guarded(spec):
        return text
    known = {word.casefold() for word in _vocabulary(spec)} | _KNOWN_WORDS
    return "".join(
        part
        if n % 2 or part.casefold() in known or (part.isdigit() and len(part) < 7) or not part
        else HIDDEN
        for n, part in enumerate(_WORDS.split(text))
    )


def said_notes(spec: DatasetSpec, notes: Notes) -> list[dict[str, str]]:
    return [{**line, "detail": said(spec, line["detail"])} for line in notes.lines]


def _vocabulary(spec: DatasetSpec) -> Iterable[str]:
    for column in spec.columns:
        for name in (column.code, column.name, column.name_en):
            yield from _WORDS.split(name)
    for mapping in spec.mappings:
        for header in (
            *mapping.rename,
            *mapping.ignore,
            *(p for parts in mapping.compose.values() for p in parts),
        ):
            yield from _WORDS.split(header)


def safe_refusal(spec: DatasetSpec, error: BaseException) -> Refusal:
    """The reason of a failed delivery; of a guarded dataset without anything a row may have said."""
    if isinstance(error, Refusal):
        detail, column = said(spec, error.detail), said(spec, error.column)
        return Refusal(error.code, detail, error.row, column)
    if not is_guarded(spec) or isinstance(error, SchemaConflict):
        return Refusal(Refused.FAILED, f"{error}"[:500])
    if isinstance(error, OSError) and error.errno:
        return Refusal(Refused.FAILED, os.strerror(error.errno))
    return Refusal(Refused.FAILED, type(error).__name__)
