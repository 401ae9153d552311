"""Pages of a dataset under terms: filtered, cut to the columns, masked. Nothing here knows who asks."""

from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from django.db.models import Max

from commandcenter.core.errors import BadInput, Problem
from datahub.declare import DatasetSpec
from datahub.lake.staging import filesystem
from datahub.lake.tables import Pinned, file_schema
from datahub.models import Dataset, Delivery, DeliveryFile
from datahub.selectors import pinned, spec_for
from datahub.states import DeliveryState

from .cursors import Cursor
from .masking import masked_table
from .terms import Condition, Terms, expression_of, fingerprint, masks_of

MAX_ROWS = 50_000
WINDOW_ROWS = 400_000  # rows looked at in one read when conditions leave few of them
GROUP = 400  # deliveries looked at in one read
MAX_READS = 24  # a call ends after so many, with what it has and a cursor to go on


@dataclass(frozen=True)
class Page:
    """Rows as they may go out. next: where the walk goes on, None at its end; resume: for later."""

    table: pa.Table
    next: Cursor | None
    resume: Cursor
    version: int | None

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)


@dataclass(frozen=True)
class Question:
    """What one call asks, checked against the terms: columns and conditions of its own."""

    columns: tuple[str, ...]
    conditions: tuple[Condition, ...]
    asked: str


def question(
    spec: DatasetSpec, terms: Terms, *, columns: list[str] | None, conditions: list[Condition]
) -> Question:
    """Raises BadInput: a column that is not granted, or a condition on one that is masked.

    A condition on a masked column would tell its values by asking often enough.
    """
    hidden = masks_of(spec, terms.masks)
    granted = set(terms.columns)
    problems = [Problem(None, name, "not granted") for name in columns or () if name not in granted]
    for condition in conditions:
        if condition.column not in granted:
            problems.append(Problem(None, condition.column, "not granted"))
        elif condition.column in hidden:
            problems.append(Problem(None, condition.column, "masked, so it cannot be asked for"))
        else:
            expression_of(spec, condition)
    if problems:
        raise BadInput(problems)
    chosen = tuple(name for name in terms.columns if columns is None or name in columns)
    return Question(chosen, tuple(conditions), fingerprint(chosen, conditions))


def start(dataset: Dataset, asked: str) -> Cursor:
    return pin_cursor(dataset, Cursor(dataset.code, asked=asked))


def pin_cursor(dataset: Dataset, cursor: Cursor) -> Cursor:
    """The same place with the newest version as its end, unless it has one already."""
    if cursor.upto is not None:
        return cursor
    version = pinned(dataset.code).version
    held = Delivery.objects.filter(dataset=dataset, state=DeliveryState.COMMITTED, turn__isnull=False)
    if version is not None:
        held = held.filter(lake_version__lte=version)
    last = held.aggregate(last=Max("turn"))["last"] if version is not None else None
    return replace(cursor, upto=last or 0, version=version)


def read_page(
    dataset: Dataset, terms: Terms, asked: Question, *, cursor: Cursor, limit: int, salt: str
) -> Page:
    """The next `limit` rows after the cursor. A page may be shorter; the end is when `next` is None."""
    spec = spec_for(dataset)
    cursor = pin_cursor(dataset, cursor)
    condition = [expression_of(spec, one) for one in (*terms.rows, *asked.conditions)]
    parts: list[pa.Table] = []
    need = min(limit, MAX_ROWS)
    whole = pinned(dataset.code)
    ended = False
    for _read in range(MAX_READS):
        group = _group(dataset, cursor, need, filtered=bool(condition))
        if not group.ids:
            ended = True
            break
        table = _rows(spec, whole, group, asked.columns, condition, cursor)
        if table.num_rows > need:
            table = table.slice(0, need)
        parts.append(table)
        need -= table.num_rows
        if not need:
            last = table.slice(table.num_rows - 1).to_pylist()[0]
            cursor = replace(cursor, turn=group.turns[last["_delivery"]], row=last["_row"])
            break
        cursor = replace(cursor, turn=group.end[0], row=group.end[1])
    found = _joined(spec, parts, asked.columns)
    if not ended:
        ended = not _group(dataset, cursor, 1, filtered=False).ids
    out = masked_table(found, masks_of(spec, terms.masks), salt=salt)
    return Page(out, None if ended else cursor, cursor.released(), cursor.version)


@dataclass(frozen=True)
class _Group:
    """Deliveries to read at once, in order of turn. last_row: of the last one only up to this row."""

    ids: list[int]
    turns: dict[int, int]
    end: tuple[int, int]
    last_row: int | None


def _group(dataset: Dataset, cursor: Cursor, need: int, *, filtered: bool) -> _Group:
    """The next deliveries, about as many rows as are needed; of a large one only a window."""
    room = max(need * 2, WINDOW_ROWS if filtered else need)
    following = (
        Delivery.objects.filter(
            dataset=dataset, state=DeliveryState.COMMITTED, turn__gte=cursor.turn, turn__lte=cursor.upto
        )
        .order_by("turn")
        .values_list("pk", "turn", "rows_in")[:GROUP]
    )
    ids: list[int] = []
    turns: dict[int, int] = {}
    end: tuple[int, int] = (cursor.turn, cursor.row)
    last_row: int | None = None
    total = 0
    for pk, turn, rows_in in following:
        assert turn is not None
        done = cursor.row if turn == cursor.turn else 0
        if done >= rows_in:
            continue
        if ids and (total + rows_in > room or pk < ids[-1]):
            break
        ids.append(pk)
        turns[pk] = turn
        if rows_in - done > room:
            last_row = done + room
            end = (turn, last_row)
            break
        total += rows_in - done
        end = (turn, rows_in)
    return _Group(ids, turns, end, last_row)


def _rows(
    spec: DatasetSpec,
    whole: Pinned,
    group: _Group,
    columns: tuple[str, ...],
    conditions: list[Any],
    cursor: Cursor,
) -> pa.Table:
    """Rows of a group in order, with _delivery and _row beside the columns."""
    paths = _paths(whole, group, cursor)
    schema = file_schema(spec)
    names = [*columns, "_delivery", "_row"]
    if not paths:
        return pa.schema([schema.field(name) for name in names]).empty_table()
    delivery, row = ds.field("_delivery"), ds.field("_row")
    here = [delivery.isin(pa.array(group.ids, pa.int64()))]
    first = group.ids[0]
    if group.turns[first] == cursor.turn and cursor.row:
        here.append((delivery != first) | (row > cursor.row))
    if group.last_row is not None:
        here.append((delivery != group.ids[-1]) | (row <= group.last_row))
    fs, root = filesystem(whole.root)
    held = ds.dataset([f"{root}/{path}" for path in paths], schema=schema, format="parquet", filesystem=fs)
    table = held.to_table(columns=names, filter=reduce(and_, [*here, *conditions]))
    return table.sort_by([("_delivery", "ascending"), ("_row", "ascending")])


def _paths(whole: Pinned, group: _Group, cursor: Cursor) -> list[str]:
    """Files that can hold the group's rows: those it wrote, or, once they were compacted, its days'."""
    files = DeliveryFile.objects.filter(delivery_id__in=group.ids)
    if len(group.ids) == 1:
        after = cursor.row if group.turns[group.ids[0]] == cursor.turn else 0
        files = files.filter(last_row__gt=after)
        if group.last_row is not None:
            files = files.filter(first_row__lte=group.last_row)
    wrote = list(files.values_list("path", "day"))
    active = dict(whole.files)
    if all(path in active for path, _day in wrote):
        return [path for path, _day in wrote]
    days = {day for _path, day in wrote}
    return [path for path, day in whole.files if day in days]


def _joined(spec: DatasetSpec, parts: list[pa.Table], columns: tuple[str, ...]) -> pa.Table:
    if not parts:
        schema = file_schema(spec)
        return pa.schema([schema.field(name) for name in columns]).empty_table()
    return pa.concat_tables(parts).select(list(columns)).combine_chunks()
