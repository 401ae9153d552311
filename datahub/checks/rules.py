"""The rules a column can be held to. Each gives the rows that fail, None when none does."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commandcenter.core.times import shanghai_day
from datahub.declare import RuleSpec, rule_columns
from datahub.faults import Reason

from .coerce import UTC_TIME
from .numbers import bad_credit_codes, bad_id_numbers
from .plan import Plan

Failing = np.ndarray | None
Columns = Mapping[str, pa.Array]
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


def _required(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    """Missing, or nothing but blanks."""
    empty = array.is_null()
    if pa.types.is_string(array.type):
        empty = pc.or_(empty, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(array), ""), True))
    return _rows(empty)


def _range(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    return outside(array, rule.params.get("min"), rule.params.get("max"))


def _code_list(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    allowed = pa.array([str(code) for code in rule.params["codes"]], pa.string()).cast(array.type)
    return _rows(pc.and_(pc.is_valid(array), pc.invert(pc.is_in(array, value_set=allowed))))


def _pattern(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    return _rows(pc.invert(pc.match_substring_regex(array, whole(rule.params["form"]))))


def _max_length(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    return _rows(pc.greater(pc.utf8_length(array), int(rule.params["characters"])))


def _not_future(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    latest = plan.now + timedelta(minutes=float(rule.params.get("minutes", 0)))
    if pa.types.is_date(array.type):
        return outside(array, None, latest.date())
    return outside(array, None, latest)


def _timely(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    """Rows whose time lies further back, when they are read, than the source was given."""
    earliest = plan.now - timedelta(hours=float(rule.params["hours"]))
    return outside(array, earliest.date() if pa.types.is_date(array.type) else earliest, None)


def _id_number(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    bad = bad_id_numbers(array, shanghai_day(plan.now))
    return bad if bad.any() else None


def _credit_code(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    bad = bad_credit_codes(array)
    return bad if bad.any() else None


def _reference(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    """Values that the register does not hold. Without its values (too many, no right) nothing is judged."""
    known = plan.references[rule.code]
    unknown = known.strange(array)
    return unknown if unknown.any() else None


def _compare(array: pa.Array, rule: RuleSpec, plan: Plan, columns: Columns) -> Failing:
    """Rows where the two columns contradict each other; where one is missing there is nothing to compare."""
    other = columns[rule.params["other"]]
    if array.type != other.type and not (pa.types.is_string(array.type) or pa.types.is_string(other.type)):
        array, other = _alike(array, other)
    return _rows(pc.invert(COMPARE[rule.params["op"]](array, other)))


def _alike(one: pa.Array, two: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Numbers with numbers, times with dates: the date is the start of its day in Shanghai."""
    if pa.types.is_date(one.type) and pa.types.is_timestamp(two.type):
        return _start_of(one), two
    if pa.types.is_date(two.type) and pa.types.is_timestamp(one.type):
        return one, _start_of(two)
    return one.cast(pa.float64()), two.cast(pa.float64())


def _start_of(days: pa.Array) -> pa.Array:
    return pc.subtract(days.cast(UTC_TIME), pa.scalar(timedelta(hours=8), pa.duration("us")))


COMPARE: dict[str, Callable[[pa.Array, pa.Array], pa.Array]] = {
    "<=": pc.less_equal,
    "<": pc.less,
    "==": pc.equal,
    "!=": pc.not_equal,
    ">=": pc.greater_equal,
    ">": pc.greater,
}
MOST_FORM = 200  # characters of a pattern


def whole(form: str) -> str:
    """The value as a whole. The engine is RE2: its time grows with the text only, whatever the pattern."""
    return f"^(?:{form})$"


def form_fault(form: str) -> str:
    """Why a pattern is not taken; '' when it is. RE2 itself bounds repetition and size."""
    if len(form) > MOST_FORM:
        return f"> {MOST_FORM}"
    try:
        for pattern in (form, whole(form)):  # by itself as well: a bracket must not close ours
            pc.match_substring_regex(pa.array(["x"]), pattern)
    except pa.ArrowInvalid as error:
        return str(error).partition(":")[2].strip()[:200] or "RE2"
    return ""


Check = Callable[[pa.Array, RuleSpec, Plan, Columns], Failing]

# `unique` needs the blocks in their order: datahub.services.stream asks SeenKeys for it.
CHECKS: dict[str, tuple[Reason, Check]] = {
    "required": (Reason.REQUIRED, _required),
    "range": (Reason.OUT_OF_RANGE, _range),
    "code_list": (Reason.NOT_IN_LIST, _code_list),
    "pattern": (Reason.PATTERN, _pattern),
    "max_length": (Reason.TOO_LONG, _max_length),
    "not_future": (Reason.IN_FUTURE, _not_future),
    "timely": (Reason.TOO_OLD, _timely),
    "id_number": (Reason.ID_NUMBER, _id_number),
    "credit_code": (Reason.CREDIT_CODE, _credit_code),
    "reference": (Reason.NOT_IN_REGISTER, _reference),
    "compare": (Reason.CONTRADICTS, _compare),
}


def describe(rule: RuleSpec) -> str:
    """The rule's own numbers, beside the reason of a reject."""
    params = rule.params
    if rule.kind == "range":
        return f"{params.get('min', '-∞')} … {params.get('max', '∞')}"
    if rule.kind == "max_length":
        return str(params["characters"])
    if rule.kind == "compare":
        return f"{rule.column} {params['op']} {params['other']}"
    if rule.kind == "reference":
        return f"{params['dataset']}.{params['column']}"
    if rule.kind == "timely":
        return f"≤ {params['hours']} h"
    if rule.kind == "unique":
        return " + ".join(rule_columns(rule))
    if rule.kind == "code_list":
        return ", ".join(str(code) for code in params["codes"][:12])
    return str(params.get("form", ""))


def impossible_place(lons: pa.Array, lats: pa.Array) -> Failing:
    """Coordinates outside the globe, or one without the other."""
    masks = [outside(lons, *LON_RANGE), outside(lats, *LAT_RANGE)]
    if lons.null_count != lats.null_count or lons.null_count:
        masks.append(_rows(pc.xor(pc.is_valid(lons), pc.is_valid(lats))))
    found = [mask for mask in masks if mask is not None]
    return np.logical_or.reduce(found) if found else None
