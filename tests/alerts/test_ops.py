"""Each operation that a pattern may use gives what plain Python gives, on awkward values too."""

import math
from datetime import UTC, datetime, timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.patterns import ops

CON = ibis.duckdb.connect()
# One second before and at midnight in Shanghai, a leap day, a summer day.
MOMENTS = [
    datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC),
    datetime(2026, 11, 20, 16, 0, 0, tzinfo=UTC),
    datetime(2024, 2, 29, 16, 0, 0, tzinfo=UTC),
    datetime(2013, 7, 1, 0, 0, 0, tzinfo=UTC),
]
values = st.one_of(
    st.none(),
    st.just(math.nan),
    st.just(math.inf),
    st.just(-math.inf),
    st.just(0.0),
    st.just(-0.0),
    st.floats(-1e6, 1e6, allow_nan=False),
)
rows = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 60), values),
    min_size=1,
    max_size=40,
    unique_by=lambda r: (r[0], r[1]),
)


def usable(value):
    return value is not None and math.isfinite(value)


def table_of(found):
    return ops.from_arrow(
        pa.table(
            {
                "s": pa.array([r[0] for r in found]),
                "t": pa.array([r[1] * 1800 for r in found], pa.int64()),
                "v": pa.array([r[2] for r in found], pa.float64()),
            }
        )
    )


@settings(max_examples=40, deadline=None)
@given(rows)
def test_number_keeps_numbers_and_drops_everything_else(found):
    table = table_of(found)
    got = CON.to_pyarrow(table.select("s", "t", n=ops.number(table.v))).to_pylist()
    kept = {(r["s"], r["t"]): r["n"] for r in got}
    for subject, at, value in found:
        assert kept[subject, at * 1800] == (value if usable(value) else None)


@settings(max_examples=40, deadline=None)
@given(rows, st.sampled_from([1, 2, 24]))
def test_trailing_mean_and_count_equal_python(found, hours):
    table = table_of(found)
    table = table.mutate(v=ops.number(table.v))
    window = {"of": "s", "at": "t", "window_s": hours * ops.HOUR}
    got = CON.to_pyarrow(
        table.mutate(m=ops.trailing_mean(table.v, **window), n=ops.trailing_count(table.v, **window))
    ).to_pylist()
    for row in got:
        inside = [
            v
            for s, at, v in found
            if s == row["s"] and row["t"] - hours * 3600 < at * 1800 <= row["t"] and usable(v)
        ]
        assert row["n"] == len(inside)
        assert row["m"] == (pytest.approx(sum(inside) / len(inside), rel=1e-9, abs=1e-6) if inside else None)


@pytest.mark.parametrize("moment", MOMENTS)
def test_seconds_are_utc_whatever_the_zone_of_the_column(moment):
    for zone in ("UTC", "Asia/Shanghai"):
        table = ops.from_arrow(pa.table({"at": pa.array([moment], pa.timestamp("us", zone))}))
        assert CON.to_pyarrow(table.select(t=ops.seconds(table.at)))["t"].to_pylist() == [
            int(moment.timestamp())
        ]


@pytest.mark.parametrize(
    ("upper", "lower", "want"), [(1.0, 0.0, None), (0.0, 0.0, None), (6.0, 4.0, 1.5), (None, 2.0, None)]
)
def test_division_by_zero_is_nothing(upper, lower, want):
    table = ops.from_arrow(
        pa.table({"a": pa.array([upper], pa.float64()), "b": pa.array([lower], pa.float64())})
    )
    assert CON.to_pyarrow(table.select(q=ops.divide(table.a, table.b)))["q"].to_pylist() == [want]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_hours_between_are_exact_not_boundaries_crossed(a, b):
    table = ops.from_arrow(pa.table({"a": pa.array([a], pa.int64()), "b": pa.array([b], pa.int64())}))
    got = CON.to_pyarrow(table.select(h=ops.hours_between(table.a, table.b)))["h"].to_pylist()[0]
    assert got == pytest.approx(timedelta(seconds=b - a) / timedelta(hours=1))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(1, 9), st.integers(1, 9)),
        min_size=1,
        max_size=20,
        unique_by=lambda r: (r[2], r[3]),
    )
)
def test_the_later_delivery_wins_a_tie(found):
    table = ops.from_arrow(
        pa.table(
            {
                "s": [r[0] for r in found],
                "t": [r[1] for r in found],
                "_delivery": [r[2] for r in found],
                "_row": [r[3] for r in found],
            }
        )
    )
    got = CON.to_pyarrow(ops.latest_per(table, ["s", "t"], ["_delivery", "_row"])).to_pylist()
    want = {}
    for s, t, delivery, row in sorted(found, key=lambda r: (r[2], r[3])):
        want[s, t] = (delivery, row)
    assert {(r["s"], r["t"]): (r["_delivery"], r["_row"]) for r in got} == want
