"""Taking a request, and the ways it leaves the desk."""

import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, ProgrammingError, connection, transaction

from city.roles import Role
from commandcenter.core.crypto import keyed_hash
from commandcenter.core.errors import DomainError, IllegalMove
from commandcenter.journal.models import Event, TraceLink
from dispatch.models import Order
from hotline import services
from hotline.models import Ticket, TicketMove
from hotline.states import MOVES, TicketState
from tests.factories.city import UserFactory
from tests.factories.hotline import (
    CHONGCHUAN,
    PHONE,
    RUDONG,
    TicketFactory,
    category,
    dispatcher_of,
    make_city,
    operator_of,
    unit_of,
)

pytestmark = pytest.mark.django_db


def actions(ticket):
    return list(ticket.moves.order_by("pk").values_list("action", flat=True))


def test_a_request_is_taken_with_number_and_news(news):
    ticket = TicketFactory(category_code=category().code)
    assert ticket.state == "new"
    assert ticket.number.startswith("RX20260610")
    assert news == ["hotline.ticket.moved"]
    event = Event.objects.latest("pk")
    assert event.body["category_code"] == "07"
    assert event.audiences == ["desk", "command", "leader"]
    assert event.area_code == CHONGCHUAN
    assert ticket.moves.get().body == event.body


def test_the_caller_lies_encrypted_and_is_known_again():
    ticket = TicketFactory(caller_phone="+86 138-0013-8000")
    with connection.cursor() as cursor:
        cursor.execute("SELECT caller_phone, caller_name FROM hotline_ticket WHERE id = %s", [ticket.pk])
        phone, name = cursor.fetchone()
    assert PHONE not in phone
    assert phone.startswith("sm4:")
    assert "张" not in name
    assert ticket.caller_phone == PHONE
    assert (
        ticket.caller_hash
        == TicketFactory(caller_phone=PHONE).caller_hash
        == keyed_hash(PHONE, purpose="caller")
    )


def test_an_anonymous_request_keeps_nothing_of_the_caller():
    ticket = TicketFactory(anonymous=True)
    assert (ticket.caller_phone, ticket.caller_name, ticket.caller_hash) == ("", "", "")
    assert ticket.contact_allowed is False


def test_a_report_of_an_offence_is_sealed():
    ticket = TicketFactory(request_type="report")
    assert ticket.is_whistleblow
    assert ticket.sealed


def test_without_a_place_the_operators_own_area_stands():
    make_city()
    ticket = services.take_ticket(by=operator_of(RUDONG), title="停水", content="家里停水了")
    assert ticket.area_code == RUDONG


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"title": "  "}, DomainError),
        ({"content": ""}, DomainError),
        ({"area_code": "999999"}, DomainError),
        ({"category_code": "9999"}, DomainError),
        ({"channel": "pigeon"}, ValueError),
    ],
)
def test_a_request_that_says_too_little_is_refused(change, error, news):
    make_city()
    given = {"title": "停水", "content": "家里停水了", "area_code": CHONGCHUAN} | change
    with pytest.raises(error):
        services.take_ticket(by=operator_of(), **given)
    assert Ticket.objects.count() == 0
    assert news == []


@pytest.mark.parametrize("roles", [[(Role.LEADER, "3206")], [(Role.OPERATOR, RUDONG)], []])
def test_only_the_desk_of_the_area_takes_requests(roles, news):
    make_city()
    with pytest.raises(PermissionDenied):
        services.take_ticket(
            by=UserFactory(roles=roles), title="停水", content="停水了", area_code=CHONGCHUAN
        )
    assert Ticket.objects.count() == 0
    assert news == []


def test_an_answer_closes_it():
    ticket = TicketFactory(state="answered")
    assert ticket.state == "answered"
    assert ticket.reply
    assert ticket.answered_at
    assert actions(ticket) == ["take", "answer"]


def test_dispatch_opens_one_order_that_reaches_the_unit(news):
    unit = unit_of()
    ticket = TicketFactory(state="dispatched", org=unit)
    order = Order.objects.get()
    assert ticket.order_id == order.pk
    assert order.org_id == unit.pk
    assert order.case_ref == ticket.ref
    assert order.contact_needed
    assert "13900139000" not in order.content
    assert "139****9000" in order.content
    assert TraceLink.objects.filter(from_ref=ticket.ref, to_ref=order.ref, kind="dispatched").exists()
    assert news == ["hotline.ticket.moved", "dispatch.order.moved", "hotline.ticket.moved"]


def test_a_unit_never_gets_a_report_about_itself(news):
    accused = unit_of()
    below = unit_of(parent=accused)
    ticket = TicketFactory(request_type="report", accused_org_id=accused.pk)
    news.forget()
    for unit in (accused, below):
        with pytest.raises(DomainError) as refusal:
            services.dispatch_ticket(ticket_id=ticket.pk, org_id=unit.pk, by=dispatcher_of())
        assert refusal.value.code == "accused_unit"
    ticket.refresh_from_db()
    assert (ticket.state, Order.objects.count(), news) == ("new", 0, [])


@pytest.mark.parametrize("state", sorted(TicketState.values))
@pytest.mark.parametrize("action", ["answer", "reject", "queue", "dispatch"])
def test_the_table_decides_what_the_desk_may_do(state, action, news):
    if state == "archived":
        pytest.skip("history has no desk")
    ticket = TicketFactory(state=state)
    by, unit = operator_of(), unit_of()
    news.forget()
    call = {
        "answer": lambda: services.answer_ticket(ticket_id=ticket.pk, reply="已告知", by=by),
        "reject": lambda: services.reject_ticket(ticket_id=ticket.pk, ground="court", by=by),
        "queue": lambda: services.queue_ticket(ticket_id=ticket.pk, by=by),
        "dispatch": lambda: services.dispatch_ticket(ticket_id=ticket.pk, org_id=unit.pk, by=by),
    }[action]
    before = actions(ticket)
    if state in MOVES[action].start:
        assert call().state == MOVES[action].to
        return
    with pytest.raises(IllegalMove):
        call()
    ticket.refresh_from_db()
    assert (ticket.state, actions(ticket), news) == (state, before, [])


def test_a_stranger_triages_nothing(news):
    ticket = TicketFactory()
    news.forget()
    for by in (operator_of(RUDONG), UserFactory()):
        with pytest.raises(PermissionDenied):
            services.answer_ticket(ticket_id=ticket.pk, reply="好", by=by)
    ticket.refresh_from_db()
    assert (ticket.state, news) == ("new", [])


@pytest.mark.parametrize(
    "sql", ["UPDATE hotline_ticketmove SET note = 'x'", "DELETE FROM hotline_ticketmove"]
)
def test_a_move_is_never_changed(sql):
    ticket = TicketFactory()
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert ticket.moves.get().note == ""


@pytest.mark.parametrize(
    "values",
    [{"sealed": True}, {"is_whistleblow": True}, {"request_type": "report"}, {"state": "dispatched"}],
)
def test_an_impossible_ticket_is_refused_by_the_database(values):
    ticket = TicketFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.filter(pk=ticket.pk).update(**values)


@pytest.mark.django_db(transaction=True)
def test_four_at_once_and_one_dispatches():
    ticket, unit, by = TicketFactory(), unit_of(), operator_of()
    results: list[str] = []

    def attempt():
        try:
            services.dispatch_ticket(ticket_id=ticket.pk, org_id=unit.pk, by=by)
            results.append("done")
        except IllegalMove:
            results.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "refused", "refused", "refused"]
    assert Order.objects.count() == 1
    assert TicketMove.objects.filter(action="dispatch").count() == 1
