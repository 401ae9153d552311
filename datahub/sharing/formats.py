"""A page as bytes: JSON, CSV or an Arrow stream."""

import io
import json
import math
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from commandcenter.core.times import SHANGHAI

TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}
ANSWERS = ("json", "csv", "arrow")
_ACCEPTS = {
    "application/json": "json",
    "text/csv": "csv",
    "application/vnd.apache.arrow.stream": "arrow",
    "application/octet-stream": "arrow",
}


def form_of(asked: str | None, accept: str) -> str | None:
    """The format by ?format=, else by the Accept header, else JSON; None for one not known."""
    if asked:
        return asked if asked in ANSWERS else None
    for part in accept.split(","):
        found = _ACCEPTS.get(part.partition(";")[0].strip().lower())
        if found:
            return found
    return "json"


def as_json(table: pa.Table, **beside: Any) -> bytes:
    body = {**beside, "count": table.num_rows, "rows": table.to_pylist()}
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:  # NaN and infinity are no JSON
        body["rows"] = [{k: _finite(v) for k, v in row.items()} for row in body["rows"]]
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, default=_plain)
    return text.encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_csv(table: pa.Table) -> bytes:
    """UTF-8 with a header; times in Shanghai, as in JSON."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            texts = [None if v is None else _plain(v) for v in table.column(place).to_pylist()]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    sink = io.BytesIO()
    pacsv.write_csv(table, sink)
    return sink.getvalue()


def as_arrow(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def as_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def encoded(form: str, table: pa.Table, **beside: Any) -> bytes:
    """beside: what JSON says next to the rows; the other formats say it in headers or a manifest."""
    match form:
        case "csv":
            return as_csv(table)
        case "arrow":
            return as_arrow(table)
        case "parquet":
            return as_parquet(table)
        case _:
            return as_json(table, **beside)
