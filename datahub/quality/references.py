"""The values of a register that a rule names: read once per delivery, at the version pinned then.

The register of another organisation is read like any consumer reads: it is open to all, provided by the same
organisation, or there is a live grant for `datahub.quality:<dataset>`. Otherwise, or when it holds more
values than MOST_VALUES, the rule is not measured and the delivery says so: no row fails for our reasons.
"""

import threading
from collections import OrderedDict
from dataclasses import replace

from datahub.checks.known import MOST_VALUES, KnownValues
from datahub.checks.plan import Plan
from datahub.declare import DatasetSpec, RuleSpec
from datahub.faults import Notes
from datahub.models import Dataset
from datahub.selectors import engine, is_register, latest, pinned, spec_of
from datahub.sharing.policies import is_open_to_all, may_read

KEPT = 8
_kept: OrderedDict[tuple[str, str, int], KnownValues] = OrderedDict()
_lock = threading.Lock()


def consumer_of(spec: DatasetSpec) -> str:
    """In whose name a dataset's rules read registers."""
    return f"datahub.quality:{spec.code}"


def with_references(plan: Plan, notes: Notes) -> Plan:
    """The plan with the values of its reference rules; rules without are noted."""
    rules = [rule for rule in plan.spec.rules if rule.kind == "reference"]
    found: dict[str, KnownValues] = {}
    for rule in rules:
        known, why = known_values(plan.spec, rule)
        if known is None:
            notes.add("not_measured", f"{rule.code}: {why}")
        else:
            found[rule.code] = known
    return replace(plan, references=found) if rules else plan


def known_values(spec: DatasetSpec, rule: RuleSpec) -> tuple[KnownValues | None, str]:
    """The values, or why there are none: no_dataset, no_column, no_right, empty, too_many."""
    code, column = str(rule.params["dataset"]), str(rule.params["column"])
    register = Dataset.objects.filter(code=code).first()
    if register is None:
        return None, "no_dataset"
    theirs = spec_of(code)
    if column not in {one.code for one in theirs.columns}:
        return None, "no_column"
    own = bool(spec.provider) and register.provider == spec.provider
    if not (own or code == spec.code or is_open_to_all(code) or may_read(code, consumer_of(spec), [column])):
        return None, "no_right"
    at = pinned(code)
    if not at.files:
        return None, "empty"
    key = (f"{at.root}/{code}", column, at.version or 0)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key], ""
    # A register's other columns as known now: a value that was replaced there counts no more.
    now = is_register(theirs) and column not in theirs.key_columns
    table = latest(code) if now else engine().table(code, at.version)
    chosen = table.filter(table[column].notnull()).select(column).distinct().limit(MOST_VALUES + 1)
    values = engine().to_arrow(chosen).column(column).combine_chunks()
    if len(values) > MOST_VALUES:
        return None, "too_many"
    known = KnownValues(values, hidden=theirs.column(column).personal)
    with _lock:
        _kept[key] = known
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return known, ""
