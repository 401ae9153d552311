"""The checks themselves, against plain Python on anything a source might write."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.checks.coerce import coerce, compose_times, naive_to_utc
from datahub.checks.keys import SeenKeys, key_hashes
from datahub.declare import DatasetSpec, MappingSpec
from datahub.lake.staging import shanghai_days
from tests.factories.datahub import READINGS

PLAIN = MappingSpec()
SHANGHAI = ZoneInfo("Asia/Shanghai")
moments = st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2150-01-01")).map(
    lambda d: d.replace(microsecond=0)
)


def values(array):
    return array[0].to_pylist()


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=6))))
def test_numbers_are_what_python_reads_and_nothing_else(cells):
    written = [None if c is None else repr(c) if isinstance(c, float) else c for c in cells]
    array, misfits = coerce(pa.array(written, pa.string()), "number", PLAIN)
    bad = misfits if misfits is not None else np.zeros(len(written), dtype=bool)
    for cell, text, got, wrong in zip(cells, written, array.to_pylist(), bad, strict=True):
        if text is None or text in PLAIN.null_tokens:
            assert (got, wrong) == (None, False)
        elif isinstance(cell, float):
            assert (got, wrong) == (cell, False)
        elif wrong:
            assert got is None
        else:
            assert float(text.strip()) == got


@given(st.lists(st.integers(-(10**17), 10**17)))
def test_whole_numbers_survive(numbers):
    assert values(coerce(pa.array([str(n) for n in numbers], pa.string()), "integer", PLAIN)) == numbers


@given(st.lists(moments, min_size=1))
def test_local_times_become_utc_as_the_time_zone_table_says(times):
    local = naive_to_utc(pa.array(times, pa.timestamp("us")), "Asia/Shanghai").to_pylist()
    for time, got in zip(times, local, strict=True):
        wanted = time.replace(tzinfo=SHANGHAI).astimezone(UTC)
        # In the hour that summer time swallowed or repeated both readings are right.
        assert abs(got - wanted) <= timedelta(hours=1)
        if time.year >= 1992:
            assert got == wanted


@given(st.lists(moments, min_size=1))
def test_the_day_is_that_of_shanghai(times):
    utc = [time.replace(tzinfo=UTC) for time in times]
    days = shanghai_days(pa.array(utc, pa.timestamp("us", "UTC")))
    assert [date(1970, 1, 1) + timedelta(days=int(d)) for d in days] == [
        t.astimezone(SHANGHAI).date() for t in utc
    ]


@given(moments.filter(lambda t: t.year > 1991))
@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H:%M:%S", "%Y%m%d%H%M%S"]
)
def test_times_are_read_in_the_forms_that_sources_use(form, time):
    text = pa.array([time.strftime(form), "not a time"], pa.string())
    array, misfits = coerce(text, "time", PLAIN)
    assert array.to_pylist() == [time.replace(tzinfo=SHANGHAI).astimezone(UTC), None]
    assert misfits.tolist() == [False, True]


def test_an_offset_in_the_text_wins_over_the_mapping():
    text = pa.array(["2026-11-20T12:00:00+08:00", "2026-11-20 04:00:00Z", "2026-11-20 12:00"], pa.string())
    assert set(values(coerce(text, "time", PLAIN))) == {datetime(2026, 11, 20, 4, tzinfo=UTC)}


@given(st.tuples(*[st.integers(-5, 5000)] + [st.integers(-2, 70)] * 5))
def test_composed_times_are_those_that_exist(parts):
    array, misfits = compose_times([pa.array([p]) for p in parts], MappingSpec(timezone="UTC"))
    try:
        wanted = datetime(*parts, tzinfo=UTC) if 1800 <= parts[0] <= 2200 else None
    except ValueError:
        wanted = None
    assert array.to_pylist() == [wanted]
    assert (misfits is not None) == (wanted is None)


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 30)), min_size=1, max_size=20), max_size=12)
)
def test_repeated_keys_are_found_across_batches(batches):
    seen, known = SeenKeys(), set()
    for batch in batches:
        names = pa.array([f"s{a}" for a, _ in batch])
        times = pa.array([b for _, b in batch], pa.timestamp("us", "UTC"))
        hashes = key_hashes([names, times])
        span = (min(b for _, b in batch), max(b for _, b in batch))
        got = seen.repeated(hashes, np.sort(hashes), span)
        wanted = []
        for key in batch:
            wanted.append(key in known)
            known.add(key)
        assert (got.tolist() if got is not None else [False] * len(batch)) == wanted


@pytest.mark.parametrize(("change", "words"), [
    ({"time_column": "when"}, "no such column"),
    ({"time_column": "value"}, "holds no times"),
    ({"lat_column": ""}, "longitude needs a latitude"),
    ({"columns": (*READINGS.columns, READINGS.columns[0])}, "declared twice"),
])  # fmt: skip
def test_a_declaration_that_does_not_fit_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        DatasetSpec.model_validate(READINGS.model_copy(update=change).model_dump())
