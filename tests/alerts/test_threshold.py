"""The pattern threshold: levels, hold, clear threshold, cooldown, gaps; the engine and the fold together."""

import math
from datetime import UTC, datetime

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.patterns import ops
from alerts.patterns.episodes import Reading, Track, changes, episodes, step
from alerts.patterns.threshold import NONE, ThresholdParams, measured, telling

CON = ibis.duckdb.connect()
HOUR = 3600
STEPS = (
    {"level": 4, "bound": 10},
    {"level": 3, "bound": 20},
    {"level": 2, "bound": 30},
    {"level": 1, "bound": 40},
)


def params(**changed):
    return ThresholdParams.model_validate({"column": "v", "unit": "u", "steps": STEPS, **changed})


def level(value, p):
    passed = [
        s.level for s in p.steps if (value - s.bound) * p.sign > 0 or (p.inclusive and value == s.bound)
    ]
    return min(passed, default=NONE)


def reading(hour, value, p, *, live=False):
    hot = (value - p.clears_at) * p.sign > 0 or level(value, p) != NONE
    return Reading(hour * HOUR, value, value, level(value, p), hot, 1, hour + 1, live=live)


def series(values, p):
    return [reading(hour, value, p) for hour, value in enumerate(values) if value is not None]


def brief(found):
    return [
        (e.started // HOUR, e.raised.t // HOUR, e.level, e.cleared.t // HOUR if e.cleared else None)
        for e in found
    ]


@pytest.mark.parametrize(
    ("changed", "values", "want"),
    [
        pytest.param(
            {}, [5, 12, 25, 9], [(1, 1, 3, 3)], id="rises to the gravest level, clears at the mildest bound"
        ),
        pytest.param({}, [10, 10, 10], [], id="the bound itself is still within"),
        pytest.param({"inclusive": True}, [10, 9], [(0, 0, 4, 1)], id="unless it is said to count"),
        pytest.param(
            {"hold_readings": 3},
            [12, 12, 5, 12, 12, 12],
            [(3, 5, 4, None)],
            id="the hold counts readings in a row",
        ),
        pytest.param({"hold_minutes": 120}, [12, 12, 12], [(0, 2, 4, None)], id="the hold counts minutes"),
        pytest.param({"hold_readings": 2}, [12, 45, 12], [(0, 1, 4, None)], id="each level has its own hold"),
        pytest.param({"hold_readings": 2}, [12, 45, 45], [(0, 1, 1, None)], id="and rises when that is met"),
        pytest.param(
            {"hold_readings": 2},
            [12, None, 12],
            [(0, 2, 4, None)],
            id="a reading without a number breaks nothing",
        ),
        pytest.param(
            {"hold_readings": 2, "max_gap_minutes": 60},
            [12, None, 12, 12],
            [(2, 3, 4, None)],
            id="a long silence does",
        ),
        pytest.param(
            {"clear_at": 6},
            [12, 8, 7, 12, 6, 12],
            [(0, 0, 4, 4), (5, 5, 4, None)],
            id="between the bounds it stays open",
        ),
        pytest.param(
            {"cooldown_minutes": 180},
            [12, 5, 12, 5, 12],
            [(0, 0, 4, 1), (4, 4, 4, None)],
            id="cooldown silences an equal one",
        ),
        pytest.param(
            {"cooldown_minutes": 180}, [12, 5, 25], [(0, 0, 4, 1), (2, 2, 3, None)], id="but not a graver one"
        ),
        pytest.param(
            {"cooldown_minutes": 180},
            [12, 5, 12, 12, 12],
            [(0, 0, 4, 1), (2, 4, 4, None)],
            id="nor one that outlasts it",
        ),
    ],
)
def test_what_becomes_of_a_series(changed, values, want):
    p = params(**changed)
    assert brief(episodes(series(values, p), p)) == want


def test_low_values_can_be_trouble():
    p = params(direction="below", steps=[{"level": 4, "bound": 5}, {"level": 1, "bound": 1}], clear_at=7)
    assert brief(episodes(series([9, 4, 0.5, 6, 8], p), p)) == [(1, 1, 1, 4)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": []},
        {"steps": [{"level": 4, "bound": 20}, {"level": 3, "bound": 10}]},
        {"steps": [{"level": 4, "bound": 10}, {"level": 4, "bound": 20}]},
        {"steps": [{"level": 5, "bound": 10}]},
        {"clear_at": 11},
        {"aggregate": "mean"},
        {"window_hours": 24},
        {"hold_readings": 0},
        {"unknown": 1},
        {"clear_at": math.nan},
    ],
)
def test_parameters_that_contradict_themselves_are_refused(wrong):
    with pytest.raises(ValidationError):
        params(**wrong)


settings_of = st.fixed_dictionaries(
    {
        "hold_readings": st.integers(1, 3),
        "hold_minutes": st.sampled_from([0, 60, 120]),
        "cooldown_minutes": st.sampled_from([0, 120, 300]),
        "clear_at": st.sampled_from([None, 10, 8, 5]),
        "max_gap_minutes": st.sampled_from([60, 180]),
        "inclusive": st.booleans(),
    }
)
values_of = st.lists(
    st.one_of(st.none(), st.sampled_from([0, 5, 8, 10, 10.5, 20, 25, 30, 31, 40, 50])), max_size=40
)


@settings(max_examples=150, deadline=None)
@given(settings_of, values_of)
def test_promises_that_hold_for_every_series(changed, values):
    p = params(**changed)
    own = series(values, p)
    found = episodes(own, p)
    by_time = {r.t: r for r in own}
    end = -1
    for episode in found:
        assert episode.started <= episode.raised.t
        assert episode.started > end  # stays never overlap
        inside = [r for r in own if episode.started <= r.t <= episode.raised.t]
        assert len(inside) >= p.hold_readings
        assert all(r.level != NONE for r in inside)  # the hold is unbroken
        assert inside[-1].t - inside[0].t >= p.hold_minutes * 60
        assert all(b.t - a.t <= p.max_gap_minutes * 60 for a, b in zip(inside, inside[1:], strict=False))
        assert episode.level == min([episode.raised_level, *[r.level for r in episode.rises]])
        assert episode.peak.measure == max(
            r.measure
            for r in own
            if episode.started <= r.t <= (episode.cleared.t if episode.cleared else 10**12)
        )
        if episode.cleared:
            assert not by_time[episode.cleared.t].hot
            end = episode.cleared.t
            stay = [r for r in own if episode.raised.t <= r.t < episode.cleared.t]
            assert all(r.hot for r in stay)
        else:
            assert episode is found[-1]
    for before, after in zip(found, found[1:], strict=False):
        waited = after.raised.t - before.cleared.t >= p.cooldown_minutes * 60
        assert waited or after.raised_level < before.level


@settings(max_examples=100, deadline=None)
@given(settings_of, values_of, st.lists(st.integers(1, 39), max_size=4))
def test_batches_cut_anywhere_and_a_memory_through_json_change_nothing(changed, values, cuts):
    p = params(**changed)
    own = series(values, p)
    whole = [(c.action, c.reading.t, c.level) for c in changes(Track(), own, p)]
    parts, track = [], Track()
    edges = [0, *sorted({min(c, len(own)) for c in cuts}), len(own)]
    for a, b in zip(edges, edges[1:], strict=False):
        track = Track.from_json(track.to_json())
        parts += [(c.action, c.reading.t, c.level) for c in changes(track, own[a:b], p)]
    assert parts == whole


def arrow(rows):
    return pa.table(
        {
            "s": pa.array([r[0] for r in rows], pa.string()),
            "at": pa.array(
                [None if r[1] is None else datetime.fromtimestamp(r[1] * HOUR, UTC) for r in rows],
                pa.timestamp("us", "UTC"),
            ),
            "v": pa.array([r[2] for r in rows], pa.float64()),
            "_delivery": pa.array([r[3] for r in rows], pa.int64()),
            "_row": pa.array(range(1, len(rows) + 1), pa.int64()),
        }
    )


def judge(rows, p, *, only_telling=True):
    table = measured(ops.from_arrow(arrow(rows)), p, subject="s", time="at")
    got = CON.to_pyarrow((telling(table) if only_telling else table).order_by(["subject", "t"])).to_pylist()
    found: dict[str, list[Reading]] = {}
    for r in got:
        found.setdefault(r["subject"], []).append(
            Reading(r["t"], r["value"], r["measure"], r["level"], r["hot"], r["_delivery"], r["_row"])
        )
    return found


awkward = st.one_of(
    st.none(), st.just(math.nan), st.just(math.inf), st.sampled_from([0.0, 5.0, 8.0, 10.0, 12.0, 25.0, 41.0])
)


@settings(max_examples=60, deadline=None)
@given(
    settings_of,
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 30), awkward, st.integers(1, 2)), max_size=60
    ),
)
def test_the_engine_and_plain_python_agree(changed, rows):
    """Nulls, not-a-number, infinities, ties (the later delivery and row win), unsorted, quiet rows dropped."""
    p = params(**changed)
    found = judge(rows, p)
    last: dict[tuple[str, int], tuple[int, int, float | None]] = {}
    for number, (subject, hour, value, delivery) in enumerate(rows, 1):
        key = (subject, hour)
        if key not in last or (delivery, number) > last[key][:2]:
            last[key] = (delivery, number, value)
    for subject in ("a", "b"):
        own = [
            reading(hour, value, p)
            for (s, hour), (_d, _n, value) in sorted(last.items(), key=lambda i: i[0][1])
            if s == subject and value is not None and math.isfinite(value)
        ]
        assert brief(episodes(found.get(subject, []), p)) == brief(episodes(own, p))


def test_a_mean_needs_enough_readings_and_takes_both_ends_as_the_field_counts():
    p = params(aggregate="mean", window_hours=3, min_readings=2)
    rows = [("a", 0, 30.0, 1), ("a", 1, None, 1), ("a", 2, 6.0, 1), ("a", 3, 9.0, 1)]
    got = judge(rows, p, only_telling=False)["a"]
    # 02:00 rests on 00:00 and 02:00; 03:00 on 02:00 and 03:00; 00:00 alone is too little.
    assert [(r.t // HOUR, r.measure) for r in got] == [(2, 18.0), (3, 7.5)]


def test_a_row_without_subject_or_time_is_no_reading():
    assert judge([(None, 1, 99.0, 1), ("a", None, 99.0, 1)], params()) == {}


def test_a_stay_that_began_in_the_past_calls_at_its_first_live_reading():
    p = params()
    own = [reading(0, 12, p), reading(1, 25, p), reading(2, 12, p, live=True), reading(3, 5, p, live=True)]
    (episode,) = episodes(own, p)
    assert (episode.started, episode.raised.t, episode.alarm.t) == (0, 0, 2 * HOUR)


def test_a_closed_bound_is_acted_on_once():
    p, track = params(), Track()
    assert step(track, reading(0, 12, p), p).action == "raise"
    assert step(track, reading(1, 13, p), p) is None
