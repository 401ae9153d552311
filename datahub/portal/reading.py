"""Rows of open datasets out of the lake: only shown columns, at most so many, for at most so long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from operator import and_, or_
from typing import Any

import pyarrow as pa
from django.db.models import Sum
from django.utils.dateparse import parse_date, parse_datetime

from commandcenter.core.errors import BadInput, DomainError, Problem
from commandcenter.core.times import SHANGHAI
from datahub.models import Column, Dataset, DeliveryFile
from datahub.selectors import engine, latest, latest_versions
from datahub.states import DeliveryState

from .selectors import shown_columns

PREVIEW_ROWS = 50
DOWNLOAD_ROWS = 50_000
SEARCH_ROWS = 32_000  # as CKAN's own default
FURTHEST = 1_000_000  # offset + limit of one search
SECONDS = 10.0
MOST_FILTERS = 20


class TooSlow(DomainError):
    code = "too_slow"


@dataclass(frozen=True)
class Search:
    """filters: column -> values, one of which must be it; words: column ('' for any text) -> what it holds;
    sort: (column, falls)."""

    columns: tuple[str, ...] = ()
    filters: dict[str, list[Any]] = field(default_factory=dict)
    words: tuple[tuple[str, str], ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    limit: int = 100
    offset: int = 0
    distinct: bool = False
    count: bool = True

    @property
    def plain(self) -> bool:
        """Nothing asked but the newest rows."""
        return not (self.filters or self.words or self.sort or self.distinct)


@dataclass(frozen=True)
class Found:
    table: pa.Table
    total: int | None


def is_register(dataset: Dataset) -> bool:
    """A register shows each key once, as known now; everything else shows its rows, newest first."""
    return bool(dataset.key_columns) and not dataset.time_column


def newest(dataset: Dataset, limit: int) -> pa.Table:
    return search(dataset, Search(limit=limit, count=False)).table


def search(dataset: Dataset, asked: Search) -> Found:
    """Raises BadInput for a column that is not shown or a value that does not fit, TooSlow."""
    columns = {column.code: column for column in shown_columns(dataset)}
    problems = _problems(columns, asked)
    if problems:
        raise BadInput(problems)
    chosen = asked.columns or tuple(columns)
    if not latest_versions(dataset.code)["files"]:
        return Found(_nothing(dataset, chosen), 0 if asked.count else None)
    with _limited():
        return _search(dataset, asked, columns, chosen)


def _search(dataset: Dataset, asked: Search, columns: dict[str, Column], chosen: tuple[str, ...]) -> Found:
    hub = engine()
    whole = latest(dataset.code) if is_register(dataset) else hub.table(dataset.code)
    conditions = [_one_of(whole, columns[name], values) for name, values in asked.filters.items()]
    conditions += [_holds(whole, columns, name, word) for name, word in asked.words]
    narrowed = whole.filter(reduce(and_, conditions)) if conditions else whole
    total = None
    if asked.distinct:
        rows = narrowed.select(*chosen).distinct()
        total = int(hub.to_arrow(rows.count().as_table()).column(0)[0].as_py()) if asked.count else None
        order = [_by(rows, name, falls) for name, falls in asked.sort if name in chosen]
        order += [rows[name].asc() for name in chosen if name not in dict(asked.sort)]
    else:
        if asked.count:
            total = int(hub.to_arrow(narrowed.count().as_table()).column(0)[0].as_py())
        days = None if is_register(dataset) or not asked.plain else _days(dataset, asked.offset + asked.limit)
        rows = narrowed if days is None else hub.table(dataset.code, days=days)
        order = [_by(rows, name, falls) for name, falls in asked.sort]
        if is_register(dataset):
            order += [rows[key].asc() for key in dataset.key_columns]
        else:
            order += [rows[name].desc() for name in ("day", "_delivery", "_row")]
    rows = rows.order_by(order).limit(asked.limit, offset=asked.offset).select(*chosen)
    return Found(hub.to_arrow(rows), total)


def _days(dataset: Dataset, rows: int) -> tuple[date, date] | None:
    """The newest days that together hold so many rows, so that not the whole table is read."""
    held = (
        DeliveryFile.objects.filter(delivery__dataset=dataset, delivery__state=DeliveryState.COMMITTED)
        .order_by("-day")
        .values_list("day")
        .annotate(held=Sum("rows"))
    )
    last: date | None = None
    total = 0
    for day, count in held.iterator():
        last = last or day
        total += count
        if total >= rows:
            return day, last
    return None


def _nothing(dataset: Dataset, chosen: tuple[str, ...]) -> pa.Table:
    from datahub.lake.tables import file_schema
    from datahub.selectors import spec_for

    schema = file_schema(spec_for(dataset))
    return pa.schema([schema.field(name) for name in chosen]).empty_table()


def _by(table: Any, name: str, falls: bool) -> Any:
    return table[name].desc() if falls else table[name].asc()


# ---------------------------------------------------------------- what was asked


def _problems(columns: dict[str, Column], asked: Search) -> list[Problem]:
    named = [*asked.columns, *asked.filters, *(n for n, _w in asked.words if n), *(n for n, _f in asked.sort)]
    problems = [Problem(None, name, "no such column") for name in dict.fromkeys(named) if name not in columns]
    if not 0 <= asked.limit <= max(SEARCH_ROWS, DOWNLOAD_ROWS):
        problems.append(Problem(None, "limit", f"0 … {SEARCH_ROWS}"))
    if asked.offset < 0 or asked.offset + asked.limit > FURTHEST:
        problems.append(Problem(None, "offset", f"offset + limit at most {FURTHEST}"))
    if len(asked.filters) + len(asked.words) > MOST_FILTERS:
        problems.append(Problem(None, "filters", f"at most {MOST_FILTERS}"))
    if not problems:
        for name, values in asked.filters.items():
            if len(values) > 1_000:
                problems.append(Problem(None, name, "at most 1000 values"))
            try:
                _values(columns[name], values)
            except ValueError:
                problems.append(Problem(None, name, f"not a value of kind {columns[name].kind}"))
    return problems


def _one_of(table: Any, column: Column, given: list[Any]) -> Any:
    values = _values(column, given)
    own = [value for value in values if value is not None]
    parts = [table[column.code].isin(own)] if own else []
    if len(own) < len(values):
        parts.append(table[column.code].isnull())
    return reduce(or_, parts) if parts else table[column.code].isnull() & table[column.code].notnull()


def _values(column: Column, given: list[Any]) -> list[Any]:
    return [None if value is None else _value(column.kind, value) for value in given]


def _value(kind: str, value: Any) -> Any:
    """A value as the lake has it. Raises ValueError."""
    if isinstance(value, (dict, list)):
        raise ValueError
    text = str(value).strip()
    match kind:
        case "integer":
            number = int(text)
            if not -(2**63) <= number < 2**63:
                raise ValueError
            return number
        case "number":
            return float(text)
        case "boolean":
            if text.lower() not in ("true", "false", "1", "0"):
                raise ValueError
            return text.lower() in ("true", "1")
        case "time":
            moment = parse_datetime(text) or _midnight(parse_date(text))
            if moment is None:
                raise ValueError
            return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
        case "date":
            day = parse_date(text)
            if day is None:
                raise ValueError
            return day
        case _:
            if "\x00" in text:
                raise ValueError
            return str(value)


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) if day else None


def _holds(table: Any, columns: dict[str, Column], name: str, word: str) -> Any:
    """The word stands in the column, or in any column of text."""
    names = [name] if name else [column.code for column in columns.values() if column.kind == "text"]
    lower = word.lower().replace("\x00", "")
    parts = [table[one].cast("string").lower().contains(lower).fill_null(False) for one in names]
    if not parts:
        import ibis

        return ibis.literal(False)
    return reduce(or_, parts)


# ---------------------------------------------------------------- not for ever


@contextmanager
def _limited() -> Iterator[None]:
    """Stop the engine's query after SECONDS. The engine belongs to this thread, so nobody else is stopped."""
    try:
        with engine().within(SECONDS):
            yield
    except TimeoutError as error:
        raise TooSlow("the question takes too long; narrow it") from error
