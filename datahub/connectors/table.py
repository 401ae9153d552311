"""Rows of a picked table, in order of the cursor, into one Parquet file.

Nothing is lost and nothing comes twice: each batch begins `overlap` behind the newest value that is in
the lake and leaves out what it knows to be there (edge.py); the newest value moves with the batch.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from django.utils.translation import gettext as _
from sqlalchemy.exc import DBAPIError

from commandcenter.core import clock
from commandcenter.core.times import SHANGHAI
from datahub.faults import reach

from . import edge, shape
from .database import BINARY, CURSOR_KINDS, OTHER, DbColumn, columns, connected, is_sqlite
from .edge import Edge
from .errors import ColumnsChanged, SourceFailed
from .settings import DatabaseSettings
from .spool import Fetched, Nothing, Spool

CHUNK_ROWS = 20_000
BATCH_ROWS = 1_000_000
WHOLE_ROWS = 5_000_000
COUNT_UP_TO = 1_000
COUNT_MS = 5_000
AHEAD = timedelta(days=1)  # a cursor value further in the future would hide all that comes after
ARROW = {
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "time": pa.timestamp("us", "UTC"),
}


@dataclass(frozen=True)
class Picked:
    """What is read: columns to be delivered, then those that identify a row, then the cursor."""

    table: sa.TableClause
    wanted: list[DbColumn]
    extra: list[DbColumn]
    cursor: DbColumn | None
    sqlite: bool

    @property
    def all(self) -> list[DbColumn]:
        return [*self.wanted, *self.extra]

    def place(self, name: str) -> int:
        return next(n for n, column in enumerate(self.all) if column.name == name)

    def of(self, name: str) -> Any:
        return self.table.c[name]


def pick(
    connection: sa.Connection, settings: DatabaseSettings, before: dict[str, str]
) -> tuple[Picked, list[str]]:
    """The table as it is now, and names that are new since `before`. Raises SourceFailed, ColumnsChanged."""
    found = columns(connection, settings)
    by_name = {column.name: column for column in found}
    now = {column.name: column.kind for column in found}
    cursor_name = [settings.cursor] if settings.cursor else []
    needed = dict.fromkeys([*settings.columns, *settings.identity, *cursor_name])
    new = shape.compare(before, now, needed)
    wanted = [by_name[name] for name in settings.columns]
    extra = [by_name[name] for name in needed if name not in settings.columns]
    table = sa.table(
        settings.table,
        *(sa.column(column.name, _type(column, is_sqlite(connection))) for column in found),
        schema=settings.schema_name or None,
    )
    cursor = by_name.get(settings.cursor)
    if cursor is not None and not is_sqlite(connection) and cursor.kind not in CURSOR_KINDS:
        raise SourceFailed(
            _("The column %(name)s cannot be a cursor: choose whole numbers, times, dates or text.")
            % {"name": cursor.name},
            code="bad_cursor",
        )
    return Picked(table, wanted, extra, cursor, is_sqlite(connection)), new


def _type(column: DbColumn, sqlite: bool) -> Any:
    if sqlite:
        return sa.types.NullType()  # values as they are: the file's declared types bind nothing
    return {
        "integer": sa.BigInteger(),
        "time": sa.DateTime(timezone=column.aware),
        "date": sa.Date(),
        "text": sa.String(),
    }.get(column.kind, sa.types.NullType())


def _read(picked: Picked, column: DbColumn) -> Any:
    """The column in the select list; what the hub does not know comes as text."""
    found = picked.of(column.name)
    if not picked.sqlite and column.kind in (OTHER, BINARY, "text"):
        return sa.cast(found, sa.Text)
    return found


def _ordered(picked: Picked) -> Any:
    assert picked.cursor is not None
    found = picked.of(picked.cursor.name)
    if picked.cursor.kind == "text" and not picked.sqlite:
        return sa.cast(found, sa.Text).collate("C")  # one order everywhere: that of the characters' numbers
    return found


def schema_of(picked: Picked) -> pa.Schema:
    return pa.schema(
        [
            (column.name, pa.string() if picked.sqlite else ARROW.get(column.kind, pa.string()))
            for column in picked.wanted
        ]
    )


def arrays_of(picked: Picked, rows: Sequence[Sequence[Any]], zone: str) -> list[pa.Array]:
    schema = schema_of(picked)
    made = []
    for n, column in enumerate(picked.wanted):
        values = [row[n] for row in rows]
        if picked.sqlite:
            made.append(pa.array([_text(value) for value in values], pa.string()))
            continue
        if column.kind == "time" and not column.aware:
            values = [_in_zone(value, zone) for value in values]
        elif schema.field(n).type == pa.string():
            values = [_text(value) for value in values]
        made.append(pa.array(values, schema.field(n).type))
    return made


def _in_zone(value: datetime | None, zone: str) -> datetime | None:
    if value is None or not isinstance(value, datetime):
        return None
    try:
        return value.replace(tzinfo=UTC if zone == "UTC" else SHANGHAI).astimezone(UTC)
    except OverflowError:
        return None  # infinity


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    return repr(value) if isinstance(value, float) else str(value)


def preview(settings: DatabaseSettings, secret: str, *, rows: int) -> tuple[pa.Table, list[DbColumn]]:
    """The newest rows by the cursor, or any, as they would be delivered; and all columns of the table."""
    with connected(settings, secret) as connection:
        found = columns(connection, settings)
        offered = [column for column in found if column.kind != BINARY]
        chosen = settings.model_copy(
            update={
                "columns": settings.columns or {column.name: column.name for column in offered},
                "identity": (),
            }
        )
        picked, _new = pick(connection, chosen, {})
        query = sa.select(*(_read(picked, column) for column in picked.wanted)).select_from(picked.table)
        if picked.cursor is not None:
            query = query.where(picked.of(picked.cursor.name).is_not(None)).order_by(_ordered(picked).desc())
        found_rows = [tuple(row) for row in connection.execute(query.limit(rows))]
        table = pa.table(arrays_of(picked, found_rows, settings.zone), schema=schema_of(picked))
        return table, found


# ---------------------------------------------------------------- fetching


def fetch(
    source_id: int,
    settings: DatabaseSettings,
    secret: str,
    *,
    cursor: dict[str, Any],
    seen: bytes,
    before: dict[str, str],
    number: int,
) -> Fetched | Nothing:
    """The next batch, on the disk, if anything is new. Raises SourceFailed, OutboundRefused."""
    with connected(settings, secret) as connection:
        picked, new = pick(connection, settings, before)
        notes = (
            [_("New columns that are not taken: %(names)s.") % {"names": ", ".join(new[:20])}] if new else []
        )
        if picked.cursor is None:
            return _fetch_whole(source_id, connection, picked, settings, notes)
        notes += _left_out(connection, picked, settings)
        return _fetch_new(source_id, connection, picked, settings, cursor, seen, number, notes)


def _fetch_whole(
    source_id: int, connection: sa.Connection, picked: Picked, settings: DatabaseSettings, notes: list[str]
) -> Fetched | Nothing:
    """The whole table, in an order that stays, so that an unchanged table is an unchanged file."""
    order = [picked.of(column.name) for column in picked.all if column.key] or [
        sa.cast(picked.of(column.name), sa.Text) for column in picked.all
    ]
    query = sa.select(*(_read(picked, column) for column in picked.wanted)).order_by(*order)
    with Spool(source_id, schema_of(picked)) as spool:
        for rows in _chunks(connection, query):
            spool.add(arrays_of(picked, rows, settings.zone))
            if spool.rows > WHOLE_ROWS:
                raise SourceFailed(
                    _("The table has more than %(n)s rows: choose a cursor column.")
                    % {"n": f"{WHOLE_ROWS:,}"},
                    code="too_large",
                )
            reach("source_mid_fetch")
        if not spool.rows:
            return Nothing(notes=notes)
        return Fetched(spool.keep(), file_name=settings.table, rows=spool.rows, notes=notes)


def _fetch_new(
    source_id: int,
    connection: sa.Connection,
    picked: Picked,
    settings: DatabaseSettings,
    cursor: dict[str, Any],
    seen: bytes,
    number: int,
    notes: list[str],
) -> Fetched | Nothing:
    assert picked.cursor is not None
    known = Edge(seen)
    last = edge.from_json(cursor) if cursor else None
    _same_kind(picked, cursor)
    query = _newer(picked, settings, last)
    at = picked.place(picked.cursor.name)
    identity = [picked.place(name) for name in settings.identity or settings.columns]
    recent: deque[tuple[Any, int]] = deque()  # (cursor value, number) of the rows at the edge so far
    newest, full = last, False
    mark = {"source": f"{source_id}/{number}"}
    with Spool(source_id, schema_of(picked), mark) as spool:
        for rows in _chunks(connection, query):
            fresh: list[Any] = []
            for row in rows:
                value = row[at]
                if newest is not None and type(value) is not type(newest):
                    raise _mixed(picked.cursor.name)
                this = known.number((value, *(row[n] for n in identity)))
                if last is None or value > last or not known.knows(this):
                    if spool.rows + len(fresh) >= BATCH_ROWS:
                        full = True
                        break
                    fresh.append(row)
                recent.append((value, this))
                if newest is None or value > newest:
                    newest = value
            _forget(recent, newest, settings.overlap)
            if fresh:
                spool.add(arrays_of(picked, fresh, settings.zone))
            reach("source_mid_fetch")
            if full:
                break
        if not spool.rows:
            return Nothing(notes=notes)
        after = {"cursor": edge.to_json(newest)}
        return Fetched(
            spool.keep(),
            file_name=f"{settings.table} #{number}",
            rows=spool.rows,
            after=after,
            seen=edge.pack(
                known.still(newest, last, settings.overlap),
                ((this, edge.rank(value)) for value, this in recent),
            ),
            more=full,
            notes=notes,
        )


def _same_kind(picked: Picked, cursor: dict[str, Any]) -> None:
    """A cursor that was read without a zone cannot be compared with one that has it."""
    found = picked.cursor
    if not cursor or picked.sqlite or found is None:
        return
    now = ("time" if found.aware else "naive") if found.kind == "time" else found.kind
    if cursor["kind"] != now:
        raise ColumnsChanged(retyped=[(found.name, cursor["kind"], now)])


def _forget(recent: deque[tuple[Any, int]], newest: Any, overlap: int) -> None:
    """Rows that the next batch will not look at again."""
    if newest is None:
        return
    bound = edge.behind(newest, overlap)
    while recent and recent[0][0] < bound:
        recent.popleft()


def _newer(picked: Picked, settings: DatabaseSettings, last: Any) -> sa.Select[Any]:
    assert picked.cursor is not None
    found = _ordered(picked)
    query = sa.select(*(_read(picked, column) for column in picked.all)).where(
        picked.of(picked.cursor.name).is_not(None)
    )
    if last is not None:
        query = query.where(found >= edge.behind(last, settings.overlap))
    horizon = _horizon(picked)
    if horizon is not None:
        query = query.where(found <= horizon)
    keys = [
        picked.of(column.name) for column in picked.all if column.key and column.name != picked.cursor.name
    ]
    return query.order_by(found, *keys)


def _horizon(picked: Picked) -> Any:
    assert picked.cursor is not None
    if picked.sqlite or picked.cursor.kind not in ("time", "date"):
        return None
    until = clock.now() + AHEAD
    if picked.cursor.kind == "date":
        return until.astimezone(SHANGHAI).date() + timedelta(days=1)
    return until if picked.cursor.aware else until.astimezone(SHANGHAI).replace(tzinfo=None)


def _chunks(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Sequence[Any]]:
    """By a cursor on the server's side: memory holds one chunk, whatever the table has."""
    result = connection.execution_options(stream_results=True, yield_per=CHUNK_ROWS).execute(query)
    yield from result.partitions(CHUNK_ROWS)


def _left_out(connection: sa.Connection, picked: Picked, settings: DatabaseSettings) -> list[str]:
    """Rows that a cursor cannot reach, counted up to a bound and said; not at the price of the pull."""
    assert picked.cursor is not None
    found, horizon = picked.of(picked.cursor.name), _horizon(picked)
    nothing, ahead = "", ""
    try:
        with connection.begin_nested():
            _limit(connection, COUNT_MS)
            if picked.cursor.nullable:
                nothing = _count(connection, picked, found.is_(None))
            if horizon is not None:
                ahead = _count(connection, picked, found > horizon)
            _limit(connection, settings.timeout_s * 1000)
    except DBAPIError:
        return []  # a large table without an index: nobody counts
    notes = []
    if nothing:
        notes.append(_("%(n)s rows have nothing in the cursor column and are not taken.") % {"n": nothing})
    if ahead:
        notes.append(_("%(n)s rows have a cursor value in the future and are not taken.") % {"n": ahead})
    return notes


def _limit(connection: sa.Connection, ms: int) -> None:
    if not is_sqlite(connection):
        connection.execute(sa.text(f"SET LOCAL statement_timeout = {int(ms)}"))


def _count(connection: sa.Connection, picked: Picked, condition: Any) -> str:
    some = sa.select(sa.literal(1)).select_from(picked.table).where(condition).limit(COUNT_UP_TO).subquery()
    n = int(connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
    if not n:
        return ""
    return _("at least %(n)s") % {"n": f"{n:,}"} if n >= COUNT_UP_TO else str(n)


def _mixed(name: str) -> SourceFailed:
    return SourceFailed(
        _("The cursor column %(name)s holds values of several kinds, which have no order.") % {"name": name},
        code="bad_cursor",
    )
