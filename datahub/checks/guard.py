"""Personal values leave a block before it goes to the lake: tokens stay in their place.

A token is the same for the same value, so rows can still be joined and counted; without the vault it
tells nothing. Free text of the same row is searched for the values, so they do not go in by that door.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from commandcenter.core.crypto import keyed_hash
from commandcenter.core.masking import mask_text
from datahub.declare import DatasetSpec

SUBJECT = "_subject"
HIDDEN = "***"
TOKEN_LENGTH = 32
DISTINCT = 5  # characters; a shorter value (a name, a house number) may be anybody's


def is_guarded(spec: DatasetSpec) -> bool:
    return spec.privacy_class in ("personal", "sensitive") or any(c.personal for c in spec.columns)


def personal_columns(spec: DatasetSpec) -> list[str]:
    return [column.code for column in spec.columns if column.personal]


def free_text_columns(spec: DatasetSpec) -> list[str]:
    """Text in which anything may stand: not personal itself, nor what rows are found by."""
    named = {*spec.key_columns, *subject_columns(spec)}
    return [c.code for c in spec.columns if c.kind == "text" and not c.personal and c.code not in named]


def subject_columns(spec: DatasetSpec) -> list[str]:
    """What says whose a row is: the declared subject, else the key, else the personal values themselves."""
    if spec.subject_column:
        return [spec.subject_column]
    return list(spec.key_columns) or personal_columns(spec)


def token_of(value: str) -> str:
    """What stands in the lake in the place of a personal value."""
    return keyed_hash(value, purpose="lake")[:TOKEN_LENGTH] if value else value


def subject_token(spec: DatasetSpec, values: Mapping[str, Any]) -> str:
    """The person of a row, from what the lake holds of it; '' where nothing says who it is.

    One personal column that is the subject gives the same token in every dataset; a number that a
    department gave itself is a person in its own dataset only.
    """
    names = subject_columns(spec)
    parts = ["" if values[name] is None else str(values[name]) for name in names]
    if not any(parts):
        return ""
    if len(names) == 1 and spec.column(names[0]).personal:
        return parts[0]
    return keyed_hash("\x1f".join([spec.code, *parts]), purpose="vault-subject")[:TOKEN_LENGTH]


def subject_tokens(spec: DatasetSpec, columns: Mapping[str, pa.Array], length: int) -> pa.Array:
    names = subject_columns(spec)
    if not names:
        return pa.nulls(length, pa.string())
    if len(names) == 1 and spec.column(names[0]).personal:
        return columns[names[0]]
    known: dict[tuple[Any, ...], str] = {}
    found = []
    for parts in zip(*(columns[name].to_pylist() for name in names), strict=True):
        if parts not in known:
            known[parts] = subject_token(spec, dict(zip(names, parts, strict=True)))
        found.append(known[parts] or None)
    return pa.array(found, pa.string())


def hide(spec: DatasetSpec, columns: dict[str, pa.Array], length: int) -> pa.Table:
    """Put tokens in the place of personal values; returns the values and whose they are."""
    personal = personal_columns(spec)
    clear = {code: columns[code] for code in personal}
    for code in free_text_columns(spec):
        columns[code] = _redacted(columns[code], [clear[name] for name in personal])
    for code in personal:
        columns[code] = _tokens(columns[code])
    return pa.table({SUBJECT: subject_tokens(spec, columns, length), **clear})


def _redacted(texts: pa.Array, values: list[pa.Array]) -> pa.Array:
    if texts.null_count == len(texts):
        return texts
    rows = zip(texts.to_pylist(), *(value.to_pylist() for value in values), strict=True)
    return pa.array(
        [None if text is None else redact(text, [v for v in own if v]) for text, *own in rows], pa.string()
    )


def redact(text: str, values: Iterable[str]) -> str:
    """Text without the values, longest first, and without what looks like a phone or identity number."""
    for value in sorted(values, key=len, reverse=True):
        if len(value) > 1:
            text = text.replace(value, HIDDEN)
    return mask_text(text)


def _tokens(array: pa.Array) -> pa.Array:
    """Each distinct value is hashed once."""
    coded = array.dictionary_encode()
    words = [token_of(word) if word else word for word in coded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(coded.indices, pa.array(words, pa.string())).cast(pa.string())


def drop_empty(table: pa.Table, column: str) -> pa.Table:
    """Distinct pairs of person and value, empty ones left out."""
    pairs = table.select([SUBJECT, column]).group_by([SUBJECT, column]).aggregate([])
    full = [pc.fill_null(pc.not_equal(pairs.column(name), ""), False) for name in (SUBJECT, column)]
    return pairs.filter(pc.and_(*full))
