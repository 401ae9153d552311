"""The ticket follows its order, and the call-back decides how it ends."""

import pytest
from django.core.exceptions import PermissionDenied

from commandcenter.core import clock
from commandcenter.core.errors import DomainError, IllegalMove
from commandcenter.journal.models import Event, Fact, TraceLink
from dispatch import services as orders
from hotline import services, tasks
from hotline.models import TicketMove
from tests.factories.dispatch import OrderFactory
from tests.factories.hotline import (
    MORNING,
    RUDONG,
    TicketFactory,
    call_back,
    close_order,
    dispatcher_of,
    hear,
    leader_of,
    officer_of,
    operator_of,
)

pytestmark = pytest.mark.django_db


def actions(ticket):
    return list(ticket.moves.order_by("pk").values_list("action", flat=True))


def closing_event(ticket):
    events = Event.objects.filter(kind="dispatch.order.moved", body__action="close")
    event = events.filter(body__order_id=ticket.order_id).latest("pk")
    return {**event.body, "event_id": event.pk, "kind": event.kind}


def test_a_closed_order_brings_the_ticket_to_the_call_back():
    ticket = TicketFactory(state="awaiting_callback")
    assert ticket.state == "awaiting_callback"
    assert ticket.reply == "已责令加装油烟净化装置"
    assert ticket.answered_at


@pytest.mark.django_db(transaction=True)
def test_the_journal_tells_it_of_the_closed_order(pump):
    ticket = TicketFactory(state="dispatched")
    officer = officer_of(ticket.org)
    orders.sign_order(order_id=ticket.order_id, by=officer)
    orders.handle_order(order_id=ticket.order_id, by=officer, result="已整改")
    orders.check_order(order_id=ticket.order_id, by=dispatcher_of(), passed=True)
    pump()
    pump()
    ticket.refresh_from_db()
    assert ticket.state == "awaiting_callback"
    assert actions(ticket) == ["take", "dispatch", "handled"]


def test_the_same_news_twice_changes_nothing_more(news):
    ticket = TicketFactory(state="awaiting_callback")
    payload = closing_event(ticket)
    before, said = actions(ticket), list(news)
    tasks.follow_order(payload=payload)
    tasks.follow_order(payload=payload)
    assert (actions(ticket), list(news)) == (before, said)


def test_old_news_of_the_first_round_do_not_end_the_second():
    ticket = TicketFactory(state="awaiting_callback")
    payload = closing_event(ticket)
    call_back(ticket, operator_of(), solved="no", satisfied="dissatisfied", note="还是有油烟")
    tasks.follow_order(payload=payload)
    ticket.refresh_from_db()
    assert ticket.state == "dispatched"


def test_a_returned_order_comes_back_to_the_desk():
    ticket = TicketFactory(state="dispatched")
    officer = officer_of(ticket.org)
    with clock.at(MORNING):
        orders.sign_order(order_id=ticket.order_id, by=officer)
        orders.request_return(order_id=ticket.order_id, by=officer, reason="不属本单位职责")
        orders.rule_return(order_id=ticket.order_id, by=dispatcher_of(), accepted=True, note="同意")
    hear(ticket)
    ticket.refresh_from_db()
    assert ticket.state == "awaiting_dispatch"
    assert actions(ticket)[-1] == "come_back"


@pytest.mark.parametrize("case_ref", ["grid.report:1", "hotline.ticket:999999", "dispatch.order:1"])
def test_other_orders_are_none_of_its_business(case_ref, news):
    ticket = TicketFactory(state="dispatched")
    other = OrderFactory(case_ref=case_ref, state="closed")
    news.forget()
    payload = {"case_ref": case_ref, "order_id": other.pk, "action": "close", "event_id": 1}
    tasks.follow_order(payload={**payload, "at": "2026-06-10T02:00:00Z"})
    ticket.refresh_from_db()
    assert (ticket.state, news) == ("dispatched", [])


def test_a_second_order_of_the_same_ticket_does_not_end_it():
    ticket = TicketFactory(state="dispatched")
    other = OrderFactory(case_ref=ticket.ref, state="closed")
    payload = {"case_ref": ticket.ref, "order_id": other.pk, "action": "close", "event_id": 1}
    tasks.follow_order(payload={**payload, "at": "2026-06-10T02:00:00Z"})
    ticket.refresh_from_db()
    assert ticket.state == "dispatched"


def test_a_content_caller_closes_it_and_is_scored():
    ticket = TicketFactory(state="awaiting_callback")
    call_back(ticket, operator_of(), satisfied="basically")
    ticket.refresh_from_db()
    assert ticket.state == "closed"
    assert ticket.closed_at
    fact = Fact.objects.get(kind="hotline.call_back")
    assert fact.subject_ref == ticket.order.ref
    assert fact.org_code == ticket.org.code
    assert (fact.body["solved"], fact.body["satisfied"]) == ("yes", "basically")
    assert TraceLink.objects.filter(from_ref=ticket.order.ref, to_ref=f"journal.fact:{fact.pk}").exists()
    assert actions(ticket)[-2:] == ["call_back", "close"]


@pytest.mark.parametrize(("solved", "satisfied"), [("no", "satisfied"), ("yes", "dissatisfied")])
def test_a_discontent_caller_has_it_done_again(solved, satisfied):
    ticket = TicketFactory(state="awaiting_callback")
    call_back(ticket, operator_of(), solved=solved, satisfied=satisfied, note="夜里还是有油烟")
    hear(ticket)
    ticket.refresh_from_db()
    assert ticket.state == "dispatched"
    assert ticket.order.round == 2
    assert ticket.order.state == "signed"
    assert Fact.objects.filter(kind="hotline.call_back").count() == 1
    assert actions(ticket)[-2:] == ["call_back", "redo"]


def test_a_second_round_ends_in_a_second_call_back():
    ticket = TicketFactory(state="awaiting_callback")
    call_back(ticket, operator_of(), solved="no", note="还有")
    officer = officer_of(ticket.org)
    orders.handle_order(order_id=ticket.order_id, by=officer, result="已整改")
    orders.check_order(order_id=ticket.order_id, by=dispatcher_of(), passed=True)
    hear(ticket)
    ticket.refresh_from_db()
    assert ticket.state == "awaiting_callback"
    assert ticket.reply == "已整改"


def test_a_caller_who_is_not_reached_thrice_is_let_be_and_never_scored():
    ticket, by = TicketFactory(state="awaiting_callback"), operator_of()
    for n in (1, 2, 3):
        call_back(ticket, by, contacted=False, solved="", satisfied="")
        ticket.refresh_from_db()
        assert ticket.state == ("closed" if n == 3 else "awaiting_callback")
    assert not Fact.objects.filter(kind="hotline.call_back").exists()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"solved": ""}, DomainError),
        ({"satisfied": "very"}, DomainError),
        ({"solved": "no", "note": " "}, DomainError),
    ],
)
def test_a_call_back_that_says_too_little_is_refused(said, error, news):
    ticket = TicketFactory(state="awaiting_callback")
    news.forget()
    with pytest.raises(error):
        call_back(ticket, operator_of(), **said)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.solved, news) == ("awaiting_callback", "", [])
    assert not Fact.objects.filter(kind="hotline.call_back").exists()


@pytest.mark.parametrize("who", [leader_of, dispatcher_of, lambda: operator_of(RUDONG)])
def test_only_the_desk_of_the_area_calls_back(who):
    ticket = TicketFactory(state="awaiting_callback")
    with pytest.raises(PermissionDenied):
        call_back(ticket, who())
    assert "call_back" not in actions(ticket)


@pytest.mark.parametrize("state", ["new", "answered", "dispatched", "closed"])
def test_nobody_is_called_back_before_or_after(state):
    ticket = TicketFactory(state=state)
    before = TicketMove.objects.count()
    with pytest.raises(IllegalMove):
        call_back(ticket, operator_of())
    assert TicketMove.objects.count() == before


def test_a_redo_by_the_dispatchers_takes_the_ticket_along():
    ticket = TicketFactory(state="awaiting_callback")
    orders.redo_order(order_id=ticket.order_id, by=dispatcher_of(), reason="照片不符")
    hear(ticket)
    ticket.refresh_from_db()
    assert ticket.state == "dispatched"
    assert actions(ticket)[-1] == "redo"


def test_a_cancelled_order_comes_back_to_the_desk():
    ticket = TicketFactory(state="dispatched")
    orders.cancel_order(order_id=ticket.order_id, by=dispatcher_of(), reason="系统重复")
    hear(ticket)
    ticket.refresh_from_db()
    assert ticket.state == "awaiting_dispatch"
    services.dispatch_ticket(ticket_id=ticket.pk, org_id=ticket.org_id, by=operator_of())
    close_order(ticket)
    ticket.refresh_from_db()
    assert ticket.state == "awaiting_callback"
