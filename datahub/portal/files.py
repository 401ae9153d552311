"""The forms in which rows are taken home."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from datahub.exports import FORMULA
from datahub.sharing.formats import as_csv, as_json, as_parquet


@dataclass(frozen=True)
class Form:
    code: str
    title: str
    media: str


FORMS = {
    form.code: form
    for form in (
        Form("csv", "CSV", "text/csv"),
        Form("json", "JSON", "application/json"),
        Form("parquet", "Parquet", "application/vnd.apache.parquet"),
    )
}


def encoded(form: str, table: pa.Table, **beside: Any) -> bytes:
    """beside: what JSON says next to the rows. CSV begins with a mark, so that Excel reads Chinese."""
    if form == "csv":
        return b"\xef\xbb\xbf" + as_csv(_harmless(table))
    return as_json(table, **beside) if form == "json" else as_parquet(table)


def _harmless(table: pa.Table) -> pa.Table:
    """A spreadsheet must not run what a source wrote: texts that begin like a formula get a quote."""
    import pyarrow.compute as pc

    for place, field in enumerate(table.schema):
        if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            continue
        texts = table.column(place)
        risky = pc.is_in(pc.utf8_slice_codeunits(texts, 0, 1), value_set=pa.array(FORMULA))
        if pc.any(risky).as_py():
            guarded = pc.binary_join_element_wise(pa.scalar("'"), texts, "", null_handling="emit_null")
            table = table.set_column(place, field.name, pc.if_else(risky, guarded, texts))
    return table
