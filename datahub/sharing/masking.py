"""Values on their way out. Whatever goes wrong here hides the value; nothing falls through in clear."""

from collections.abc import Callable, Mapping

import pyarrow as pa

from commandcenter.core.crypto import keyed_hash
from commandcenter.core.masking import mask_address, mask_id_number, mask_name, mask_phone, mask_text

from .states import MaskRule

HIDDEN = "***"
_RULES: dict[str, Callable[[str], str]] = {
    MaskRule.NAME: mask_name,
    MaskRule.PHONE: mask_phone,
    MaskRule.ID_NUMBER: mask_id_number,
    MaskRule.ADDRESS: mask_address,
    MaskRule.TEXT: mask_text,
}


def masked_table(table: pa.Table, masks: Mapping[str, str], *, salt: str) -> pa.Table:
    """The table with each rule applied. salt: makes tokens of one agreement useless to another."""
    for name, rule in masks.items():
        place = table.schema.get_field_index(name)
        if place >= 0:
            column = masked_column(table.column(place), rule, salt=salt)
            table = table.set_column(place, pa.field(name, column.type), column)
    return table


def masked_column(column: pa.ChunkedArray, rule: str, *, salt: str) -> pa.Array:
    """One column masked. What is no text cannot be masked in part, so it is left empty."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return pa.nulls(len(column), column.type)
    if rule == MaskRule.TOKEN:
        return _each(column, lambda value: keyed_hash(value, purpose=f"share:{salt}")[:32])
    return _each(column, _RULES.get(rule, lambda _value: HIDDEN))


def _each(column: pa.ChunkedArray, rule: Callable[[str], str]) -> pa.Array:
    known: dict[str, str] = {}

    def one(value: str | None) -> str | None:
        if value is None:
            return None
        if value not in known:
            try:
                known[value] = rule(value)
            except Exception:  # whatever it is, the value must not get out
                known[value] = HIDDEN
        return known[value]

    return pa.array([one(value) for value in column.to_pylist()], pa.string())
