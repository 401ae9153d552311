"""Pattern `threshold`: a measure passes a bound and stays past it.

One expression (`measured`) gives every use the same numbers: a batch on arrival, a window of the
lake, years of history. What follows from the numbers over time is in `episodes.py`.
"""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import BaseModel, ConfigDict, Field, model_validator

from . import ops

NAME = "threshold"
NONE = 9  # a level milder than every level: 1 is the gravest, 4 the mildest


class Step(BaseModel):
    """From this bound on the alert has this level. bound: in the unit of the parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    level: int = Field(ge=1, le=4)
    bound: float = Field(allow_inf_nan=False)


class ThresholdParams(BaseModel):
    """What a threshold detector needs to know.

    column, unit: which column is measured and in what.
    aggregate: `reading` takes each row as it comes; `mean` the mean of the last `window_hours`,
        where at least `min_readings` of them are usable.
    direction, inclusive: which side of a bound is trouble, and whether the bound itself is.
    clear_at: back at this value or on its safe side the alert clears (default: the mildest bound).
    hold_readings, hold_minutes: so many readings in a row, spanning at least so long, before a
        level counts. A reading without a number neither counts nor breaks the row.
    cooldown_minutes: after clearing, an equal or milder alert waits so long.
    max_gap_minutes: after a longer silence the hold starts anew; nobody knows what was in between.
    silence_minutes: a subject silent for longer has *no data*.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    unit: str
    aggregate: Literal["reading", "mean"] = "reading"
    window_hours: int = Field(default=0, ge=0, le=24 * 31)
    min_readings: int = Field(default=1, ge=1)
    direction: Literal["above", "below"] = "above"
    inclusive: bool = False
    steps: tuple[Step, ...] = Field(min_length=1)
    clear_at: float | None = Field(default=None, allow_inf_nan=False)
    hold_readings: int = Field(default=1, ge=1)
    hold_minutes: int = Field(default=0, ge=0)
    cooldown_minutes: int = Field(default=0, ge=0)
    max_gap_minutes: int = Field(default=180, ge=1)
    silence_minutes: int = Field(default=180, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> ThresholdParams:
        graver_first = sorted(self.steps, key=lambda s: s.level)
        levels = [s.level for s in graver_first]
        if len(set(levels)) != len(levels):
            raise ValueError("each level may have one bound only")
        outward = [s.bound * self.sign for s in graver_first]
        if any(graver <= milder for graver, milder in zip(outward, outward[1:], strict=False)):
            raise ValueError("a graver level needs a bound further out than a milder one")
        if self.clear_at is not None and self.clear_at * self.sign > outward[-1]:
            raise ValueError("the clear threshold must not lie beyond the mildest bound")
        if (self.aggregate == "mean") != (self.window_hours > 0):
            raise ValueError("a mean needs window_hours, and a single reading takes none")
        return self

    @property
    def sign(self) -> int:
        """1 where high values are trouble, -1 where low ones are."""
        return 1 if self.direction == "above" else -1

    @property
    def mildest(self) -> Step:
        return max(self.steps, key=lambda s: s.level)

    @property
    def clears_at(self) -> float:
        return self.mildest.bound if self.clear_at is None else self.clear_at

    @property
    def on_arrival(self) -> bool:
        """Whether single rows are enough, so that a batch is judged the moment it comes."""
        return self.aggregate == "reading"

    @property
    def lookback_hours(self) -> int:
        """How much earlier a window run must begin to judge its first row as it should."""
        return self.window_hours + (self.hold_minutes + self.cooldown_minutes) // 60 + 24


def past(measure: ir.FloatingValue, bound: float, params: ThresholdParams) -> ir.BooleanValue:
    """Whether the measure lies on the trouble side of a bound."""
    if params.direction == "above":
        return measure >= bound if params.inclusive else measure > bound
    return measure <= bound if params.inclusive else measure < bound


def level_of(measure: ir.FloatingValue, params: ThresholdParams) -> ir.IntegerValue:
    """The gravest level whose bound is passed, NONE where none is."""
    level: ir.IntegerValue = ibis.literal(NONE, type="int8")
    for step in sorted(params.steps, key=lambda s: -s.level):
        level = ibis.ifelse(past(measure, step.bound, params), ibis.literal(step.level, type="int8"), level)
    return level


def measured(rows: ir.Table, params: ThresholdParams, *, subject: str, time: str) -> ir.Table:
    """Every usable reading with its measure and level.

    Adds: subject, t (seconds, UTC), value (the reading), measure (what is judged), readings (how
    many it rests on), level (1-4, NONE), hot (not yet back at the clear threshold).
    A row without subject, time or number is no reading; the same moment twice counts as the later
    delivery says.
    """
    table = rows.mutate(
        subject=ops.subject(rows[subject]), t=ops.seconds(rows[time]), value=ops.number(rows[params.column])
    )
    table = table.filter(table.subject.notnull(), table.t.notnull())
    table = ops.latest_per(table, ["subject", "t"], ["_delivery", "_row"])
    table = table.filter(table.value.notnull())
    if params.aggregate == "mean":
        window_s = params.window_hours * ops.HOUR
        table = table.mutate(
            measure=ops.trailing_mean(table.value, of="subject", at="t", window_s=window_s),
            readings=ops.trailing_count(table.value, of="subject", at="t", window_s=window_s),
        )
        table = table.filter(table.readings >= params.min_readings)
    else:
        table = table.mutate(measure=table.value, readings=ibis.literal(1, type="int64"))
    beyond_clear = table.measure > params.clears_at if params.sign > 0 else table.measure < params.clears_at
    level = level_of(table.measure, params)
    return table.mutate(level=level, hot=beyond_clear | (level != NONE))


def telling(measures: ir.Table) -> ir.Table:
    """Only the readings that can change anything: hot ones, the first cool one after, and the ends.

    A quiet city is dropped inside the engine; Python sees the excursions.
    """
    before = ops.previous(measures.hot, of="subject", at="t")
    first = ops.is_first(measures, of="subject", at="t")
    last = ops.is_last(measures, of="subject", at="t")
    marked = measures.mutate(_keep=measures.hot | before.fill_null(True) | first | last)
    return marked.filter(marked._keep).drop("_keep").order_by(["subject", "t"])
