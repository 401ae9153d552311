"""派单."""

from datetime import UTC, datetime, timedelta

import pytest

from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from commandcenter.journal.models import Event, Fact, TraceLink
from dispatch.models import Order
from dispatch.services import open_order
from tests.factories.city import CHONGCHUAN, OrganisationFactory
from tests.factories.dispatch import MORNING, OrderFactory, unit

pytestmark = pytest.mark.django_db


def test_an_order_gets_number_clocks_move_link_and_event():
    order = OrderFactory(contact_needed=True)
    order.refresh_from_db()
    assert order.number == f"20260610{order.pk:06d}"
    assert order.sign_due_at == datetime(2026, 6, 10, 7, 30, tzinfo=UTC)  # 4 working hours from 10:00
    assert order.contact_due_at == MORNING + timedelta(hours=24)
    move = order.moves.get()
    assert (move.action, move.from_state, move.to_state, move.due_at) == (
        "open",
        "",
        "dispatched",
        order.due_at,
    )
    assert TraceLink.objects.filter(from_ref="hotline.ticket:1", to_ref=order.ref).exists()
    event = Event.objects.get(kind="dispatch.order.moved")
    assert event.body["action"] == "open"
    assert event.body["title"] == "Street lamp out"
    assert set(event.audiences) == {"leader", "command", f"org:{order.org.code}"}


def test_history_starts_no_clock_tells_nobody_and_scores_nothing(news):
    order = OrderFactory(history=True, contact_needed=True, state="closed")
    assert (order.sign_due_at, order.contact_due_at, order.due_at) == (None, None, None)
    assert news == []
    assert not Fact.objects.exists()
    assert set(order.moves.values_list("on_time", "history")) == {(None, True)}


def test_a_confidential_order_hides_its_title_from_the_event_and_from_leaders():
    order = OrderFactory(confidential=True)
    event = Event.objects.get()
    assert event.body["title"] == ""
    assert set(event.audiences) == {"command", f"org:{order.org.code}"}


def test_a_unit_never_receives_a_report_about_itself_nor_does_one_under_it(news):
    accused = unit()
    below = OrganisationFactory(parent=accused, area_code=CHONGCHUAN)
    for org in (accused, below):
        with pytest.raises(DomainError) as refusal:
            OrderFactory(org=org, accused_org_id=accused.pk)
        assert refusal.value.code == "accused_unit"
    assert (Order.objects.exists(), news) == (False, [])


def test_an_inactive_unit_gets_nothing(news):
    with pytest.raises(DomainError):
        OrderFactory(org=unit(active=False))
    assert (Order.objects.exists(), news) == (False, [])


def test_number_counts_the_day_of_shanghai():
    with clock.at(datetime(2026, 6, 10, 16, 30, tzinfo=UTC)):
        order = open_order(
            kind="report", case_ref="grid.report:1", title="t", area_code=CHONGCHUAN, org_id=unit().pk
        )
    assert order.number.startswith("20260611")


def test_an_order_that_accuses_somebody_is_confidential_even_where_nobody_said_so():
    order = OrderFactory(accused_org_id=unit().pk)
    assert order.confidential
    assert "leader" not in Event.objects.get().audiences
