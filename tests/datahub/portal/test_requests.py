"""Somebody asks for data, follows the answer by number and code, and the steward answers."""

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.urls import reverse

from commandcenter.core.errors import BadInput, IllegalMove, PermissionDenied
from commandcenter.journal.models import AuditEntry
from datahub.portal import services
from datahub.portal.limits import LIMITS
from datahub.portal.models import DataRequest, DataRequestMove
from tests.factories.city import UserFactory

pytestmark = pytest.mark.django_db
GIVEN = {"title": "公共停车场实时空位", "purpose": "做一个找车位的小程序", "applicant": "company"}


@pytest.fixture
def asked(city):
    return services.ask_for_data(**GIVEN)


@pytest.fixture
def steward(city):
    return UserFactory(may=["steward"])


def look_up(client, number, code):
    return client.post(reverse("portal:progress"), {"number": number, "code": code})


def test_a_request_gets_a_number_and_a_code_that_opens_it(client, city, news):
    answer = client.post(reverse("portal:ask"), GIVEN)
    request = DataRequest.objects.get()
    assert answer.status_code == 201
    assert answer.context["asked"].number == request.number
    assert request.number.startswith("KF-")
    code = answer.context["code"]
    assert code not in request.code_hash
    assert len(code) == services.CODE_LENGTH
    seen = look_up(client, request.number.lower(), f" {code.lower()} ")
    assert seen.status_code == 200
    assert seen.context["found"] == request
    assert [move.action for move in seen.context["moves"]] == ["ask"]
    assert news == ["datahub.data_request.moved"]


def test_a_wrong_number_and_a_wrong_code_look_alike(client, asked):
    request, code = asked
    wrong_code = look_up(client, request.number, "AAAAAAAAAA")
    wrong_number = look_up(client, "KF-2026-999999", code)
    assert wrong_code.status_code == wrong_number.status_code == 404
    pages = [answer.content.decode() for answer in (wrong_code, wrong_number)]
    assert all(request.title not in text for text in pages)
    assert list(wrong_code.context["form"].non_field_errors()) == list(
        wrong_number.context["form"].non_field_errors()
    )


def test_codes_cannot_be_guessed_for_long(client, asked, monkeypatch):
    request, code = asked
    monkeypatch.setitem(LIMITS, "guess", (3, 3600))
    answers = [look_up(client, request.number, f"AAAAAAAAA{n}").status_code for n in range(5)]
    assert answers == [404, 404, 404, 429, 429]
    assert look_up(client, request.number, code).status_code == 200  # who knows it is not shut out
    monkeypatch.setitem(LIMITS, "look_up", (2, 60))
    assert look_up(client, request.number, code).status_code == 429


def test_telephone_and_identity_numbers_are_not_kept(city):
    request, _code = services.ask_for_data(
        **{**GIVEN, "purpose": "请回电 13812345678，身份证 11010519491231002X"}
    )
    request.refresh_from_db()
    assert "13812345678" not in request.purpose
    assert "11010519491231002X" not in request.purpose


@pytest.mark.parametrize(
    "change",
    [{"title": " "}, {"title": "长" * 121}, {"purpose": ""}, {"applicant": "x"}, {"website": "http://x"}],
)
def test_what_is_not_filled_in_and_what_machines_fill_in_is_not_taken(client, city, change, news):
    answer = client.post(reverse("portal:ask"), {**GIVEN, **change})
    assert answer.status_code == 400
    assert (DataRequest.objects.count(), news) == (0, [])


def test_one_address_asks_only_so_often(client, city, monkeypatch):
    monkeypatch.setitem(LIMITS, "ask", (2, 3600))
    answers = [client.post(reverse("portal:ask"), GIVEN).status_code for _n in range(3)]
    assert answers == [201, 201, 400]
    assert DataRequest.objects.count() == 2


def test_the_steward_answers_with_an_open_dataset(client, asked, steward, open_air):
    request, code = asked
    client.force_login(steward)
    page = reverse("portal:answer", args=[request.pk])
    assert client.get(reverse("portal:inbox")).context["found"][0][0] == request
    assert client.get(page).status_code == 200
    assert client.post(page, {"action": "accept", "note": ""}).status_code == 302
    sent = {"action": "open", "note": "已开放。", "dataset_code": open_air.code}
    assert client.post(page, sent).status_code == 302
    client.logout()
    seen = look_up(client, request.number, code)
    assert seen.context["found"].state == "opened"
    assert seen.context["open_now"]
    assert [move.action for move in seen.context["moves"]] == ["ask", "accept", "open"]
    told = AuditEntry.objects.filter(target_ref=request.ref).values_list("action", flat=True)
    assert sorted(told) == ["datahub.accept_data_request", "datahub.open_data_request"]
    assert client.get(reverse("portal:home")).context["told"] == {"received": 1, "answered": 1, "opened": 1}


def test_data_that_are_closed_again_are_not_named_to_whoever_asked(client, asked, steward, open_air):
    request, code = asked
    services.open_request(request_id=request.pk, by=steward, dataset_code=open_air.code, note="已开放。")
    open_air.open_type = "closed"
    open_air.name = "机密数据"
    open_air.save()
    seen = look_up(client, request.number, code)
    assert seen.status_code == 200
    assert "机密数据" not in seen.content.decode()


@pytest.mark.parametrize(
    ("state", "role", "call", "error"),
    [
        pytest.param("received", "analyst", ("accept_request", {}), PermissionDenied, id="not a steward"),
        pytest.param("received", "operator", ("decline_request", {"note": "x"}), PermissionDenied, id="operator"),
        pytest.param("received", "steward", ("decline_request", {"note": " "}), BadInput, id="no reason"),
        pytest.param(
            "received", "steward", ("open_request", {"note": "x", "dataset_code": "test.closed_personal"}),
            BadInput, id="the dataset is not open",
        ),
        pytest.param("in_review", "steward", ("accept_request", {}), IllegalMove, id="accepted already"),
        pytest.param("declined", "steward", ("decline_request", {"note": "x"}), IllegalMove, id="answered already"),
    ],
)  # fmt: skip
def test_refusals_change_nothing_and_say_nothing(asked, closed, state, role, call, error, news):
    request, _code = asked
    answered = {"answered_at": request.received_at, "answer": "x"} if state == "declined" else {}
    DataRequest.objects.filter(pk=request.pk).update(state=state, **answered)
    news.clear()
    name, given = call
    with pytest.raises(error):
        getattr(services, name)(request_id=request.pk, by=UserFactory(may=[role]), **given)
    request.refresh_from_db()
    assert (request.state, request.moves.count(), news) == (state, 1, [])


@pytest.mark.parametrize("role", ["analyst", "operator", "officer", "leader"])
def test_only_stewards_have_the_inbox(client, asked, role):
    client.force_login(UserFactory(may=[role]))
    assert client.get(reverse("portal:inbox")).status_code == 403
    assert client.post(reverse("portal:answer", args=[asked[0].pk]), {"action": "accept"}).status_code == 403


def test_strangers_are_asked_to_log_in(client, asked):
    assert client.get(reverse("portal:inbox")).status_code == 302


@pytest.mark.parametrize("statement", ["UPDATE {} SET note = 'x'", "DELETE FROM {}"])
def test_steps_cannot_be_changed(asked, statement):
    table = DataRequestMove._meta.db_table
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
