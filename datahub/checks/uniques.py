"""The rule `unique`: asked block by block, in the order of the source, when the blocks come together."""

import numpy as np

from datahub.declare import rule_columns
from datahub.faults import Fault, Reason

from .block import Checked
from .keys import SeenKeys
from .plan import Plan
from .rules import describe


def judge_uniques(checked: Checked, plan: Plan, seen: dict[str, SeenKeys]) -> None:
    """Mark values that occurred earlier in the delivery; only rows that pass count as having been there."""
    for rule in plan.spec.rules:
        hashes = checked.uniques.get(rule.code)
        if hashes is None:
            continue
        asked = hashes != 0
        if checked.good is not None:
            asked &= checked.good
        at = np.flatnonzero(asked)
        found = seen.setdefault(rule.code, SeenKeys()).repeated(hashes[at]) if len(at) else None
        checked.failures[rule.code] = 0 if found is None else int(found.sum())
        if found is None or rule.on_fail != "reject":
            continue
        good = np.ones(checked.length, dtype=bool) if checked.good is None else checked.good
        header = "/".join(plan.header_of(name) for name in rule_columns(rule))[:200]
        for position in at[found]:
            raw = "/".join(str(checked.columns[name][int(position)].as_py()) for name in rule_columns(rule))
            row = int(checked.place[position]) if checked.place is not None else int(position)
            checked.faults.append(Fault(row, header, Reason.REPEATED, raw, describe(rule)))
            good[position] = False
        checked.good = good
