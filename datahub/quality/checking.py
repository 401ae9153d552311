"""Mended rows through the very checks that a delivery goes through, before they are sent."""

from dataclasses import dataclass, replace
from datetime import timedelta

from commandcenter.core import clock
from datahub.checks.block import check_block
from datahub.checks.guard import is_guarded
from datahub.checks.keys import SeenKeys
from datahub.checks.plan import Plan, make_plan
from datahub.checks.uniques import judge_uniques
from datahub.faults import Fault, Notes, Reason, Refusal
from datahub.formats.columnar import TableSource
from datahub.models import Delivery, Reject
from datahub.selectors import spec_for
from datahub.vault.writing import erased_tokens

from .fields import Field, fields_of
from .references import with_references
from .services.mending import reading_of, ready, table_of


@dataclass(frozen=True)
class CellFault:
    header: str
    reason: str
    detail: str

    @property
    def words(self) -> str:
        known = Reason(self.reason).label if self.reason in Reason.values else self.reason
        return f"{known} {self.detail}".strip()


@dataclass
class Checked:
    """passing: rejects that would go through; faults: what is still wrong; gaps: reject -> header."""

    passing: set[int]
    faults: dict[int, list[CellFault]]
    gaps: dict[int, str]
    refusal: str = ""


def check_mends(delivery: Delivery) -> Checked:
    """As a replay would judge them now, each rule as it stands today."""
    fields = fields_of(delivery)
    rows, gaps = ready(delivery, fields)
    found = Checked(set(), {}, {reject.pk: header for reject, header in gaps})
    if not rows:
        return found
    try:
        faults = _faults(delivery, rows, fields)
    except Refusal as refusal:
        found.refusal = str(refusal)
        return found
    for fault in faults:
        found.faults.setdefault(rows[fault.row].pk, []).append(
            CellFault(fault.column, str(fault.reason), fault.detail)
        )
    found.passing = {one.pk for one in rows} - found.faults.keys()
    return found


def _faults(delivery: Delivery, rows: list[Reject], fields: list[Field]) -> list[Fault]:
    spec = spec_for(delivery.dataset)
    source = TableSource(table_of(rows, fields))
    plan: Plan = make_plan(spec, reading_of(delivery), source, now=clock.now(), shift=delivery.shift or ZERO)
    if is_guarded(spec):
        plan = replace(plan, erased=erased_tokens())
    plan = with_references(plan, Notes())
    found: list[Fault] = []
    seen: dict[str, SeenKeys] = {}
    keys = SeenKeys()
    at = 0
    for piece in source.pieces():
        checked = check_block(source.parse(piece), plan, None)
        if checked.keys is not None and checked.length:
            _mark_repeated(checked, keys, plan)
        judge_uniques(checked, plan, seen)
        found += [fault._replace(row=fault.row + at) for fault in checked.faults]
        at += checked.rows
    return found


def _mark_repeated(checked, keys: SeenKeys, plan: Plan) -> None:  # type: ignore[no-untyped-def]
    """Keys that occur twice among the mended rows."""
    repeated = keys.repeated(checked.keys)
    if repeated is None:
        return
    header = plan.header_of(plan.spec.key_columns[0])
    for position in repeated.nonzero()[0]:
        row = int(checked.place[position]) if checked.place is not None else int(position)
        checked.faults.append(Fault(row, header, Reason.DUPLICATE_KEY, ""))


ZERO = timedelta(0)
