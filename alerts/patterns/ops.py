"""The operations that patterns may use, and no others.

DuckDB and Spark differ in hour differences, division by zero, not-a-number and window frames over
timestamps. Each function here is written so that both give the same answer, and is property-tested
with nulls, zeros, not-a-number, ties and midnight in Shanghai (tests/alerts/test_ops.py).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pyarrow as pa

HOUR = 3600


def number(column: ir.Value) -> ir.FloatingValue:
    """The reading as a double; null where it is null, not a number or infinite."""
    value = column.cast("float64")
    usable = value.notnull() & ~value.isnan() & ~value.isinf()
    return ibis.ifelse(usable, value, ibis.null().cast("float64"))


def seconds(moment: ir.TimestampValue) -> ir.IntegerValue:
    """Seconds since 1970 in UTC: integers order, subtract and frame alike on every engine."""
    return moment.epoch_seconds().cast("int64")


def divide(upper: ir.NumericValue, lower: ir.NumericValue) -> ir.FloatingValue:
    """The quotient; null, not infinity or an error, where the divisor is zero."""
    return upper.cast("float64") / lower.cast("float64").nullif(0.0)


def hours_between(earlier: ir.IntegerValue, later: ir.IntegerValue) -> ir.FloatingValue:
    """Hours from one moment (seconds) to another, with the fraction; never whole-hour boundaries."""
    return (later - earlier).cast("float64") / float(HOUR)


def trailing_mean(value: ir.FloatingValue, *, of: str, at: str, window_s: int) -> ir.FloatingValue:
    """The mean of the usable readings of the last `window_s` seconds, this moment included.

    of: the column that names the subject; at: the column of seconds. Both ends count as the
    field counts hours: the mean at 08:00 over 24 h takes 09:00 yesterday to 08:00 today.
    """
    return value.mean().over(_trailing(of, at, window_s))


def trailing_count(value: ir.FloatingValue, *, of: str, at: str, window_s: int) -> ir.IntegerValue:
    """How many usable readings the same window holds."""
    return value.count().over(_trailing(of, at, window_s))


def _trailing(of: str, at: str, window_s: int) -> ibis.expr.builders.WindowBuilder:
    return ibis.range_window(group_by=of, order_by=at, preceding=window_s - 1, following=0)


def previous(value: ir.Value, *, of: str, at: str) -> ir.Value:
    """The value of the reading before, of the same subject; null at the first."""
    return value.lag().over(ibis.window(group_by=of, order_by=at))


def is_first(table: ir.Table, *, of: str, at: str) -> ir.BooleanValue:
    """Whether the row is the subject's first in this table."""
    return ibis.row_number().over(ibis.window(group_by=of, order_by=table[at])) == 0


def is_last(table: ir.Table, *, of: str, at: str) -> ir.BooleanValue:
    """Whether the row is the subject's last in this table."""
    return ibis.row_number().over(ibis.window(group_by=of, order_by=table[at].desc())) == 0


def latest_per(table: ir.Table, keys: list[str], newest_by: list[str]) -> ir.Table:
    """One row per key: a reading delivered again replaces the one before it."""
    order = [table[name].desc() for name in newest_by]
    rank = ibis.row_number().over(ibis.window(group_by=keys, order_by=order))
    return table.mutate(_rank=rank).filter(lambda t: t._rank == 0).drop("_rank")


def from_arrow(rows: pa.Table) -> ir.Table:
    """An arrow batch as a table of the same expressions that read the lake."""
    return ibis.memtable(rows)
