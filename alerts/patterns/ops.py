"""The operations that patterns may use, and no others.

DuckDB and Spark differ in hour differences, division by zero, infinity, fractions of a second, the last
digits of a mean and window frames over timestamps. Each function here is written so that both give the
same answer, and is property-tested with nulls, zeros, not-a-number, ties, decimals and midnight in
Shanghai, on DuckDB in tests/alerts/test_ops.py and on both in tests/spark.
"""

from __future__ import annotations

import sys

import ibis
import ibis.expr.types as ir
import pyarrow as pa

HOUR = 3600
DAY = 24 * HOUR
SHANGHAI_S = 8 * HOUR  # Shanghai has stood at +08:00 since September 1991
LARGEST = sys.float_info.max
MEAN_DECIMALS = 6


def subject(column: ir.Value) -> ir.StringValue:
    """A subject's name as text. Raises TypeError for kinds that engines write differently."""
    if not (column.type().is_string() or column.type().is_integer()):
        raise TypeError(f"{column.get_name()}: a subject is text or a whole number, not {column.type()}")
    return column.cast("string")


def number(column: ir.Value) -> ir.FloatingValue:
    """The reading as a double; null where it is null, not a number or infinite."""
    value = column.cast("float64")
    # By size: Spark has no test for infinity, and for both not-a-number is greater than every number.
    usable = value.notnull() & (value.abs() <= LARGEST)
    return ibis.ifelse(usable, value, ibis.null().cast("float64"))


def seconds(moment: ir.TimestampValue) -> ir.IntegerValue:
    """Whole seconds since 1970 in UTC: integers order, subtract and frame alike on every engine.

    A fraction is cut off, also before 1970 and also where an engine would round it up.
    """
    return moment.truncate("s").epoch_seconds().cast("int64")


def shanghai_day(at: ir.IntegerValue) -> ir.IntegerValue:
    """Days since 1970 of a moment (seconds) as Shanghai counts them; for moments since 1992."""
    return ((at + SHANGHAI_S).cast("float64") / float(DAY)).floor().cast("int64")


def shanghai_hour(at: ir.IntegerValue) -> ir.IntegerValue:
    """The hour of the day in Shanghai, 0 to 23, of a moment (seconds) since 1992."""
    local = at + SHANGHAI_S
    return (local.cast("float64") / float(HOUR)).floor().cast("int64") - shanghai_day(at) * 24


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
    Given to a millionth: engines add in different orders, and what lies exactly on a bound must
    not pass it by the fifteenth digit.
    """
    return value.mean().over(_trailing(of, at, window_s)).round(MEAN_DECIMALS)


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
