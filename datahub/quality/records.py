"""One record of the lake: found by its key or by what a consumer says of it."""

from functools import reduce
from operator import and_
from typing import Any, NamedTuple

import pyarrow.dataset as ds

from commandcenter.core.errors import BadInput, Problem
from commandcenter.core.refs import parse_ref
from datahub.declare import DatasetSpec
from datahub.lake.staging import filesystem
from datahub.lake.tables import file_schema
from datahub.models import Dataset
from datahub.selectors import engine, pinned, spec_for
from datahub.sharing.reading import question
from datahub.sharing.terms import Condition, Terms, expression_of


class Record(NamedTuple):
    """A row as the lake holds it; personal values are tokens there."""

    delivery_id: int
    row: int
    values: dict[str, Any]

    @property
    def ref(self) -> str:
        return f"datahub.row:{self.delivery_id}:{self.row}"


def record_of(spec: DatasetSpec, row_ref: str) -> Record | None:
    _kind, parts = parse_ref(row_ref)
    delivery, row = (int(part) for part in parts)
    table = engine().table(spec.code)
    return _first(spec, table.filter((table["_delivery"] == delivery) & (table["_row"] == row)))


def newest_of_key(spec: DatasetSpec, row_ref: str) -> Record | None:
    """The last row under the key of this one; None for a dataset without a key."""
    first = record_of(spec, row_ref) if spec.key_columns else None
    if first is None:
        return None
    table = engine().table(spec.code)
    same = [
        table[name].isnull() if first.values[name] is None else table[name] == first.values[name]
        for name in spec.key_columns
    ]
    return _first(spec, table.filter(reduce(and_, same)))


def _first(spec: DatasetSpec, table: Any) -> Record | None:
    names = [column.code for column in spec.columns]
    order = [table["_known_from"].desc(), table["_delivery"].desc(), table["_row"].desc()]
    chosen = table.order_by(order).limit(1).select(*names, "_delivery", "_row")
    rows = engine().to_arrow(chosen).to_pylist()
    if not rows:
        return None
    values = rows[0]
    return Record(values.pop("_delivery"), values.pop("_row"), values)


def granted_record(dataset: Dataset, terms: Terms, match: dict[str, Any]) -> Record:
    """The one row, among those a grant covers, that is as `match` says; of several versions the newest.

    Raises BadInput: nothing or more than one thing is like that, or a column is not granted.
    """
    spec = spec_for(dataset)
    conditions = [Condition(column=str(name), op="eq", value=value) for name, value in match.items()]
    if not conditions:
        raise BadInput(Problem(None, "match", "say which record: at least one column and its value"))
    wanted = question(spec, terms, columns=None, conditions=conditions)
    every = [expression_of(spec, one) for one in (*terms.rows, *wanted.conditions)]
    whole = pinned(dataset.code)
    names = [*dict.fromkeys([*spec.key_columns, *match]), "_delivery", "_row", "_known_from"]
    fs, root = filesystem(whole.root)
    paths = [f"{root}/{path}" for path, _day in whole.files]
    if not paths:
        raise BadInput(Problem(None, "match", "no record is like that"))
    held = ds.dataset(paths, schema=file_schema(spec), format="parquet", filesystem=fs)
    table = held.scanner(columns=names, filter=reduce(and_, every)).head(1_000)
    rows = table.sort_by([("_known_from", "descending"), ("_delivery", "descending")]).to_pylist()
    keys = {tuple(row[name] for name in spec.key_columns) for row in rows}
    if not rows:
        raise BadInput(Problem(None, "match", "no record is like that"))
    if (spec.key_columns and len(keys) > 1) or (not spec.key_columns and len(rows) > 1):
        raise BadInput(Problem(None, "match", "more than one record is like that"))
    return Record(rows[0]["_delivery"], rows[0]["_row"], rows[0])


def covered(dataset: Dataset, terms: Terms, row_ref: str) -> bool:
    """Whether a grant's rows hold this one."""
    spec = spec_for(dataset)
    try:
        kind, parts = parse_ref(row_ref)
        delivery, row = (int(part) for part in parts)
    except ValueError:
        return False
    whole = pinned(dataset.code)
    fs, root = filesystem(whole.root)
    paths = [f"{root}/{path}" for path, _day in whole.files]
    if kind != "datahub.row" or not paths or max(abs(delivery), abs(row)) >= 2**63:
        return False
    here = (ds.field("_delivery") == delivery) & (ds.field("_row") == row)
    every = [here, *(expression_of(spec, one) for one in terms.rows)]
    held = ds.dataset(paths, schema=file_schema(spec), format="parquet", filesystem=fs)
    return bool(held.count_rows(filter=reduce(and_, every)))
