"""Pages, tiles, search and trace: each cut to the viewer's rights in the query."""

import json

import pytest
from django.contrib.gis.geos import Point
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from city.roles import Role
from dashboards.catalogue import PASSPORTS
from dashboards.tiles import shapes_of
from dispatch import services as orders
from hotline import services as tickets
from tests.factories.city import CHONGCHUAN, CITY, RUDONG, UserFactory

from .helpers import make_city, take, whole_case

pytestmark = pytest.mark.django_db(transaction=True)
HERE = Point(120.83, 31.93, srid=4490)
TILE = "/tiles/orders/9/427/208.mvt"  # holds HERE


@pytest.fixture
def people():
    return make_city()


@pytest.fixture
def as_user():
    def enter(user) -> Client:
        client = Client(headers={"accept-language": "en"})
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return enter


def placed_order(people, **more):
    given = {
        "kind": "instruction",
        "case_ref": "hotline.ticket:1",
        "title": "Clear the drain",
        "content": "",
        "area_code": f"{CHONGCHUAN}001",
        "org_id": people.unit.pk,
        "location": HERE,
    } | more
    return orders.open_order(**given)


def test_the_cockpit_opens_for_leaders_and_not_for_officers(people, as_user):
    assert as_user(people.leader).get("/cockpit/").status_code == 200
    assert as_user(people.officer).get("/cockpit/").status_code == 403
    assert Client().get("/cockpit/").status_code == 302


def test_an_area_above_or_beside_ones_own_does_not_exist(people, as_user):
    client = as_user(people.county_leader)
    assert client.get("/cockpit/", {"area": CHONGCHUAN}).status_code == 200
    for code in (CITY, RUDONG, "999999", "x"):
        assert client.get("/cockpit/", {"area": code}).status_code == 404
        assert client.get("/cockpit/data/", {"area": code}).status_code == 404
        assert client.get(reverse("dashboards:areas", args=[code])).status_code == 404
        assert (
            client.get(reverse("dashboards:passport", args=["orders.open"]), {"area": code}).status_code
            == 404
        )


def test_cockpit_data_names_what_the_map_and_lists_need(people, as_user, pump):
    whole_case(people)
    pump()
    data = as_user(people.leader).get("/cockpit/data/").json()
    assert [child["code"] for child in data["children"]] == [CHONGCHUAN, RUDONG]
    assert data["trend"]["taken"][-1] == 1
    assert len(data["trend"]["days"]) == 30
    assert data["events"][0]["position"] > data["events"][-1]["position"]
    assert data["events"][0]["line"]["href"].startswith("/trace/")
    assert data["units"]["left_out"] == 2


def test_cockpit_data_costs_the_same_however_much_happened(people, as_user, pump):
    client = as_user(people.leader)

    def cost() -> int:
        cache.clear()
        client.get("/cockpit/data/")  # what a process keeps is warm
        cache.clear()
        with CaptureQueriesContext(connection) as seen:
            client.get("/cockpit/data/")
        return len(seen)

    whole_case(people)
    pump()
    one = cost()
    for _n in range(4):
        whole_case(people)
        take(people, area=RUDONG)
    pump()
    assert cost() == one


def test_a_leader_reads_no_event_of_a_sealed_ticket_in_the_list(people, as_user, pump):
    take(people, confidential=True, title="Whistle")
    pump()
    assert as_user(people.leader).get("/cockpit/data/").json()["events"] == []
    assert as_user(people.dispatcher).get("/cockpit/data/").json()["events"] == []


@pytest.mark.parametrize("key", sorted(PASSPORTS))
def test_every_figure_has_a_passport(people, as_user, pump, key):
    whole_case(people)
    placed_order(people)
    pump()
    answer = as_user(people.leader).get(reverse("dashboards:passport", args=[key]), {"area": CITY})
    assert answer.status_code == 200
    assert 'data-test="passport"' in answer.content.decode()


def test_passport_rows_are_those_the_viewer_may_open(people, as_user, pump):
    order = placed_order(people)
    hidden = placed_order(people, confidential=True, title="Sealed matter")
    pump()
    html = as_user(people.leader).get(reverse("dashboards:passport", args=["orders.open"])).content.decode()
    assert (order.number in html, hidden.number in html) == (True, False)


def test_an_analyst_is_sent_alerts_only(people, as_user):
    analyst = UserFactory(roles=[(Role.ANALYST, CITY)])
    client = as_user(analyst)
    html = client.get("/cockpit/").content.decode()
    assert 'data-test="figure-alerts.open.1"' in html
    assert 'data-test="figure-orders.open"' not in html
    assert client.get(reverse("dashboards:passport", args=["orders.open"])).status_code == 404


def test_a_tile_holds_only_orders_one_may_see(people, as_user):
    order = placed_order(people)
    holding = as_user(people.officer).get(TILE)
    assert (holding.status_code, order.number.encode() in holding.content) == (200, True)
    other = as_user(people.other_officer).get(TILE)
    assert (other.status_code, other.content) == (200, b"")


def test_another_countys_order_has_no_tile(people, as_user):
    order = placed_order(people)
    assert as_user(people.officer).get(TILE, {"order": order.pk}).status_code == 200
    assert as_user(people.other_officer).get(TILE, {"order": order.pk}).status_code == 404
    assert as_user(people.officer).get(TILE, {"order": "1 OR 1=1"}).status_code == 404


def test_tiles_leave_out_sealed_and_ended_orders(people, as_user):
    placed_order(people, confidential=True)
    gone = placed_order(people)
    orders.cancel_order(order_id=gone.pk, by=None, reason="Sent twice", ground="duplicate")
    assert as_user(people.leader).get(TILE).content == b""


@pytest.mark.parametrize(
    "path", ["/tiles/orders/3/9/0.mvt", "/tiles/orders/30/0/0.mvt", "/tiles/people/9/427/208.mvt"]
)
def test_tiles_that_cannot_be(people, as_user, path):
    assert as_user(people.leader).get(path).status_code == 404


def test_area_tiles_are_cut_to_ones_own_areas(people, as_user):
    own = as_user(people.county_leader).get("/tiles/areas/8/213/104.mvt").content
    assert "崇川区".encode() in own
    assert "如东县".encode() not in own


def test_shapes_hold_the_areas_below_and_a_box(people):
    shapes = shapes_of(CITY)
    assert [feature["properties"]["code"] for feature in shapes["areas"]["features"]] == [CHONGCHUAN, RUDONG]
    assert shapes["box"] == pytest.approx([120.8, 31.8, 121.4, 32.4])
    assert json.dumps(shapes)
    assert shapes_of("3206130019")["box"] is None


def test_a_case_is_traced_from_call_to_score(people, as_user, pump):
    case = whole_case(people)
    pump()
    tickets.record_call_back(
        ticket_id=case.ticket.pk, by=people.operator, contacted=True, solved="yes", satisfied="satisfied"
    )
    pump()
    for ref in (f"hotline.ticket:{case.ticket.pk}", f"dispatch.order:{case.order_id}"):
        trace = as_user(people.leader).get(f"/trace/{ref}/").context["trace"]
        kinds = [step.thing.kind for step in trace.steps]
        assert kinds[0] == "ticket"
        assert kinds[-1] in ("fact", "ticket")
        assert {"ticket", "order", "fact"} == set(kinds)
        assert [step.at for step in trace.steps] == sorted(step.at for step in trace.steps)
        assert trace.hidden == 0


def test_a_trace_shows_the_place_of_what_one_may_not_see_and_nothing_of_it(people, as_user, pump):
    ticket = take(people, confidential=True, title="Whistle")
    ticket = tickets.dispatch_ticket(ticket_id=ticket.pk, org_id=people.unit.pk, by=people.operator)
    pump()
    answer = as_user(people.officer).get(f"/trace/dispatch.order:{ticket.order_id}/")
    trace = answer.context["trace"]
    assert [thing.hidden for thing in trace.things if thing.kind == "ticket"] == [True]
    assert ticket.number not in answer.content.decode()


@pytest.mark.parametrize("ref", ["dispatch.order:999999", "nonsense", "journal.fact:5", "city.user:1"])
def test_what_is_not_there_has_no_trace(people, as_user, ref):
    assert as_user(people.leader).get(f"/trace/{ref}/").status_code == 404


def test_another_countys_order_has_no_trace(people, as_user):
    order = placed_order(people)
    assert as_user(people.other_officer).get(f"/trace/dispatch.order:{order.pk}/").status_code == 404


def test_search_finds_what_one_may_see(people, as_user):
    order = placed_order(people)
    assert as_user(people.officer).get("/search/", {"q": order.number}).status_code == 302
    assert (
        'data-test="search-order"' in as_user(people.officer).get("/search/", {"q": "drain"}).content.decode()
    )
    for query in (order.number, "drain"):
        html = as_user(people.other_officer).get("/search/", {"q": query}).content.decode()
        assert 'data-test="search-order"' not in html
    assert 'data-test="search-area"' in as_user(people.leader).get("/search/", {"q": "崇川"}).content.decode()


def test_a_sealed_ticket_is_never_found_by_its_words(people, as_user):
    take(people, confidential=True, title="Whistle about a unit")
    html = as_user(people.operator).get("/search/", {"q": "Whistle"}).content.decode()
    assert 'data-test="search-ticket"' not in html
