"""The hotline's pages over HTTP."""

import json
import re

import pytest
from django.urls import reverse

from commandcenter.journal.models import AuditEntry
from dispatch.models import Order
from hotline.models import Draft, Ticket
from tests.factories.city import UserFactory
from tests.factories.hotline import (
    CHONGCHUAN,
    CONTENT,
    PHONE,
    RUDONG,
    TITLE,
    TicketFactory,
    category,
    leader_of,
    load_tree,
    make_city,
    officer_of,
    operator_of,
    unit_of,
)

pytestmark = pytest.mark.django_db

FORM = {
    "caller_phone": PHONE, "caller_name": "张三丰", "channel": "phone", "title": TITLE, "content": CONTENT,
    "address": "人民路1号", "area": CHONGCHUAN, "request_type": "complaint", "urgency": "normal",
}  # fmt: skip


@pytest.fixture
def operator(client):
    make_city()
    user = operator_of()
    client.force_login(user)
    return user


def take(client, **change):
    return client.post(reverse("hotline:take"), FORM | change)


def test_the_intake_page_opens_with_three_columns_and_the_queue(client, operator, query_budget):
    waiting = TicketFactory(state="awaiting_dispatch", by=operator)
    with query_budget("hotline.intake"):
        page = client.get(reverse("hotline:intake"))
    text = page.content.decode()
    assert page.status_code == 200
    assert 'data-page="hotline_intake"' in text
    for part in ("queue", "caller-history", "twins", "intake-form", "ask", "act", "call-timer"):
        assert f'data-test="{part}"' in text
    assert f'data-ticket="{waiting.pk}"' in text
    assert "style=" not in text.split("<main")[1]
    assert not re.search(r"\son[a-z]+=", text)


@pytest.mark.parametrize("who", [leader_of, UserFactory])
def test_only_the_desk_takes_calls(client, who):
    make_city()
    client.force_login(who())
    for name in ("intake", "queue", "call_backs"):
        assert client.get(reverse(f"hotline:{name}")).status_code == 403
    assert take(client).status_code == 403
    assert Ticket.objects.count() == 0


def test_strangers_are_sent_to_the_login(client):
    assert client.get(reverse("hotline:intake")).status_code == 302
    assert client.get(reverse("hotline:ticket_list")).status_code == 302


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "awaiting_dispatch"),
        ({"reply": "已告知办理地点"}, "answered"),
        ({"ground": "court"}, "rejected"),
    ],
)
def test_one_button_does_what_the_form_says(client, operator, change, state):
    answer = take(client, **change)
    assert answer.status_code == 200
    ticket = Ticket.objects.get()
    assert ticket.state == state
    assert ticket.taken_by == operator
    assert ticket.number in answer.content.decode()
    told = json.loads(answer["HX-Trigger"])
    assert told["hotline:taken"]["id"] == ticket.pk
    assert told["toast"]["words"]


def test_a_unit_chosen_means_dispatch(client, operator):
    unit, kind = unit_of(), category()
    why = json.dumps({"category": kind.code, "why": "油烟", "by": "rules", "org": unit.code})
    answer = take(client, org=unit.pk, category=kind.code, suggested=why)
    assert answer.status_code == 200
    ticket = Ticket.objects.get()
    assert ticket.state == "dispatched"
    assert (ticket.suggested_category, ticket.suggested_org, ticket.suggested_by) == (
        kind.code,
        unit.code,
        "rules",
    )
    assert Order.objects.get().org_id == unit.pk


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"content": ""},
        {"lon": "200", "lat": "10"},
        {"lon": "120"},
        {"channel": "pigeon"},
        {"area": "999999"},
        {"category": "9999"},
    ],
)
def test_a_wrong_form_is_said_and_nothing_is_taken(client, operator, change, news):
    answer = take(client, **change)
    assert answer.status_code == 422
    assert 'data-test="errors"' in answer.content.decode()
    assert (Ticket.objects.count(), news) == (0, [])


def test_a_dispatch_that_fails_takes_nothing(client, operator, news):
    unit = unit_of()
    answer = take(client, org=unit.pk, accused_org=unit.pk, request_type="report")
    assert answer.status_code == 422
    assert (Ticket.objects.count(), Order.objects.count(), news) == (0, 0, [])


def test_the_draft_is_kept_encrypted_and_comes_back(client, operator):
    client.get(reverse("hotline:intake"))
    answer = client.post(reverse("hotline:draft"), {"title": "说到一半", "caller_phone": PHONE, "x": "y"})
    assert answer.status_code == 204
    draft = Draft.objects.get(operator=operator)
    assert json.loads(draft.body) == {"title": "说到一半", "caller_phone": PHONE}
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM hotline_draft")
        assert PHONE not in cursor.fetchone()[0]
    assert "说到一半" in client.get(reverse("hotline:intake")).content.decode()
    take(client)
    assert not Draft.objects.exists()


def test_the_draft_of_another_is_not_shown(client, operator):
    client.post(reverse("hotline:draft"), {"title": "说到一半"})
    client.force_login(operator_of())
    assert "说到一半" not in client.get(reverse("hotline:intake")).content.decode()


def test_the_callers_earlier_requests_are_found_by_number(client, operator):
    old = TicketFactory(by=operator, at=pytest.importorskip("commandcenter.core.clock").now())
    url = reverse("hotline:caller")
    text = client.post(url, {"caller_phone": "138 0013 8000"}).content.decode()
    assert reverse("hotline:ticket", args=[old.pk]) in text
    assert PHONE not in text
    assert 'data-test="first-call"' in client.post(url, {"caller_phone": "13800138001"}).content.decode()


def test_help_brings_chips_duplicates_and_answers(client, operator):
    load_tree()
    unit = unit_of()
    text = client.post(reverse("hotline:suggest"), {**FORM, "category": "", "org": ""}).content.decode()
    assert 'data-chip="category" data-value="0706"' in text
    assert f'data-chip="org" data-value="{unit.pk}"' in text
    assert 'id="twins"' in text
    assert 'id="knowledge"' in text


def test_choosers_find_areas_categories_and_units(client, operator):
    load_tree()
    unit = unit_of(name="崇川区城市管理局")
    pick = {
        name: client.get(reverse(f"hotline:pick_{name}"), {"q": words}).json()["rows"]
        for name, words in (("area", "崇川"), ("category", "油烟"), ("org", "崇川 城市"))
    }
    assert pick["area"][0]["value"] == CHONGCHUAN
    assert "0706" in [row["value"] for row in pick["category"]]
    assert pick["org"] == [{"value": str(unit.pk), "label": unit.name, "hint": "崇川区"}]


def test_a_map_point_in_no_area_says_so(client, operator):
    url = reverse("hotline:place")
    assert client.post(url, {"lon": "0", "lat": "0"}).json()["code"] == ""
    assert client.post(url, {"lon": "x"}).json()["code"] == ""


@pytest.mark.parametrize("rows", [1, 20])
def test_the_list_costs_the_same_for_one_and_twenty(client, operator, query_budget, rows):
    unit = unit_of()
    for _n in range(rows):
        TicketFactory(by=operator, state="dispatched", org=unit, category_code=category().code)
    with query_budget("hotline.ticket_list"):
        page = client.get(reverse("hotline:ticket_list"))
    assert page.content.decode().count('data-test="ticket-row"') == rows


def test_filters_and_search_narrow_the_list(client, operator):
    lamp = TicketFactory(by=operator, title="路灯不亮", content="路灯坏了", request_type="help")
    smoke = TicketFactory(by=operator, state="answered", request_type="complaint", caller_phone="13700137000")

    def shown(**query):
        text = client.get(reverse("hotline:ticket_list"), query).content.decode()
        return {int(pk) for pk in re.findall(r'data-test="ticket-row" data-ticket="(\d+)"', text)}

    assert shown() == {lamp.pk, smoke.pk}
    assert shown(q="路灯") == {lamp.pk}
    assert shown(q="13700137000") == {smoke.pk}
    assert shown(q=lamp.number) == {lamp.pk}
    assert shown(state="answered") == {smoke.pk}
    assert shown(request_type="help") == {lamp.pk}
    assert shown(since="2026-06-11") == set()
    assert shown(until="2026-06-10") == {lamp.pk, smoke.pk}
    assert shown(source="imported") == set()
    assert shown(state="nonsense", page="99") == {lamp.pk, smoke.pk}


@pytest.mark.parametrize("who", [lambda: operator_of(RUDONG), lambda: officer_of(unit_of())])
def test_another_countys_ticket_is_not_there(client, who):
    ticket = TicketFactory()
    client.force_login(who())
    assert client.get(reverse("hotline:ticket", args=[ticket.pk])).status_code == 404
    assert (
        client.post(reverse("hotline:open_caller", args=[ticket.pk]), {"reason": "回访核实"}).status_code
        == 404
    )
    assert 'data-test="ticket-row"' not in client.get(reverse("hotline:ticket_list")).content.decode()


def test_the_ticket_page_masks_and_shows_the_thread(client, operator, query_budget):
    ticket = TicketFactory(by=operator, state="awaiting_callback")
    with query_budget("hotline.ticket"):
        page = client.get(reverse("hotline:ticket", args=[ticket.pk])).content.decode()
    assert PHONE not in page
    assert "138****8000" in page
    assert "13900139000" not in page
    assert page.count("data-action=") == 3
    assert 'data-test="to-call-back"' in page


def test_opening_the_caller_from_the_page(client, operator):
    ticket = TicketFactory(by=operator)
    url = reverse("hotline:open_caller", args=[ticket.pk])
    assert client.get(url).status_code == 405
    assert client.post(url, {"reason": ""}).status_code == 422
    answer = client.post(url, {"reason": "回访核实情况"})
    assert PHONE in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert AuditEntry.objects.filter(action="hotline.open_caller", actor_id=operator.pk).count() == 1


def test_an_officer_sees_the_ticket_of_the_own_order(client):
    ticket = TicketFactory(state="dispatched")
    client.force_login(officer_of(ticket.org))
    page = client.get(reverse("hotline:ticket", args=[ticket.pk]))
    assert page.status_code == 200
    assert 'data-test="triage"' not in page.content.decode()


@pytest.mark.parametrize(
    ("action", "data", "state"),
    [
        ("answer", {"reply": "已告知"}, "answered"),
        ("reject", {"ground": "outside"}, "rejected"),
        ("hand_over", {}, "awaiting_dispatch"),
        ("dispatch", {}, "dispatched"),
    ],
)
def test_triage_from_the_page(client, operator, action, data, state):
    ticket = TicketFactory(by=operator)
    if action == "dispatch":
        data = {"org": unit_of().pk}
    answer = client.post(reverse(f"hotline:{action}", args=[ticket.pk]), data, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    ticket.refresh_from_db()
    assert ticket.state == state
    assert f'data-state="{state}"' in answer.content.decode()


def test_a_refused_step_is_said_on_the_page(client, operator, news):
    ticket = TicketFactory(by=operator, state="answered")
    news.forget()
    url = reverse("hotline:answer", args=[ticket.pk])
    answer = client.post(url, {"reply": "x"}, headers={"HX-Request": "true"})
    assert json.loads(answer["HX-Trigger"])["toast"]["tone"] == "error"
    assert client.post(url, {"reply": "x"}).status_code == 302
    assert news == []


def test_call_backs_from_the_page(client, operator, query_budget):
    ticket = TicketFactory(by=operator, state="awaiting_callback")
    with query_budget("hotline.call_backs"):
        page = client.get(reverse("hotline:call_backs")).content.decode()
    assert f'data-test="call-back" data-ticket="{ticket.pk}"' in page
    url = reverse("hotline:record_call_back", args=[ticket.pk])
    assert client.post(url, {}).status_code == 422
    assert client.post(url, {"contacted": "1"}).status_code == 422
    said = {"contacted": "1", "solved": "yes", "satisfied": "satisfied"}
    answer = client.post(url, said, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    ticket.refresh_from_db()
    assert ticket.state == "closed"
    assert 'data-test="empty"' in client.get(reverse("hotline:call_backs")).content.decode()


# ------------------------------------------------------------------ API


def test_the_api_takes_answers_and_refuses(client, operator):
    body = {"title": TITLE, "content": CONTENT, "area_code": CHONGCHUAN, "caller_phone": PHONE}
    made = client.post("/api/v1/tickets/", body, content_type="application/json")
    assert made.status_code == 201
    url = f"/api/v1/tickets/{made.json()['id']}/"
    shown = client.get(url).json()
    assert shown["state"] == "new"
    assert not any("caller" in key for key in shown)
    assert PHONE not in json.dumps(shown)
    assert client.post(f"{url}answer/", {"reply": "好"}, content_type="application/json").status_code == 200
    again = client.post(f"{url}answer/", {"reply": "好"}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")


def test_the_api_seals_what_it_takes(client, operator):
    body = {"title": "举报", "content": "举报内容在此", "request_type": "report", "area_code": CHONGCHUAN}
    made = client.post("/api/v1/tickets/", body, content_type="application/json")
    assert set(made.json()) == {"id", "number", "state"}
    assert client.get(f"/api/v1/tickets/{made.json()['id']}/").status_code == 404


def test_the_api_suggests_to_the_desk_only(client, operator):
    load_tree()
    body = {"title": TITLE, "content": CONTENT}
    found = client.post("/api/v1/tickets/suggest/", body, content_type="application/json").json()
    assert "category" in [one["target"] for one in found]
    client.force_login(leader_of())
    refused = client.post("/api/v1/tickets/suggest/", body, content_type="application/json")
    assert refused.status_code == 403
