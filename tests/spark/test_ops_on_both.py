"""Every operation that a pattern may use gives the same, to the last bit, on DuckDB and on Spark.

Many awkward rows per question, few questions: each one is a job of the cluster.
"""

import math
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alerts.patterns import ops
from alerts.patterns.threshold import ThresholdParams, measured, telling
from tests.alerts.test_ops import MOMENTS

FEW = settings(
    max_examples=4,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],  # to shrink a failure would take hundreds of jobs
    suppress_health_check=list(HealthCheck),
)
# Around midnight in Shanghai, with fractions of a second, before 1970 and after 2038.
EDGES = [
    *(moment + timedelta(microseconds=us) for moment in MOMENTS for us in (-1, 0, 1, 499_999, 500_000)),
    datetime(1900, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2150, 6, 30, 16, 0, 0, 1, tzinfo=UTC),
]
moments = st.one_of(
    st.none(),
    st.sampled_from(EDGES),
    st.integers(694_224_000, 4_102_444_800).map(lambda t: datetime.fromtimestamp(t, UTC)),  # 1992 to 2100
)
floats = st.one_of(
    st.none(),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 0.1, 0.3, 75.0, 1e-9, 1e308, -1e308, 5e-324]),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.integers(-4000, 4000).map(lambda n: n / 10),
)
decimals = st.one_of(st.none(), st.decimals(-(10**12), 10**12, places=3, allow_nan=False))
measured_values = st.one_of(
    st.none(), st.sampled_from([math.nan, math.inf, -0.0]), st.integers(0, 4000).map(lambda n: n / 10)
)
rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "站", "", None]),
        st.integers(-5, 60).map(lambda n: n * 1800),
        moments,
        floats,
        floats,
        decimals,
        measured_values,
        st.booleans(),
    ),
    min_size=150,
    max_size=150,
)


def table_of(found):
    kinds = [
        pa.string(),
        pa.int64(),
        pa.timestamp("us", "UTC"),
        pa.float64(),
        pa.float64(),
        pa.decimal128(18, 3),
        pa.float64(),
        pa.bool_(),
    ]
    columns = [pa.array(column, kind) for column, kind in zip(zip(*found, strict=True), kinds, strict=True)]
    number = pa.array(range(len(found)), pa.int64())
    return ops.from_arrow(
        pa.table(
            [*columns, number, number], names=["s", "t", "at", "v", "w", "d", "m", "f", "_delivery", "_row"]
        )
    )


@FEW
@given(rows)
def test_operations_on_one_row(both, found):
    table = table_of(found)
    got = both.same_in_memory(
        table.select(
            "_row",
            number=ops.number(table.v),
            from_decimal=ops.number(table.d),
            quotient=ops.divide(ops.number(table.v), ops.number(table.w)),
            of_decimals=ops.divide(table.d, table.t),
            seconds=ops.seconds(table["at"]),
            hours=ops.hours_between(table.t, ops.seconds(table["at"])),
            day=ops.shanghai_day(ops.seconds(table["at"])),
            hour=ops.shanghai_hour(ops.seconds(table["at"])),
            text=ops.subject(table.s),
            text_of_number=ops.subject(table.t),
        )
    )
    shift = timedelta(hours=8)
    for row, given_row in zip(sorted(got, key=lambda r: r["_row"]), found, strict=True):
        _s, _t, at, v, _w, d, _m, _f = given_row
        assert row["number"] == (v if v is not None and math.isfinite(v) else None)
        assert row["from_decimal"] == (None if d is None else float(d))
        if at is not None:
            local = at + shift
            assert row["seconds"] == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
            assert row["day"] == (local.date() - date(1970, 1, 1)).days
            assert row["hour"] == local.hour


@FEW
@given(rows, st.sampled_from([1, 3, 24]))
def test_operations_on_windows(both, found, hours):
    """One row per subject and moment, as `measured` makes them before it looks along time."""
    one_each = {(row[0], row[1]): row for row in found if row[0] is not None}
    table = table_of(list(one_each.values()))
    table = table.mutate(m=ops.number(table.m))
    window = {"of": "s", "at": "t", "window_s": hours * ops.HOUR}
    got = both.same_in_memory(
        table.mutate(
            mean=ops.trailing_mean(table.m, **window),
            count=ops.trailing_count(table.m, **window),
            before=ops.previous(table.m, of="s", at="t"),
            hours=ops.hours_between(ops.previous(table.t, of="s", at="t"), table.t),
            hot_before=ops.previous(table.f, of="s", at="t"),
            first=ops.is_first(table, of="s", at="t"),
            last=ops.is_last(table, of="s", at="t"),
        )
    )
    for row in got:
        inside = [
            r["m"]
            for r in got
            if r["s"] == row["s"] and row["t"] - hours * ops.HOUR < r["t"] <= row["t"] and r["m"] is not None
        ]
        assert row["count"] == len(inside)
        if inside:  # exact arithmetic agrees to the millionth that is promised
            exact = sum(map(Decimal, inside), Decimal()) / len(inside)
            assert abs(Decimal(row["mean"]) - exact) < Decimal("0.00000051")


@FEW
@given(rows)
def test_the_latest_of_each_key(both, found):
    table = table_of(found)
    got = both.same_in_memory(ops.latest_per(table, ["s", "t"], ["_delivery", "_row"]))
    last = {(row[0], row[1]): number for number, row in enumerate(found)}
    assert {(r["s"], r["t"]): r["_row"] for r in got} == last


@FEW
@given(
    rows,
    st.fixed_dictionaries(
        {
            "direction": st.sampled_from(["above", "below"]),
            "inclusive": st.booleans(),
            "hours": st.sampled_from([0, 3]),
        }
    ),
)
def test_the_pattern_itself(both, found, how):
    below = how["direction"] == "below"
    bounds = (40.1, 30.0, 20.3, 10.0) if below else (10.0, 20.3, 30.0, 40.1)
    params = ThresholdParams(
        column="m",
        unit="u",
        aggregate="mean" if how["hours"] else "reading",
        window_hours=how["hours"],
        min_readings=2 if how["hours"] else 1,
        direction=how["direction"],
        inclusive=how["inclusive"],
        steps=[{"level": 4 - n, "bound": bound} for n, bound in enumerate(bounds)],
    )
    judged = measured(table_of(found), params, subject="s", time="at")
    both.same_in_memory(
        telling(judged).select("subject", "t", "value", "measure", "readings", "level", "hot", "_row")
    )


def test_a_mean_exactly_on_a_bound_is_on_it_on_both(both):
    """24 readings that add up to 24 times the bound in decimals, and to a little more or less in doubles."""
    chance = random.Random(5)
    groups = {}
    for n in range(40):
        tenths = [chance.randrange(4000) for _ in range(23)]
        groups[f"s{n}"] = [t / 10 for t in (*tenths, 24 * 750 - sum(tenths))]
    table = ops.from_arrow(
        pa.table(
            {
                "s": [s for s in groups for _ in range(24)],
                "t": [3600 * i for _ in groups for i in range(24)],
                "v": [v for own in groups.values() for v in own],
            }
        )
    )
    table = table.mutate(m=ops.trailing_mean(table.v, of="s", at="t", window_s=24 * ops.HOUR))
    got = both.same_in_memory(table.filter(table.t == 23 * 3600).select("s", "m"))
    assert {row["m"] for row in got} == {75.0}


def test_a_subject_is_text_or_a_whole_number(both):
    table = ops.from_arrow(pa.table({"x": [1.5]}))
    with pytest.raises(TypeError, match="x: a subject"):
        ops.subject(table.x)
