"""协办 and 转派."""

from datetime import timedelta

import pytest

from commandcenter.core import clock
from commandcenter.journal.models import Event, TraceLink
from dispatch import services
from tests.dispatch.helpers import DomainError, IllegalMove, refused
from tests.factories.city import CITY
from tests.factories.dispatch import MORNING, OrderFactory, dispatcher_of, officer_of, unit

pytestmark = pytest.mark.django_db
TOWN = "320613003"


def test_the_parent_cannot_close_while_an_assist_is_open():
    order = OrderFactory(state="signed")
    officer, commander, helper = officer_of(order.org), dispatcher_of(), unit()
    child = services.open_assist(order_id=order.pk, by=officer, org_id=helper.pk, task="Close the lane")
    services.handle_order(order_id=order.pk, by=officer, result="Done")
    with refused(DomainError, "assist_open"):
        services.check_order(order_id=order.pk, by=commander, passed=True)
    there = officer_of(helper)
    services.sign_order(order_id=child.pk, by=there)
    services.handle_order(order_id=child.pk, by=there, result="Lane closed")
    services.check_order(order_id=child.pk, by=officer, passed=True)  # the lead unit checks its assist
    services.check_order(order_id=order.pk, by=commander, passed=True)
    order.refresh_from_db()
    assert order.state == "closed"


def test_the_case_of_a_child_is_its_parent_so_the_end_of_an_assist_is_not_the_end_of_the_ticket():
    order = OrderFactory(state="signed")
    child = services.open_assist(
        order_id=order.pk, by=officer_of(order.org), org_id=unit().pk, task="Close the lane"
    )
    assert child.case_ref == order.ref
    assert TraceLink.objects.filter(from_ref=order.ref, to_ref=child.ref, kind="assist").exists()
    event = Event.objects.latest("pk")
    assert (event.body["case_ref"], event.body["role"], event.body["parent_id"]) == (
        order.ref,
        "assist",
        order.pk,
    )
    assert f"org:{order.org.code}" in event.audiences


def test_passing_down_gives_a_shorter_clock_while_the_parents_runs_on():
    order = OrderFactory(state="signed")
    town = unit(TOWN)
    due = order.due_at
    with clock.at(MORNING + timedelta(hours=1)):
        child = services.pass_down(
            order_id=order.pk, by=officer_of(order.org), org_id=town.pk, task="Look at it"
        )
    order.refresh_from_db()
    assert order.due_at == due
    assert child.due_at < due
    assert child.moves.get().due_at == child.due_at


def test_an_order_is_passed_down_only_to_a_smaller_area():
    order = OrderFactory(state="signed")
    officer = officer_of(order.org)
    for other in (unit(), unit(CITY), unit("320623")):
        with refused(DomainError, "not_below"):
            services.pass_down(order_id=order.pk, by=officer, org_id=other.pk, task="x")


def test_a_unit_is_called_in_once_and_never_for_its_own_order():
    order = OrderFactory(state="signed")
    officer, helper = officer_of(order.org), unit()
    services.open_assist(order_id=order.pk, by=officer, org_id=helper.pk, task="x")
    for org in (helper, order.org):
        with refused(DomainError, "already_there"):
            services.open_assist(order_id=order.pk, by=officer, org_id=org.pk, task="x")


def test_the_accused_is_not_called_in_and_children_stay_confidential():
    accused = unit()
    order = OrderFactory(state="signed", confidential=True, accused_org_id=accused.pk)
    officer = officer_of(order.org)
    with refused(DomainError, "accused_unit"):
        services.open_assist(order_id=order.pk, by=officer, org_id=accused.pk, task="x")
    child = services.open_assist(order_id=order.pk, by=officer, org_id=unit().pk, task="x")
    assert (child.confidential, child.accused_org_id) == (True, accused.pk)


def test_an_unsigned_order_calls_nobody_in():
    order = OrderFactory()
    officer, helper = officer_of(order.org), unit()
    with refused(IllegalMove):
        services.open_assist(order_id=order.pk, by=officer, org_id=helper.pk, task="x")
