"""A sealed ticket: its caller and its title leave the desk by no door."""

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from city.roles import Role
from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from commandcenter.journal.models import AuditEntry, Event, Fact
from datahub.services import load_packs
from dispatch.models import Order
from hotline import selectors, services
from hotline.models import Ticket, TicketMove
from hotline.policies import may_open_caller
from hotline.services.publishing import as_row, publish_tickets
from tests.factories.city import UserFactory
from tests.factories.hotline import (
    CITY,
    PHONE,
    RUDONG,
    TicketFactory,
    call_back,
    category,
    dispatcher_of,
    leader_of,
    officer_of,
    operator_of,
    unit_of,
)

pytestmark = pytest.mark.django_db

SECRET_TITLE = "举报某局长收受礼品"
SECRET_CONTENT = "某局长春节前收受礼品，我叫李四光，电话13700137000"
SECRETS = (SECRET_TITLE, "收受礼品", "李四光", "13700137000", PHONE, "张三丰")
KINDS = [{"confidential": True}, {"is_whistleblow": True}, {"request_type": "report"}]


def sealed(**kwargs):
    given = {"title": SECRET_TITLE, "content": SECRET_CONTENT, "confidential": True} | kwargs
    return TicketFactory(**given)


def leaks(text, but=()):
    return [secret for secret in SECRETS if secret in text and secret not in but]


@pytest.mark.parametrize("kind", KINDS)
def test_no_event_and_no_move_tells_it(kind):
    category()
    ticket = sealed(state="closed", confidential=False, category_code="0706", **kind) if kind.get(
        "confidential") is None else sealed(state="closed", category_code="0706")  # fmt: skip
    assert ticket.state == "closed"
    for event in Event.objects.all():
        assert leaks(json.dumps(event.body, ensure_ascii=False)) == []
        if event.kind == "hotline.ticket.moved":
            assert event.audiences == ["desk"]
            assert event.body["title"] == event.body["category_code"] == event.body["org_code"] == ""
            assert event.body["confidential"] is True
        else:
            assert "leader" not in event.audiences
    for move in TicketMove.objects.all():
        assert leaks(json.dumps(move.body, ensure_ascii=False)) == []
    for fact in Fact.objects.all():
        assert leaks(json.dumps(fact.body, ensure_ascii=False)) == []


def test_no_event_of_an_open_ticket_tells_the_caller():
    TicketFactory(state="closed")
    text = json.dumps(list(Event.objects.values_list("body", flat=True)), ensure_ascii=False)
    assert PHONE not in text
    assert "张三丰" not in text
    assert "13900139000" not in text


def test_the_unit_gets_the_content_and_no_way_to_the_caller():
    ticket = sealed(state="dispatched")
    order = Order.objects.get()
    assert order.confidential
    assert order.contact_needed is False
    assert "收受礼品" in order.content
    assert "13700137000" not in order.content
    assert leaks(str(Order.objects.values().get()), but=(SECRET_TITLE, "收受礼品", "李四光")) == []
    officer = officer_of(ticket.org)
    assert not Ticket.objects.visible_to(officer).filter(pk=ticket.pk).exists()


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_in_no_search_and_no_suggestion(kind):
    TicketFactory(title=SECRET_TITLE, content=SECRET_CONTENT, **kind)
    by = operator_of()
    for words in ("收受礼品", "局长", PHONE, "李四光"):
        assert not Ticket.objects.visible_to(by).filter(selectors.search_filter(words)).exists()
    assert selectors.caller_history(by, PHONE) == []
    from hotline.classify.suggest import alike

    same = {"title": SECRET_TITLE, "content": SECRET_CONTENT, "area_code": CITY, "category_code": ""}
    assert alike(**same, at=clock.now().replace(year=2026, month=6, day=11)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_never_published(kind, monkeypatch):
    pushed = []
    monkeypatch.setattr("datahub.services.push_rows", lambda code, rows, **kw: pushed.extend(rows))
    load_packs()
    plain, secret = TicketFactory(), TicketFactory(title=SECRET_TITLE, content=SECRET_CONTENT, **kind)
    assert publish_tickets() == 1
    assert publish_tickets() == 0
    assert [row["number"] for row in pushed] == [plain.number]
    assert leaks(json.dumps(pushed, ensure_ascii=False, default=str)) == []
    with pytest.raises(ValueError, match="never published|不"):
        as_row(secret)


def test_published_rows_hold_no_caller(monkeypatch):
    pushed = []
    monkeypatch.setattr("datahub.services.push_rows", lambda code, rows, **kw: pushed.extend(rows))
    load_packs()
    TicketFactory(title="请回电13900139000", location=(120.9, 32.0))
    publish_tickets()
    text = json.dumps(pushed, ensure_ascii=False, default=str)
    assert "13900139000" not in text
    assert PHONE not in text
    assert pushed[0]["lon"] == 120.9


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        (operator_of, True),
        (dispatcher_of, True),
        (leader_of, False),
        (lambda: UserFactory(roles=[(Role.SUPERVISOR, CITY)]), False),
        (lambda: UserFactory(roles=[(Role.ANALYST, CITY)]), False),
        (lambda: operator_of(RUDONG), False),
        (lambda: UserFactory(may=["officer"]), False),
        (UserFactory, False),
    ],
)
def test_only_the_desk_of_the_area_opens_it(client, who, sees):
    ticket, user = sealed(), who()
    client.force_login(user)
    page = client.get(reverse("hotline:ticket", args=[ticket.pk]))
    assert page.status_code == (200 if sees else 404)
    assert Ticket.objects.visible_to(user).filter(pk=ticket.pk).exists() is sees
    text = page.content.decode()
    assert leaks(text, but=(SECRET_TITLE, "收受礼品", "李四光") if sees else ()) == []
    assert client.get(f"/api/v1/tickets/{ticket.pk}/").status_code == 404


def test_nobody_sees_a_report_about_the_own_organisation():
    accused = unit_of(CITY)
    ticket = sealed(accused_org_id=accused.pk)
    inside, outside = dispatcher_of(), dispatcher_of()
    inside.organisation = accused
    inside.save(update_fields=["organisation"])
    assert not Ticket.objects.visible_to(inside).filter(pk=ticket.pk).exists()
    assert Ticket.objects.visible_to(outside).filter(pk=ticket.pk).exists()


def test_lists_and_exports_keep_it_in(client):
    sealed()
    plain = TicketFactory(title="路灯坏了电话13900139000", address="人民路5号3幢201室")
    client.force_login(operator_of())
    page = client.get(reverse("hotline:ticket_list")).content.decode()
    assert leaks(page) == []
    assert 'data-test="ticket-row"' in page
    export = client.get(reverse("hotline:export")).content.decode()
    assert plain.number in export
    assert Ticket.objects.get(sealed=True).number not in export
    assert leaks(export) == []
    assert "13900139000" not in export
    assert "201室" not in export
    assert AuditEntry.objects.filter(action="hotline.export").count() == 1
    api = client.get("/api/v1/tickets/").content.decode()
    assert plain.number in api
    assert leaks(json.dumps(json.loads(api), ensure_ascii=False)) == []
    assert "13900139000" not in api


def test_the_export_says_who_took_it_out(client):
    TicketFactory()
    user = operator_of()
    client.force_login(user)
    lines = client.get(reverse("hotline:export")).content.decode().splitlines()
    assert user.username in lines[0]
    assert user.username in lines[-1]


# ------------------------------------------------------------------ opening a caller


def test_a_caller_is_opened_for_a_reason_and_it_is_on_record():
    ticket, by = TicketFactory(), operator_of()
    assert selectors.masked_caller(ticket)["phone"] == "138****8000"
    caller = services.open_caller(ticket_id=ticket.pk, reason="回访核实情况", by=by, ip="10.0.0.1")
    assert caller["phone"] == PHONE
    entry = AuditEntry.objects.get(action="hotline.open_caller")
    assert (entry.actor_id, entry.target_ref, entry.reason, entry.result, entry.ip) == (
        by.pk, ticket.ref, "回访核实情况", "ok", "10.0.0.1",
    )  # fmt: skip


@pytest.mark.parametrize("reason", ["", "   ", "看看"])
def test_without_a_reason_nothing_is_opened(reason):
    ticket = TicketFactory()
    with pytest.raises(DomainError):
        services.open_caller(ticket_id=ticket.pk, reason=reason, by=operator_of())
    assert not AuditEntry.objects.filter(action="hotline.open_caller").exists()


@pytest.mark.parametrize("who", [leader_of, lambda: operator_of(RUDONG), UserFactory])
def test_a_refused_look_is_on_record_too(who):
    ticket = TicketFactory()
    with pytest.raises(PermissionDenied):
        services.open_caller(ticket_id=ticket.pk, reason="想看看是谁", by=who())
    assert AuditEntry.objects.get(action="hotline.open_caller").result == "refused"


def test_the_officer_of_the_unit_may_call_unless_it_is_not_wished():
    at = clock.now()
    ticket = TicketFactory(state="dispatched")
    officer, other = officer_of(ticket.org), officer_of(unit_of())
    assert may_open_caller(officer, ticket, at)
    assert not may_open_caller(other, ticket, at)
    silent = TicketFactory(state="dispatched", org=ticket.org, contact_allowed=False)
    assert not may_open_caller(officer, silent, at)
    secret = sealed(state="dispatched", org=ticket.org)
    assert not may_open_caller(officer, secret, at)


def test_a_sealed_caller_needs_a_second_person():
    ticket, asker, second = sealed(), operator_of(), dispatcher_of()
    with pytest.raises(PermissionDenied):
        services.open_caller(ticket_id=ticket.pk, reason="核实线索", by=asker)
    wish = services.ask_to_open_caller(ticket_id=ticket.pk, reason="核实线索", by=asker)
    with pytest.raises(PermissionDenied):
        services.decide_opening(request_id=wish.pk, granted=True, by=asker)
    services.decide_opening(request_id=wish.pk, granted=True, by=second)
    assert services.open_caller(ticket_id=ticket.pk, reason="核实线索", by=asker)["phone"] == PHONE
    with pytest.raises(PermissionDenied):
        services.open_caller(ticket_id=ticket.pk, reason="核实线索", by=second)
    with clock.at(wish.asked_at.replace(year=2030)), pytest.raises(PermissionDenied):
        services.open_caller(ticket_id=ticket.pk, reason="核实线索", by=asker)
    with pytest.raises(DomainError):
        services.decide_opening(request_id=wish.pk, granted=False, by=second)
    results = AuditEntry.objects.filter(target_ref=ticket.ref).order_by("pk").values_list("action", "result")
    assert list(results) == [
        ("hotline.open_caller", "refused"),
        ("hotline.ask_to_open_caller", "ok"),
        ("hotline.decide_opening", "ok"),
        ("hotline.open_caller", "ok"),
        ("hotline.open_caller", "refused"),
        ("hotline.open_caller", "refused"),
    ]


def test_a_refused_wish_opens_nothing():
    ticket, asker = sealed(), operator_of()
    wish = services.ask_to_open_caller(ticket_id=ticket.pk, reason="核实线索", by=asker)
    services.decide_opening(request_id=wish.pk, granted=False, by=dispatcher_of())
    with pytest.raises(PermissionDenied):
        services.open_caller(ticket_id=ticket.pk, reason="核实线索", by=asker)


@pytest.mark.parametrize("who", [leader_of, lambda: operator_of(RUDONG)])
def test_strangers_may_not_even_ask(who):
    with pytest.raises(PermissionDenied):
        services.ask_to_open_caller(ticket_id=sealed().pk, reason="核实线索", by=who())


def test_the_score_of_a_sealed_ticket_is_counted_without_its_words():
    ticket = sealed(state="awaiting_callback")
    call_back(ticket, operator_of())
    fact = Fact.objects.get(kind="hotline.call_back")
    assert leaks(json.dumps(fact.body, ensure_ascii=False)) == []
