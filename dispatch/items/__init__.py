"""The accountability items: one module with one small query each, and how rows become a score."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from . import xw01, xw02, xw07, xw10, xw17, xw18, xw25
from .reading import Period, Row, taken_out
from .rules import ITEMS, Item

Query = Callable[[Collection[str], Period, datetime], list[Row]]
QUERIES: dict[str, Query] = {
    "XW-01": xw01.rows,
    "XW-02": xw02.rows,
    "XW-07": xw07.rows,
    "XW-10": xw10.rows,
    "XW-17": xw17.rows,
    "XW-18": xw18.rows,
    "XW-25": xw25.rows,
}


@dataclass(frozen=True)
class ItemScore:
    """One item of one unit. value: percent or hours, None without rows; score: None below the sample."""

    item: Item
    org_code: str
    numerator: float
    denominator: int
    value: float | None
    score: float | None
    rows: list[Row] = field(repr=False, default_factory=list)

    @property
    def code(self) -> str:
        return self.item.code

    @property
    def full_score(self) -> float:
        return self.item.full_score

    @property
    def enough(self) -> bool:
        return self.denominator >= self.item.min_sample

    @property
    def rate(self) -> float | None:
        """The share between 0 and 1, for items that are one."""
        return self.numerator / self.denominator if self.denominator and self.item.unit == "%" else None


def rows_of(code: str, units: Collection[str], period: Period, as_of: datetime) -> list[Row]:
    """The rows behind an item, without orders that a recorded review took out of it."""
    found = QUERIES[code](units, period, as_of)
    out = taken_out(code, units)
    return [row for row in found if row.order_id not in out] if out else found


def score_of(item: Item, org_code: str, rows: Iterable[Row]) -> ItemScore:
    """What rows are worth: a rate by their shares, or the median of their values."""
    rows = list(rows)
    if not rows:
        return ItemScore(item, org_code, 0, 0, None, None)
    if item.unit == "%":
        numerator = sum(row.share for row in rows)
        value = 100 * numerator / len(rows)
    else:
        value = numerator = median(row.value for row in rows if row.value is not None)
    enough = len(rows) >= item.min_sample
    score = round(item.full_score * item.rule.share(value), 4) if enough else None
    return ItemScore(item, org_code, numerator, len(rows), value, score, rows)


__all__ = ["ITEMS", "QUERIES", "Item", "ItemScore", "Period", "Row", "rows_of", "score_of"]
