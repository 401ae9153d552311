"""The rules a column can be held to. Each gives the rows that fail, None when none does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datahub.declare import RuleSpec
from datahub.faults import Reason

from .plan import Plan

Failing = np.ndarray | None
LON_RANGE, LAT_RANGE = (-180.0, 180.0), (-90.0, 90.0)  # degrees


def _rows(mask: pa.Array) -> Failing:
    """The mask in numpy, null meaning: nothing to judge, so it does not fail."""
    if not pc.any(mask).as_py():
        return None
    return pc.fill_null(mask, False).to_numpy(zero_copy_only=False)


def outside(array: pa.Array, low: Any, high: Any) -> Failing:
    """Values below `low` or above `high`; a look at the two ends settles a clean column."""
    ends = pc.min_max(array)
    if not ends["min"].is_valid:
        return None
    too_low = low is not None and ends["min"].as_py() < low
    too_high = high is not None and ends["max"].as_py() > high
    if not (too_low or too_high):
        return None
    masks = []
    if low is not None:
        masks.append(pc.less(array, low))
    if high is not None:
        masks.append(pc.greater(array, high))
    return _rows(masks[0] if len(masks) == 1 else pc.or_(*masks))


def _range(array: pa.Array, rule: RuleSpec, plan: Plan) -> Failing:
    return outside(array, rule.params.get("min"), rule.params.get("max"))


def _code_list(array: pa.Array, rule: RuleSpec, plan: Plan) -> Failing:
    allowed = pa.array([str(code) for code in rule.params["codes"]], pa.string()).cast(array.type)
    return _rows(pc.and_(pc.is_valid(array), pc.invert(pc.is_in(array, value_set=allowed))))


def _pattern(array: pa.Array, rule: RuleSpec, plan: Plan) -> Failing:
    return _rows(pc.invert(pc.match_substring_regex(array, f"^(?:{rule.params['form']})$")))


def _max_length(array: pa.Array, rule: RuleSpec, plan: Plan) -> Failing:
    return _rows(pc.greater(pc.utf8_length(array), int(rule.params["characters"])))


def _not_future(array: pa.Array, rule: RuleSpec, plan: Plan) -> Failing:
    latest = plan.now + timedelta(minutes=float(rule.params.get("minutes", 0)))
    if pa.types.is_date(array.type):
        return outside(array, None, latest.date())
    return outside(array, None, latest)


CHECKS: dict[str, tuple[Reason, Callable[[pa.Array, RuleSpec, Plan], Failing]]] = {
    "range": (Reason.OUT_OF_RANGE, _range),
    "code_list": (Reason.NOT_IN_LIST, _code_list),
    "pattern": (Reason.PATTERN, _pattern),
    "max_length": (Reason.TOO_LONG, _max_length),
    "not_future": (Reason.IN_FUTURE, _not_future),
}


def describe(rule: RuleSpec) -> str:
    """The rule's own numbers, beside the reason of a reject."""
    if rule.kind == "range":
        return f"{rule.params.get('min', '-∞')} … {rule.params.get('max', '∞')}"
    if rule.kind == "max_length":
        return str(rule.params["characters"])
    return str(rule.params.get("form", ""))


def impossible_place(lons: pa.Array, lats: pa.Array) -> Failing:
    """Coordinates outside the globe, or one without the other."""
    masks = [outside(lons, *LON_RANGE), outside(lats, *LAT_RANGE)]
    if lons.null_count != lats.null_count or lons.null_count:
        masks.append(_rows(pc.xor(pc.is_valid(lons), pc.is_valid(lats))))
    found = [mask for mask in masks if mask is not None]
    return np.logical_or.reduce(found) if found else None
