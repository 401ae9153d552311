"""Clocks on the working calendar: how long, until when, and what a hold does to them."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city import calendar
from dispatch import clocks
from dispatch.clocks import deadlines, pick, run, shift
from dispatch.models import ClockRule

UNITS = ["minutes", "working_minutes", "working_days"]
START = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(min_value=0, max_value=330 * 24 * 60).map(
    lambda minutes: START + timedelta(minutes=minutes)
)
amounts = st.integers(min_value=1, max_value=40)
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=20))


@pytest.fixture(autouse=True)
def plain_calendar(monkeypatch):
    """Office hours without a table: weekdays. Hypothesis runs many examples, so no database."""
    plain = calendar._Calendar(read=float("inf"))
    monkeypatch.setattr(calendar, "_known", plain)
    monkeypatch.setattr(calendar, "_calendar", lambda: plain)


def case(**kwargs):
    given_values = {"kind": "ticket", "request_type": "", "urgency": "normal", "level": None}
    return SimpleNamespace(**(given_values | kwargs))


@given(moments, amounts, st.sampled_from(UNITS))
def test_a_clock_ends_later_than_it_starts_and_never_earlier_with_more_time(at, amount, unit):
    assert at < run(at, amount, unit) <= run(at, amount + 1, unit)


@given(moments, st.integers(min_value=1, max_value=3000))
def test_working_minutes_are_what_lies_between(at, minutes):
    assert calendar.working_minutes_between(at, run(at, minutes, "working_minutes")) == minutes


@given(moments, amounts, st.sampled_from(UNITS), spans, spans)
def test_a_hold_never_brings_a_deadline_nearer_and_a_passed_one_stays_passed(at, amount, unit, until, length):
    due = run(at, amount, unit)
    held = at + until
    after = shift(due, unit, held, held + length)
    assert after >= due
    if held >= due:
        assert after == due


@given(moments, amounts, st.sampled_from(UNITS), spans, spans)
def test_after_a_hold_at_least_as_much_is_left_as_before(at, amount, unit, until, length):
    due = run(at, amount, unit)
    held = at + until
    if held >= due:
        return
    released = held + length
    after = shift(due, unit, held, released)
    if unit == "minutes":
        assert after - released == due - held
    else:
        left_before = calendar.working_minutes_between(held, due)
        left_after = calendar.working_minutes_between(released, after)
        # max() keeps a deadline that fell outside office hours; it never takes a working minute away.
        assert left_after >= left_before


@given(moments, st.integers(min_value=0, max_value=10))
def test_an_extension_moves_handling_only(at, days):
    rules = clocks_of(case())
    before = due_of(rules, at)
    after = due_of(rules, at, extended_days=days)
    assert (before.sign, before.contact) == (after.sign, after.contact)
    assert after.handle >= before.handle
    if days:
        assert after.handle > before.handle


@given(moments, moments)
def test_a_new_round_moves_handling_only(dispatched, redone):
    rules = clocks_of(case())
    first = due_of(rules, dispatched)
    second = due_of(rules, dispatched, round_started_at=redone)
    assert (first.sign, first.contact) == (second.sign, second.contact)
    assert second.handle == run(redone, 5, "working_days")


def clocks_of(of):
    found = {name: pick(clocks.DEFAULTS, name, of) for name in ("sign", "contact", "handle", "return")}
    return {name: {"amount": rule.amount, "unit": rule.unit} for name, rule in found.items()}


def due_of(rules, at, **kwargs):
    given_values = {"dispatched_at": at, "round_started_at": at, "contact_needed": True}
    return deadlines(rules, **(given_values | kwargs))


@pytest.mark.parametrize(
    ("of", "sign", "contact", "handle"),
    [
        pytest.param({}, (240, "working_minutes"), (1440, "minutes"), (5, "working_days"), id="normal"),
        pytest.param(
            {"urgency": "urgent"}, (30, "minutes"), (120, "minutes"), (1440, "minutes"), id="urgent"
        ),
        pytest.param(
            {"urgency": "critical"}, (10, "minutes"), (120, "minutes"), (1440, "minutes"), id="critical"
        ),
        pytest.param(
            {"request_type": "consult"},
            (240, "working_minutes"),
            (1440, "minutes"),
            (3, "working_days"),
            id="enquiry",
        ),
        pytest.param(
            {"request_type": "consult", "urgency": "urgent"},
            (30, "minutes"),
            (120, "minutes"),
            (1440, "minutes"),
            id="urgent enquiry",
        ),
        pytest.param(
            {"kind": "alert", "level": 1}, (5, "minutes"), (1440, "minutes"), (1440, "minutes"), id="red"
        ),
        pytest.param(
            {"kind": "alert", "level": 2}, (15, "minutes"), (1440, "minutes"), (1440, "minutes"), id="orange"
        ),
        pytest.param(
            {"kind": "alert", "level": 3},
            (120, "minutes"),
            (1440, "minutes"),
            (3, "working_days"),
            id="yellow",
        ),
        pytest.param(
            {"kind": "alert", "level": 4},
            (1, "working_days"),
            (1440, "minutes"),
            (5, "working_days"),
            id="blue",
        ),
        pytest.param(
            {"kind": "alert", "level": 1, "urgency": "critical"},
            (5, "minutes"),
            (120, "minutes"),
            (1440, "minutes"),
            id="a level says more than an urgency",
        ),
    ],
)
def test_defaults(of, sign, contact, handle):
    found = clocks_of(case(**of))
    assert [(found[n]["amount"], found[n]["unit"]) for n in ("sign", "contact", "handle")] == [
        sign,
        contact,
        handle,
    ]


@pytest.mark.django_db
def test_a_row_replaces_the_default_it_equals_and_leaves_the_others(monkeypatch):
    ClockRule.objects.create(clock="sign", amount=60, unit="working_minutes", source="this city's own rule")
    ClockRule.objects.create(clock="handle", request_type="help", amount=2, unit="working_days", active=False)
    found = clocks.clocks_for(case(request_type="help"))
    assert found["sign"] == {"amount": 60, "unit": "working_minutes"}
    assert found["handle"] == {"amount": 5, "unit": "working_days"}
    assert clocks.clocks_for(case(urgency="urgent"))["sign"]["amount"] == 30


def test_only_clocks_that_use_the_calendar_are_provisional(monkeypatch):
    days = {date(2026, 6, 1) + timedelta(days=n): (True, False) for n in range(60)}
    known = calendar._Calendar(days=days, read=float("inf"))
    monkeypatch.setattr(calendar, "_calendar", lambda: known)
    at = datetime(2026, 6, 10, 2, tzinfo=UTC)
    assert not due_of(clocks_of(case()), at).provisional
    in_new_year = datetime(2026, 12, 31, 2, tzinfo=UTC)
    assert due_of(clocks_of(case()), in_new_year).provisional
    assert not due_of(clocks_of(case(urgency="urgent")), in_new_year).provisional
