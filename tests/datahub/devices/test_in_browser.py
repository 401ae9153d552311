"""By mouse and keyboard: the list, the map and its card, a fault on wall and phone."""

import os
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from playwright.sync_api import expect

from commandcenter.core import clock
from datahub.devices import services
from datahub.devices.models import Device, Fault
from tests.factories.city import CHONGCHUAN, CITY, AreaFactory, square
from tests.factories.devices import City, camera, owners, row, table_of

pytestmark = [pytest.mark.browser]
SHOTS = os.environ.get("CC_SHOTS", "")


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"devices_{name}.png"), full_page=True)


def fits(page):
    """Nothing sticks out at the side."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


@pytest.fixture
def who(live_city):
    """Twelve cameras in the register, one of them silent for an hour."""
    AreaFactory(code=CITY, name="南通市", polygon=square(120.0, 31.0, 2.0))
    AreaFactory(code=CHONGCHUAN, name="崇川区", polygon=square(120.8, 31.9, 0.2))
    found = owners()
    table = table_of([row(n, lon=120.85 + n / 1000) for n in range(1, 13)])
    table = table.drop_columns(["installed_on"]).append_column("_row", pa.array(range(1, 13)))
    life = City(clock.now() - timedelta(minutes=48))
    with clock.at(life.now):
        services.take_rows(table, 1)
    codes = [camera(n) for n in range(1, 13)]
    life.walk(2, *codes)
    life.walk(46, *codes[1:])
    return found


@pytest.fixture
def open_as(new_context, log_in, live_city):
    def enter(user, path, **options):
        context = new_context(**options)
        log_in(context, user, live_city.url)
        page = context.new_page()
        page.goto(path)
        return page

    return enter


def test_from_the_list_over_the_map_to_the_fault(who, open_as):
    page = open_as(who["officer"], "/data/devices/")
    expect(page.get_by_test_id("device-row")).to_have_count(12)
    expect(page.get_by_test_id("count-fault")).to_have_text("1")
    page.get_by_test_id("filter-state").select_option("fault")
    page.get_by_test_id("filter-go").click()
    expect(page.get_by_test_id("device-row")).to_have_count(1)
    shot(page, "list")
    fits(page)

    device = Device.objects.get(code=camera(1))
    place = f"{{center:[{device.location.x},{device.location.y}],zoom:15}}"
    page.evaluate(f"sessionStorage.setItem('device-map-place', JSON.stringify({place}))")
    page.get_by_test_id("tab-map").click()
    drawn = page.get_by_test_id("device-map")
    expect(drawn).to_have_attribute("data-ready", "1", timeout=30_000)
    box = drawn.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    card = page.get_by_test_id("device-card")
    expect(card).to_contain_text(camera(1))
    shot(page, "map")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()

    fault = Fault.objects.get()
    phone = open_as(who["officer"], f"/data/devices/faults/{fault.pk}/", phone=True)
    fits(phone)
    phone.goto(f"/data/devices/{device.pk}/")
    expect(phone.get_by_test_id("strip")).to_have_count(7)
    fits(phone)
    shot(phone, "device-phone")
    for path in ("/data/devices/availability/", "/data/devices/maintenance/", "/data/devices/faults/"):
        phone.goto(path)
        fits(phone)
