"""What a person may not see is not there: by page, API, tile and socket; a session that ends ends its socket."""

import json
import re

import pytest
from django.contrib.gis.geos import Point
from playwright.sync_api import expect

from city.roles import Role
from commandcenter.journal.services import pump
from dispatch import services as orders
from tests.factories.city import CHONGCHUAN, CITY, OrganisationFactory, UserFactory

from .conftest import figure, wait_until_live

pytestmark = pytest.mark.django_db(transaction=True)
HERE = Point(120.83, 31.93, srid=4490)


def order_for(unit, **more):
    given = {
        "kind": "instruction",
        "case_ref": "hotline.ticket:1",
        "title": "清理排水口",
        "content": "",
        "area_code": f"{CHONGCHUAN}001",
        "org_id": unit.pk,
        "location": HERE,
    } | more
    return orders.open_order(**given)


def test_another_countys_order_is_not_there(staff, open_as):
    order = order_for(staff.unit)
    other = open_as(staff.other_officer, "/orders/")
    own = open_as(staff.officer, "/orders/")
    paths = (
        f"/orders/{order.pk}/",
        f"/api/v1/orders/{order.pk}/",
        f"/tiles/orders/9/427/208.mvt?order={order.pk}",
        f"/trace/dispatch.order:{order.pk}/",
    )
    for path in paths:
        assert own.request.get(path).status == 200, path
        assert other.request.get(path).status == 404, path


def test_no_frame_of_another_unit_reaches_a_socket(staff, open_as, new_context, log_in, live_city):
    """An officer of another county, and an education officer of the same one, while police and housing work."""
    police = OrganisationFactory(code="320613-ga", area_code=CHONGCHUAN, function="police")
    school = OrganisationFactory(code="320613-jy", area_code=CHONGCHUAN, function="education")
    teacher = UserFactory(roles=[(Role.OFFICER, CHONGCHUAN, school)], organisation=school)
    heard: dict[str, list[str]] = {"other": [], "teacher": []}
    for name, user in (("other", staff.other_officer), ("teacher", teacher)):
        context = new_context()
        log_in(context, user, live_city.url)
        page = context.new_page()
        frames = heard[name]
        page.on("websocket", lambda ws, frames=frames: ws.on("framereceived", frames.append))
        page.goto("/orders/")
        wait_until_live(page)
    own = open_as(staff.officer, "/orders/")
    wait_until_live(own)
    order_for(police, title="夜间巡逻")
    order_for(staff.unit)
    expect(own.get_by_test_id("order-row")).to_have_count(1)
    for frames in heard.values():
        assert [frame for frame in frames if json.loads(frame)["type"] == "event"] == []


def test_a_county_cockpit_shows_its_county_only(staff, open_as):
    page = open_as(staff.county_leader, "/cockpit/")
    wait_until_live(page)
    order_for(staff.other_unit, area_code="320623")
    order_for(staff.unit)
    expect(figure(page, "orders.open")).to_have_text("1")
    assert page.request.get(f"/cockpit/?area={CITY}").status == 404
    assert page.request.get("/cockpit/data/?area=320623").status == 404


def test_a_closed_session_closes_its_sockets(staff, new_context, log_in, live_city):
    context = new_context()
    log_in(context, staff.leader, live_city.url)
    cockpit, other = context.new_page(), context.new_page()
    cockpit.goto("/cockpit/")
    wait_until_live(cockpit)
    other.goto("/orders/")
    other.get_by_test_id("user-menu").click()
    other.get_by_test_id("logout").click()
    expect(cockpit).to_have_url(re.compile("/accounts/login/"))


def test_a_screen_comes_back_by_itself_and_shows_the_truth(staff, open_as, live_city):
    """The web server dies while work goes on; the wall reconnects and is right."""
    page = open_as(staff.leader, "/cockpit/")
    wait_until_live(page)
    expect(figure(page, "orders.open")).to_have_text("0")
    live_city.kill("web")
    expect(page.locator('[data-connection][data-state="off"]')).to_have_count(1)
    order_for(staff.unit)
    pump()
    live_city.start("web")
    live_city.wait_until_up()
    expect(figure(page, "orders.open")).to_have_text("1", timeout=45_000)
    expect(page.locator('[data-connection][data-state="on"]')).to_have_count(1)
