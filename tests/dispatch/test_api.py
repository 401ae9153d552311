"""The interface translates: rights are 404, rules are 409, bad input is 400."""

import pytest

from city.roles import Role
from commandcenter.core import clock
from tests.dispatch.helpers import everything
from tests.factories.city import CITY, RUDONG, UserFactory
from tests.factories.dispatch import MORNING, OrderFactory, dispatcher_of, officer_of, unit

pytestmark = pytest.mark.django_db
ORDERS = "/api/v1/orders/"


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


def post(client, order, action, **data):
    return client.post(f"{ORDERS}{order.pk}/{action}/", data, content_type="application/json")


def test_without_login_nothing(client):
    order = OrderFactory()
    assert client.get(ORDERS).status_code == 403
    assert post(client, order, "sign").status_code == 403


def test_list_and_detail_show_what_one_may_see(client):
    mine, other = OrderFactory(), OrderFactory(org=unit(RUDONG))
    client.force_login(officer_of(mine.org))
    assert [row["id"] for row in client.get(ORDERS).json()["results"]] == [mine.pk]
    assert [move["action"] for move in client.get(f"{ORDERS}{mine.pk}/").json()["moves"]] == ["open"]
    assert client.get(f"{ORDERS}{other.pk}/").status_code == 404


def test_an_education_officer_gets_no_police_order_of_the_same_county(client):
    police = OrderFactory(org=unit(function="police"))
    client.force_login(officer_of(unit(function="education")))
    before = everything()
    assert client.get(f"{ORDERS}{police.pk}/").status_code == 404
    assert post(client, police, "sign").status_code == 404
    assert everything() == before


@pytest.mark.parametrize(
    ("query", "found"),
    [("", 2), ("?view=unsigned", 1), ("?view=ended", 0), ("?kind=alert", 0), ("?q=lamp", 2)],
)
def test_filters(client, query, found):
    org = unit()
    OrderFactory(org=org)
    OrderFactory(org=org, state="signed")
    client.force_login(dispatcher_of(CITY))
    assert len(client.get(ORDERS + query).json()["results"]) == found


def test_the_whole_way(client):
    order = OrderFactory(contact_needed=True)
    officer, commander = officer_of(order.org), dispatcher_of()
    client.force_login(officer)
    assert post(client, order, "sign").json()["state"] == "signed"
    assert post(client, order, "contact", note="Agreed").json()["contacted_at"]
    assert post(client, order, "request-extension", days=2, reason="Spare part").status_code == 200
    client.force_login(commander)
    assert post(client, order, "decide-extension", granted=True).json()["extended_days"] == 2
    client.force_login(officer)
    assert post(client, order, "handle", result="Done", solved="yes").json()["state"] == "handled"
    client.force_login(commander)
    answer = post(client, order, "check", passed=True).json()
    assert answer["state"] == "closed"
    assert [move["action"] for move in answer["moves"]][-1] == "close"


def test_hold_assist_return_and_cancel(client):
    order, helper = OrderFactory(state="signed"), unit()
    officer, commander = officer_of(order.org), dispatcher_of()
    client.force_login(officer)
    hold = {"reason": "Frost", "release_condition": "Thaw", "review_on": "2026-07-01"}
    assert post(client, order, "request-hold", **hold).status_code == 200
    client.force_login(commander)
    assert post(client, order, "decide-hold", granted=True).json()["held"] is True
    client.force_login(officer)
    assert post(client, order, "handle", result="x").json()["code"] == "held"
    assert post(client, order, "release").json()["held"] is False
    assert post(client, order, "request-return", reason="Not ours").json()["state"] == "return_review"
    client.force_login(commander)
    assert post(client, order, "rule-return", accepted=False, note="Yours").json()["ruled"] is True
    client.force_login(officer)
    assert post(client, order, "assist", org_id=helper.pk, task="Close the lane").status_code == 200
    client.force_login(commander)
    assert post(client, order, "cancel", reason="Twice", ground="duplicate").json()["state"] == "cancelled"


def test_a_rule_that_says_no_is_409_with_its_code_and_nothing_happens(client):
    order = OrderFactory(state="signed")
    client.force_login(officer_of(order.org))
    before = everything()
    answer = post(client, order, "sign")
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")
    assert everything() == before


def test_one_who_sees_but_may_not_act_is_403(client):
    order = OrderFactory()
    client.force_login(UserFactory(roles=[(Role.SUPERVISOR, CITY)]))
    before = everything()
    assert post(client, order, "sign").status_code == 403
    assert everything() == before


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("handle", {}),
        ("check", {}),
        ("request-extension", {"days": 99, "reason": "x"}),
        ("assist", {"org_id": 0, "task": "x"}),
        ("contact", {"outcome": "nonsense"}),
    ],
)
def test_bad_input_is_400_and_nothing_happens(client, action, data):
    order = OrderFactory(state="signed")
    client.force_login(dispatcher_of() if action == "check" else officer_of(order.org))
    before = everything()
    assert post(client, order, action, **data).status_code == 400
    assert everything() == before


def test_the_list_costs_the_same_for_one_and_twenty(client, query_budget):
    org = unit()
    client.force_login(officer_of(org))
    OrderFactory(org=org)
    client.get(ORDERS)
    for _round in range(2):
        with query_budget("dispatch.api_list"):
            client.get(ORDERS)
        for _ in range(19):
            OrderFactory(org=org)
