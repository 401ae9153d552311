"""A calendar is published: deadlines set on a guess are set again, each as a move."""

from datetime import UTC, date, datetime, timedelta

import pytest

from city import calendar
from city.models import WorkDay
from commandcenter.core import clock
from dispatch import services
from dispatch.tasks import follow_calendar
from tests.factories.dispatch import OrderFactory, officer_of

pytestmark = pytest.mark.django_db

# Monday 2026-12-28, 10:00 in Shanghai; five working days reach into the new year.
AT = datetime(2026, 12, 28, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def calendar_of_2026():
    days = (date(2026, 12, 1) + timedelta(days=n) for n in range(31))
    WorkDay.objects.bulk_create(WorkDay(date=d, is_work=d.weekday() < 5, source="test") for d in days)
    calendar.forget()
    yield
    calendar.forget()


def publish(*holidays: date) -> None:
    days = (date(2027, 1, 1) + timedelta(days=n) for n in range(31))
    WorkDay.objects.bulk_create(
        WorkDay(date=d, is_work=d.weekday() < 5 and d not in holidays, source="published") for d in days
    )
    calendar.forget()


def test_a_deadline_in_an_unpublished_year_is_provisional_and_moves_on_publication():
    order = OrderFactory(at=AT)
    assert order.provisional_due
    assert order.due_at == datetime(2027, 1, 4, 9, 30, tzinfo=UTC)  # 1 January counted as a Friday like any
    publish(date(2027, 1, 1))
    with clock.at(AT + timedelta(days=1)):
        follow_calendar(payload={})
    order.refresh_from_db()
    assert order.due_at == datetime(2027, 1, 5, 9, 30, tzinfo=UTC)
    assert not order.provisional_due
    move = order.moves.latest("pk")
    assert (move.action, move.by, move.due_at) == ("recompute", None, order.due_at)
    assert move.body["before"]["handle"] != move.body["after"]["handle"]


def test_the_same_news_twice_moves_once():
    order = OrderFactory(at=AT)
    publish(date(2027, 1, 1))
    with clock.at(AT):
        assert (services.recompute_deadlines(), services.recompute_deadlines()) == (1, 0)
    assert order.moves.filter(action="recompute").count() == 1


def test_a_publication_that_changes_nothing_takes_the_mark_away_without_a_move():
    order = OrderFactory(at=AT)
    publish()
    with clock.at(AT):
        assert services.recompute_deadlines() == 0
    order.refresh_from_db()
    assert not order.provisional_due


def test_nobody_becomes_late_by_a_publication_and_ended_orders_stay():
    before_new_year = OrderFactory(at=AT, state="signed")
    closed = OrderFactory(at=AT, state="closed")
    days = (date(2027, 1, 2) + timedelta(days=n) for n in range(2))
    WorkDay.objects.bulk_create(WorkDay(date=d, is_work=True, source="published") for d in days)
    WorkDay.objects.create(date=date(2027, 1, 1), is_work=True, source="published")
    calendar.forget()
    # The new deadline would be Saturday 2 January; it is Sunday already.
    with clock.at(datetime(2027, 1, 3, 2, tzinfo=UTC)):
        services.recompute_deadlines()
    due = before_new_year.due_at
    before_new_year.refresh_from_db()
    assert before_new_year.due_at == due
    assert not closed.moves.filter(action="recompute").exists()


def test_extension_and_hold_are_kept_when_the_calendar_moves():
    order = OrderFactory(at=AT, state="held")
    with clock.at(AT + timedelta(days=1)):
        services.release_order(order_id=order.pk, by=officer_of(order.org))
    order.refresh_from_db()
    held = order.due_at
    publish(date(2027, 1, 1))
    with clock.at(AT + timedelta(days=1)):
        services.recompute_deadlines()
    order.refresh_from_db()
    assert order.due_at > held


def test_open_orders_follow_their_area_into_a_new_generation(monkeypatch):
    order, closed = OrderFactory(), OrderFactory(state="closed")
    monkeypatch.setattr("dispatch.services.following.current_code", lambda old: "320699")
    assert services.relocate_orders() == 1
    order.refresh_from_db()
    closed.refresh_from_db()
    assert (order.area_code, closed.area_code) == ("320699", order.org.area_code)
    assert order.moves.latest("pk").action == "relocate"
