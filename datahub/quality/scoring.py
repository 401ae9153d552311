"""The score: what was checked, what failed, and how dimensions make a total. Plain arithmetic, no database.

Each check gives 1 - failed / checked. A dimension is the mean of its checks, the total the mean of the
measured dimensions by weight; times 100. What was not measured neither helps nor harms.
Source: facts.md section 3 (GB/T 36344-2018 for the dimensions, the formula per rule; weights a proposal).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from datahub.checks.block import KEY, PLACE, RECORD, REQUIRED, TYPE
from datahub.declare import DatasetSpec

from .states import Dimension

CYCLE, CALLS = "=cycle", "=calls"

DIMENSION_OF: dict[str, str] = {
    "required": Dimension.COMPLETENESS,
    "pattern": Dimension.VALIDITY,
    "code_list": Dimension.VALIDITY,
    "max_length": Dimension.VALIDITY,
    "range": Dimension.ACCURACY,
    "not_future": Dimension.ACCURACY,
    "id_number": Dimension.ACCURACY,
    "credit_code": Dimension.ACCURACY,
    "unique": Dimension.UNIQUENESS,
    "reference": Dimension.CONSISTENCY,
    "compare": Dimension.CONSISTENCY,
    "timely": Dimension.TIMELINESS,
}


class Part(NamedTuple):
    """One check: how often it was made and how often it failed."""

    dimension: str
    checked: int
    failed: int

    @property
    def rate(self) -> float:
        return 1 - min(self.failed, self.checked) / self.checked


@dataclass(frozen=True)
class Score:
    """dimensions: the measured ones, 0 to 100; total: None where nothing was measured."""

    dimensions: dict[str, float]
    total: float | None


def parts_of(spec: DatasetSpec, failures: Mapping[str, int], rows: int, *, live: bool) -> dict[str, Part]:
    """What the checks of one delivery of so many rows say, check by check."""
    if rows <= 0:
        return {}
    parts: dict[str, Part] = {}

    def add(code: str, dimension: str, cells: int) -> None:
        if cells:
            parts[code] = Part(dimension, cells * rows, min(failures.get(code, 0), cells * rows))

    needed = {c.code for c in spec.columns if c.required} | {*spec.key_columns, spec.time_column} - {""}
    add(REQUIRED, Dimension.COMPLETENESS, len(needed))
    add(TYPE, Dimension.VALIDITY, sum(column.kind != "text" for column in spec.columns))
    add(RECORD, Dimension.VALIDITY, 1)
    add(PLACE, Dimension.ACCURACY, int(bool(spec.lon_column)))
    add(KEY, Dimension.UNIQUENESS, int(bool(spec.key_columns)))
    for rule in spec.rules:
        if rule.code in failures and (live or rule.kind != "timely"):
            add(rule.code, DIMENSION_OF[rule.kind], 1)
    return parts


def score_of(parts: Iterable[Part], weights: Mapping[str, int]) -> Score:
    """The dimensions that were measured, and the total."""
    rates: dict[str, list[float]] = {}
    for part in parts:
        if part.checked > 0:
            rates.setdefault(part.dimension, []).append(part.rate)
    dimensions = {
        str(one): 100 * sum(rates[one]) / len(rates[one]) for one in Dimension.values if one in rates
    }
    weight = sum(weights.get(one, 0) for one in dimensions)
    if not weight:
        return Score(dimensions, None)
    total = sum(value * weights.get(one, 0) for one, value in dimensions.items()) / weight
    return Score(dimensions, min(max(total, 0.0), 100.0))
