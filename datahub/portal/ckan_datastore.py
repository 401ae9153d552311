"""CKAN's datastore_search: rows of one open dataset."""

import csv
import io
import math
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
from django.urls import reverse

from commandcenter.core.errors import BadInput
from datahub.models import Column

from .ckan import Asked, action, resource
from .ckan_input import Invalid, decoded, flag, listed, mapping, text, whole
from .reading import SEARCH_ROWS, Search, TooSlow, search
from .selectors import shown_columns

TYPES = {
    "text": "text",
    "integer": "int8",
    "number": "float8",
    "boolean": "bool",
    "time": "timestamptz",
    "date": "date",
}
PLACE = "_id"  # CKAN numbers every row; here it is the row's place in this answer


@action
def datastore_search(asked: Asked) -> Any:
    params = asked.params
    given = text(params, "resource_id") or text(params, "id")
    if not given:
        raise Invalid({"resource_id": ["Missing value"]})
    dataset, _form = resource(asked, given)
    columns = {column.code: column for column in shown_columns(dataset)}
    named = listed(params, "fields")
    question = Search(
        columns=tuple(name for name in dict.fromkeys(named) if name != PLACE),
        filters={name: v if isinstance(v, list) else [v] for name, v in mapping(params, "filters").items()},
        words=_words(params),
        sort=_sort(listed(params, "sort")),
        limit=min(_number(params, "limit", 100), SEARCH_ROWS),
        offset=_number(params, "offset", 0),
        distinct=flag(params, "distinct", False),
        count=flag(params, "include_total", True),
    )
    form = text(params, "records_format") or "objects"
    if form not in ("objects", "lists", "csv", "tsv"):
        raise Invalid({"records_format": ["Value must be one of objects, lists, csv, tsv"]})
    try:
        found = search(dataset, question)
    except BadInput as error:
        told: dict[str, list[str]] = {}
        for problem in error.problems:
            told.setdefault(problem.field, []).append(str(problem.reason))
        raise Invalid(told) from error
    except TooSlow as error:
        raise Invalid({"query": [str(error)]}) from error
    numbered = not question.distinct and (not named or PLACE in named)
    answer: dict[str, Any] = {
        "resource_id": given,
        "include_total": question.count,
        "limit": question.limit,
        "offset": question.offset,
        "records_format": form,
        "total_estimation_threshold": None,
        "fields": _fields(columns, found.table.column_names, numbered),
        "records": _records(found.table, form, question.offset if numbered else None),
        "_links": _links(asked, question),
    }
    if question.count:
        answer |= {"total": found.total, "total_was_estimated": False}
    return answer


def _number(params: dict[str, Any], name: str, otherwise: int) -> int:
    number = whole(params, name, otherwise)
    return otherwise if number is None else number


def _words(params: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """q: words that any text holds, or column -> word."""
    given = params.get("q")
    if isinstance(given, str) and given.lstrip().startswith("{"):
        given = decoded(given)
    if isinstance(given, dict):
        return tuple((str(name), str(word)) for name, word in given.items() if str(word))
    if isinstance(given, list):
        raise Invalid({"q": ["Must be a text or an object"]})
    return tuple(("", word) for word in str(given if given is not None else "").split())


def _sort(given: list[str]) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in given:
        name, _blank, way = part.partition(" ")
        way = way.strip().lower().removesuffix("nulls last").removesuffix("nulls first").strip()
        if way not in ("", "asc", "desc"):
            raise Invalid({"sort": [f"{part}: only asc or desc"]})
        if name != PLACE:
            order.append((name.strip('"'), way == "desc"))
    return tuple(order)


def _fields(columns: dict[str, Column], names: list[str], numbered: bool) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [{"id": PLACE, "type": "int"}] if numbered else []
    for name in names:
        column = columns[name]
        info = {"label": column.name, "notes": column.summary, "unit": column.unit}
        told.append({"id": name, "type": TYPES[column.kind], "info": info})
    return told


def _records(table: pa.Table, form: str, first: int | None) -> Any:
    rows = [{name: _plain(value) for name, value in row.items()} for row in table.to_pylist()]
    if first is not None:
        rows = [{PLACE: first + n, **row} for n, row in enumerate(rows, 1)]
    if form == "objects":
        return rows
    if form == "lists":
        return [list(row.values()) for row in rows]
    out = io.StringIO()
    writer = csv.writer(out, delimiter="," if form == "csv" else "\t", lineterminator="\n")
    writer.writerows(list(row.values()) for row in rows)
    return out.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _links(asked: Asked, question: Search) -> dict[str, str]:
    here = reverse("portal:ckan", args=["datastore_search"])
    kept = {k: v for k, v in asked.params.items() if k not in ("offset", "limit") and isinstance(v, str)}

    def at(offset: int) -> str:
        return f"{here}?{urlencode({**kept, 'limit': question.limit, 'offset': offset})}"

    return {"start": at(0), "next": at(question.offset + question.limit)}
