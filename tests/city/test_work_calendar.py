"""Office minutes and days: 调休, lunch breaks, provisional years, and the laws that clocks obey."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from city import calendar
from city.models import WorkDay, WorkSpan
from city.roles import Role
from city.services import load_years, set_work_day, set_work_spans
from commandcenter.core.errors import DomainError
from commandcenter.core.times import SHANGHAI
from commandcenter.journal.models import AuditEntry
from tests.factories.city import UserFactory

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


@pytest.fixture
def years():
    load_years(years=[2025, 2026, 2027])


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        pytest.param("2026-11-23T09:00", 60, "2026-11-23T10:00", id="within the morning"),
        pytest.param("2026-11-23T11:30", 60, "2026-11-23T14:00", id="over lunch"),
        pytest.param("2026-11-23T11:00", 60, "2026-11-23T12:00", id="ends with the morning"),
        pytest.param("2026-11-23T17:00", 60, "2026-11-24T09:30", id="over night"),
        pytest.param("2026-11-20T17:00", 60, "2026-11-23T09:30", id="over a weekend"),
        pytest.param("2026-11-22T03:00", 60, "2026-11-23T10:00", id="taken on a Sunday night"),
        pytest.param("2026-09-30T17:00", 60, "2026-10-08T09:30", id="over the national holiday"),
        pytest.param("2026-10-09T17:00", 60, "2026-10-10T09:30", id="into a worked Saturday"),
    ],
)
def test_minutes_run_in_office_hours_of_working_days(years, start, minutes, end):
    assert calendar.add_working_minutes(at(start), minutes) == at(end)
    assert calendar.working_minutes_between(at(start), at(end)) == minutes


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        pytest.param("2026-11-23T09:00", 1, "2026-11-24T17:30", id="the first day does not count"),
        pytest.param("2026-11-20T18:00", 1, "2026-11-23T17:30", id="over a weekend"),
        pytest.param("2026-09-30T10:00", 2, "2026-10-09T17:30", id="over the national holiday"),
        pytest.param("2026-10-08T10:00", 2, "2026-10-10T17:30", id="a worked Saturday counts"),
        pytest.param("2026-12-31T10:00", 1, "2027-01-01T17:30", id="into a year not yet published"),
    ],
)
def test_days_end_with_office_hours(years, start, days, end):
    assert calendar.add_working_days(at(start), days) == at(end)


MOMENTS = st.datetimes(
    datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2027-11-01"), timezones=st.just(UTC)
)
MINUTES = st.integers(0, 20_000)
LAWS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LAWS
@given(start=MOMENTS, later=st.integers(0, 500_000), minutes=MINUTES)
def test_who_starts_later_is_never_due_earlier(years, start, later, minutes):
    after = start + timedelta(seconds=later)
    assert calendar.add_working_minutes(start, minutes) <= calendar.add_working_minutes(after, minutes)


@LAWS
@given(start=MOMENTS, one=MINUTES, other=MINUTES)
def test_two_spells_add_up(years, start, one, other):
    once = calendar.add_working_minutes(start, one + other)
    twice = calendar.add_working_minutes(calendar.add_working_minutes(start, one), other)
    assert once == twice


@LAWS
@given(start=MOMENTS, minutes=MINUTES)
def test_what_was_added_is_what_lies_between(years, start, minutes):
    end = calendar.add_working_minutes(start, minutes)
    assert calendar.working_minutes_between(start, end) == minutes
    assert calendar.working_minutes_between(end, start) == -minutes


@LAWS
@given(start=MOMENTS, one=st.integers(0, 60), other=st.integers(0, 60))
def test_days_add_up_and_end_on_working_days(years, start, one, other):
    once = calendar.add_working_days(start, one + other)
    assert once == calendar.add_working_days(calendar.add_working_days(start, one), other)
    if one + other:
        assert calendar.is_work_day(once.astimezone(SHANGHAI).date())
        assert once.astimezone(SHANGHAI).time() == time(17, 30)


@LAWS
@given(start=MOMENTS, minutes=st.integers(1, 20_000))
def test_a_clock_never_ends_outside_office_hours(years, start, minutes):
    wall = calendar.add_working_minutes(start, minutes).astimezone(SHANGHAI)
    assert calendar.is_work_day(wall.date())
    assert any(a < wall.time() <= b for a, b in calendar.DEFAULT_SPANS)


def test_a_year_that_nobody_published_counts_weekdays_and_says_so(years):
    assert WorkDay.objects.filter(date__year=2027, provisional=True).count() == 365
    assert calendar.is_provisional(at("2027-01-04T10:00"))
    assert not calendar.is_provisional(at("2026-12-31T10:00"))
    assert calendar.is_work_day(date(2027, 1, 4))
    assert not calendar.is_work_day(date(2027, 1, 3))


def test_without_any_table_weekdays_count_and_all_is_provisional():
    assert calendar.add_working_minutes(at("2026-11-23T09:00"), 60) == at("2026-11-23T10:00")
    assert calendar.is_provisional(at("2026-11-23T09:00"))


def test_filling_twice_changes_nothing_and_says_nothing(years, news):
    assert [one.changed for one in load_years(years=[2025, 2026, 2027])] == [0, 0, 0]
    assert news == []


def test_a_day_set_by_hand_stays_and_is_announced(years, news):
    admin = UserFactory(may=[Role.SYSTEM_ADMIN])
    set_work_day(day=date(2026, 11, 24), is_work=False, by=admin)
    load_years(years=[2026])
    assert not calendar.is_work_day(date(2026, 11, 24))
    assert calendar.add_working_minutes(at("2026-11-23T17:00"), 60) == at("2026-11-25T09:30")
    assert news == ["city.calendar.changed"]


def test_publication_replaces_the_guess(years, news, monkeypatch):
    from city.services import calendar as filling

    holiday = date(2027, 1, 1)
    published = {date(2027, 1, 1) + timedelta(days=n): True for n in range(365)} | {holiday: False}
    monkeypatch.setattr(filling, "days_of", lambda year: (published, "published", False))
    load_years(years=[2027])
    assert not calendar.is_provisional(at("2027-01-04T10:00"))
    assert not calendar.is_work_day(holiday)
    assert news == ["city.calendar.changed"]


def test_office_hours_can_be_changed(years):
    set_work_spans(spans=[(time(8), time(12)), (time(14), time(18))], by=UserFactory(may=[Role.SYSTEM_ADMIN]))
    assert calendar.add_working_minutes(at("2026-11-23T07:00"), 300) == at("2026-11-23T15:00")


@pytest.mark.parametrize(
    "spans",
    [
        pytest.param([], id="none"),
        pytest.param([(time(9), time(12)), (time(11), time(17))], id="overlapping"),
        pytest.param([(time(12), time(9))], id="backwards"),
    ],
)
def test_impossible_office_hours_change_nothing(spans, news):
    with pytest.raises(DomainError):
        set_work_spans(spans=spans)
    assert (WorkSpan.objects.count(), news) == (0, [])


@pytest.mark.parametrize("role", [Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.LEADER, Role.DISPATCHER])
def test_only_the_system_administrator_edits_the_calendar(role, news):
    with pytest.raises(PermissionDenied):
        set_work_day(day=date(2026, 11, 24), is_work=False, by=UserFactory(may=[role]))
    assert (WorkDay.objects.count(), AuditEntry.objects.count(), news) == (0, 0, [])


@pytest.mark.parametrize("call", [calendar.add_working_minutes, calendar.add_working_days])
def test_time_does_not_run_backwards(call):
    with pytest.raises(ValueError):
        call(at("2026-11-23T09:00"), -1)


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError):
        calendar.add_working_minutes(datetime(2026, 11, 23, 9), 5)  # noqa: DTZ001
