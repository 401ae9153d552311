"""A rule tried on rows that lie in the lake already, before it is switched on: how many would fail, which.

The newest rows are taken, of the last delivery or of the whole table, as many as MOST_ROWS. The lake holds
tokens of personal values, so those of a few hundred rows are opened in memory, counted and dropped; that is
written to the audit log, and no example shows them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from commandcenter.core import clock
from commandcenter.core.errors import require
from datahub.checks.keys import SeenKeys, key_hashes
from datahub.checks.plan import Plan
from datahub.checks.rules import CHECKS
from datahub.declare import DatasetSpec, MappingSpec, RuleSpec, rule_columns
from datahub.faults import Notes
from datahub.models import Dataset, Delivery
from datahub.selectors import engine, pinned, spec_for
from datahub.states import DeliveryState
from datahub.vault.masking import shown_columns, shown_rows
from datahub.vault.services import open_fields

from .policies import may_change_rules
from .references import with_references
from .services.rules import checked_rule

MOST_ROWS = 500_000
PERSONAL_ROWS = 500
EXAMPLES = 10


@dataclass(frozen=True)
class Trial:
    """rows: looked at; failed: of them; examples: masked, with where each lies. why: not measured."""

    rows: int
    failed: int
    examples: list[dict[str, Any]]
    columns: list[str]
    version: int | None
    delivery: int | None = None
    why: str = ""

    @property
    def share(self) -> float:
        return self.failed / self.rows if self.rows else 0.0


def try_rule(dataset: Dataset, rule: RuleSpec, by: Any, *, last_only: bool = False) -> Trial:
    """Raises BadInput when the dataset cannot be held to the rule at all."""
    require(may_change_rules(by, dataset))
    spec = spec_for(dataset)
    checked_rule(spec, rule)
    at = pinned(dataset.code)
    names = list(dict.fromkeys(filter(None, [*rule_columns(rule), *spec.key_columns, spec.time_column])))
    if not at.files:
        return Trial(0, 0, [], names, at.version, why="empty")
    last = _last(dataset) if last_only else None
    personal = [name for name in rule_columns(rule) if spec.column(name).personal]
    table = _rows(spec, names, at, last, PERSONAL_ROWS if personal else MOST_ROWS)
    columns = {name: table.column(name).combine_chunks() for name in names}
    if personal:
        columns |= _opened(dataset, table, personal, by)
    plan = Plan(spec.model_copy(update={"rules": (rule,)}), MappingSpec(), {}, _judged_at(last))
    notes = Notes()
    plan = with_references(plan, notes)
    if notes.lines:
        return Trial(table.num_rows, 0, [], names, at.version, last, why=notes.lines[0]["detail"])
    failing = _failing(rule, columns, plan)
    where = np.flatnonzero(failing)[:EXAMPLES] if failing is not None else np.empty(0, np.int64)
    examples = _shown(spec, table.take(pa.array(where, pa.int64())), names) if len(where) else []
    count = int(failing.sum()) if failing is not None else 0
    return Trial(table.num_rows, count, examples, names, at.version, last)


def _judged_at(delivery_id: int | None) -> Any:
    """A delivery is judged as on the day it came."""
    found = Delivery.objects.filter(pk=delivery_id).first() if delivery_id else None
    return found.received_at if found else clock.now()


def _last(dataset: Dataset) -> int | None:
    held = Delivery.objects.filter(dataset=dataset, state=DeliveryState.COMMITTED, rows_committed__gt=0)
    return held.order_by("-pk").values_list("pk", flat=True).first()


def _rows(spec: DatasetSpec, names: list[str], at: Any, last: int | None, most: int) -> pa.Table:
    """Newest days first, until there are enough rows."""
    days = sorted({day for _path, day in at.files})
    table = engine().table(spec.code, at.version, (days[-min(len(days), 400)], days[-1]))
    if last is not None:
        table = table.filter(table["_delivery"] == last)
    order = [table["_known_from"].desc(), table["_delivery"].desc(), table["_row"].desc()]
    return engine().to_arrow(table.order_by(order).limit(most).select(*names, "_delivery", "_row"))


def _opened(dataset: Dataset, table: pa.Table, personal: list[str], by: Any) -> dict[str, pa.Array]:
    keys = list(zip(table.column("_delivery").to_pylist(), table.column("_row").to_pylist(), strict=True))
    if not keys:
        return {}
    found = open_fields(
        dataset_code=dataset.code, rows=keys, columns=personal, by=by, reason="dry run of a quality rule"
    )
    return {name: pa.array([found.get(key, {}).get(name) for key in keys], pa.string()) for name in personal}


def _failing(rule: RuleSpec, columns: dict[str, pa.Array], plan: Plan) -> np.ndarray | None:
    if rule.kind != "unique":
        return CHECKS[rule.kind][1](columns[rule.column], rule, plan, columns)
    arrays = [columns[name] for name in rule_columns(rule)]
    valid = np.logical_and.reduce([one.is_valid().to_numpy(zero_copy_only=False) for one in arrays])
    at = np.flatnonzero(valid)
    repeated = SeenKeys().repeated(key_hashes(arrays)[at]) if len(at) else None
    if repeated is None:
        return None
    failing = np.zeros(len(valid), dtype=bool)
    failing[at[repeated]] = True
    return failing


def _shown(spec: DatasetSpec, table: pa.Table, names: list[str]) -> list[dict[str, Any]]:
    rows = shown_rows(spec, table.select([*names, "_delivery", "_row"]).to_pylist())
    open_names = shown_columns(spec)
    return [
        {
            "ref": f"datahub.row:{row['_delivery']}:{row['_row']}",
            "values": [(row[name], name in open_names) for name in names],
        }
        for row in rows
    ]
