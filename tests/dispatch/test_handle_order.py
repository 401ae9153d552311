"""签收, 联系, 办结, 核查, 重办, 撤销."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from city.calendar import add_working_days
from commandcenter.core import clock
from commandcenter.journal.models import Event, Fact, TraceLink
from dispatch import services
from dispatch.models import OrderMove
from tests.dispatch.helpers import DomainError, IllegalMove, PermissionDenied, refused
from tests.factories.city import CHONGCHUAN, UserFactory, _grant
from tests.factories.dispatch import MORNING, OrderFactory, dispatcher_of, officer_of, unit

pytestmark = pytest.mark.django_db


def later(**kwargs):
    return clock.at(MORNING + timedelta(**kwargs))


def test_sign_on_time_writes_move_fact_link_and_event():
    order = OrderFactory()
    with later(hours=1):
        services.sign_order(order_id=order.pk, by=officer_of(order.org))
    order.refresh_from_db()
    move = order.moves.get(action="sign")
    assert (order.state, move.on_time, move.minutes_used) == ("signed", True, 60)
    fact = Fact.objects.get(kind="dispatch.sign")
    assert (fact.subject_ref, fact.org_code, fact.outcome) == (order.ref, order.org.code, "on_time")
    assert TraceLink.objects.filter(from_ref=order.ref, to_ref=f"journal.fact:{fact.pk}").exists()
    body = Event.objects.latest("pk").body
    assert (body["action"], body["on_time"], body["from_state"], body["to_state"]) == (
        "sign", True, "dispatched", "signed",
    )  # fmt: skip


@pytest.mark.parametrize(("seconds", "on_time"), [(0, True), (1, False)])
def test_the_deadline_itself_is_still_on_time(seconds, on_time):
    order = OrderFactory()
    with clock.at(order.sign_due_at + timedelta(seconds=seconds)):
        services.sign_order(order_id=order.pk, by=officer_of(order.org))
    assert order.moves.get(action="sign").on_time is on_time
    assert Fact.objects.get().outcome == ("on_time" if on_time else "late")


@pytest.mark.parametrize("state", ["signed", "handled", "closed", "cancelled", "return_review", "returned"])
def test_only_a_dispatched_order_is_signed(state):
    order = OrderFactory(state=state)
    officer = officer_of(order.org)
    with refused(IllegalMove):
        services.sign_order(order_id=order.pk, by=officer)


@pytest.mark.parametrize("act", ["sign_order", "contact_caller", "handle_order"])
def test_only_an_officer_of_the_unit_works_on_it(act):
    order = OrderFactory(state="dispatched" if act == "sign_order" else "signed")
    other_units, commander = officer_of(unit()), dispatcher_of()
    extra = {"result": "Done"} if act == "handle_order" else {}
    for user in (other_units, commander, UserFactory()):
        with refused(PermissionDenied):
            getattr(services, act)(order_id=order.pk, by=user, **extra)


@pytest.mark.django_db(transaction=True)
def test_four_threads_sign_one_order_and_one_succeeds():
    order = OrderFactory()
    officers = [officer_of(order.org) for _ in range(4)]
    barrier, results = Barrier(4), []

    def sign(officer):
        try:
            barrier.wait()
            services.sign_order(order_id=order.pk, by=officer)
            results.append("signed")
        except IllegalMove:
            results.append("refused")
        finally:
            connection.close()

    threads = [Thread(target=sign, args=(officer,)) for officer in officers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["refused", "refused", "refused", "signed"]
    assert order.moves.filter(action="sign").count() == 1
    assert Fact.objects.filter(kind="dispatch.sign").count() == 1
    assert Event.objects.filter(body__action="sign").count() == 1


def test_only_the_first_success_meets_the_contact_clock():
    order = OrderFactory(state="signed", contact_needed=True)
    officer = officer_of(order.org)
    with later(hours=1):
        services.contact_caller(order_id=order.pk, by=officer, outcome="no_answer")
    with later(hours=2):
        services.contact_caller(order_id=order.pk, by=officer, note="Agreed on tomorrow")
    with later(hours=30):
        services.contact_caller(order_id=order.pk, by=officer)
    moves = order.moves.filter(action="contact")
    assert [move.on_time for move in moves] == [None, True, None]
    order.refresh_from_db()
    assert order.contacted_at == MORNING + timedelta(hours=2)
    assert Fact.objects.filter(kind="dispatch.contact").count() == 1


def test_handling_late_is_late_by_the_clock_that_ran_from_dispatch():
    order = OrderFactory(state="signed")
    with clock.at(order.due_at + timedelta(minutes=1)):
        services.handle_order(order_id=order.pk, by=officer_of(order.org), result="Done at last")
    order.refresh_from_db()
    assert (order.state, order.result) == ("handled", "Done at last")
    assert order.moves.get(action="handle").on_time is False


def test_a_result_without_words_is_refused():
    order = OrderFactory(state="signed")
    officer = officer_of(order.org)
    with refused(DomainError, "reason_missing"):
        services.handle_order(order_id=order.pk, by=officer, result="  ")


def test_checking_closes():
    order = OrderFactory(state="handled")
    with later(hours=3):
        services.check_order(order_id=order.pk, by=dispatcher_of(), passed=True)
    order.refresh_from_db()
    assert (order.state, order.closed_at) == ("closed", MORNING + timedelta(hours=3))


def test_sending_back_needs_words_and_leaves_the_deadline():
    order = OrderFactory(state="handled")
    commander = dispatcher_of()
    with refused(DomainError, "reason_missing"):
        services.check_order(order_id=order.pk, by=commander, passed=False)
    services.check_order(order_id=order.pk, by=commander, passed=False, note="No photo")
    due = order.due_at
    order.refresh_from_db()
    assert (order.state, order.due_at, order.handled_at, order.round) == ("signed", due, None, 1)


def test_nobody_checks_what_he_handled_nor_another_area_nor_an_operator():
    org = unit()
    both = officer_of(org)
    _grant(both, "dispatcher", CHONGCHUAN, None)
    order = OrderFactory(org=org, officer=both, state="handled")
    for user in (both, dispatcher_of("320623"), UserFactory(may=["operator"]), officer_of(org)):
        with refused(PermissionDenied):
            services.check_order(order_id=order.pk, by=user, passed=True)


def test_redo_begins_a_new_round_with_a_new_clock():
    order = OrderFactory(state="closed")
    operator = UserFactory(may=["operator"])
    with later(days=6):
        services.redo_order(order_id=order.pk, by=operator, reason="Still dark")
    order.refresh_from_db()
    assert (order.state, order.round, order.handled_at, order.closed_at) == ("signed", 2, None, None)
    assert order.due_at == add_working_days(MORNING + timedelta(days=6), 5)
    assert order.sign_due_at is not None
    assert order.moves.latest("pk").round == 2


def test_only_a_closed_order_is_redone():
    order = OrderFactory(state="handled")
    with refused(IllegalMove):
        services.redo_order(order_id=order.pk, by=None, reason="x")


def test_an_officer_may_neither_redo_nor_cancel():
    org = unit()
    closed, running = OrderFactory(org=org, state="closed"), OrderFactory(org=org)
    officer = officer_of(org)
    with refused(PermissionDenied):
        services.redo_order(order_id=closed.pk, by=officer, reason="x")
    with refused(PermissionDenied):
        services.cancel_order(order_id=running.pk, by=officer, reason="x")


def test_cancelling_takes_the_children_along():
    order = OrderFactory(state="signed")
    child = services.open_assist(
        order_id=order.pk, by=officer_of(order.org), org_id=unit().pk, task="Cut the branch"
    )
    services.cancel_order(order_id=order.pk, by=dispatcher_of(), reason="Twice", ground="duplicate")
    assert set(OrderMove.objects.filter(action="cancel").values_list("order_id", "body__ground")) == {
        (order.pk, "duplicate"),
        (child.pk, "duplicate"),
    }
