"""By mouse and keyboard, with a running worker: rejected rows are mended at the cell, checked and sent again."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from datahub.models import Delivery
from datahub.quality.models import Incident, Mend
from tests.factories.city import CITY, AreaFactory, square

from .kit import SHOPS, declared, shop, shops, staff

pytestmark = [pytest.mark.browser]
# The lake outlives a test of the running city, so these rows lie in a dataset of their own.
LIVE = SHOPS.model_copy(update={"code": "test.shops_live"})
SHOTS = os.environ.get("CC_SHOTS", "")


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def fits(page):
    """Nothing sticks out at the side."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


@pytest.fixture
def who(live_city):
    AreaFactory(code=CITY, name="南通市", polygon=square(120.0, 31.0, 2.0))
    return staff()


@pytest.fixture
def bad(who, tmp_path):
    declared(LIVE)
    records = [shop("A"), shop("B", staff="many"), shop("C", staff=900), shop("D", staff="many")]
    return shops(tmp_path, records, code=LIVE.code)


@pytest.fixture
def open_as(new_context, log_in, live_city):
    def enter(user, path, **options):
        context = new_context(**options)
        log_in(context, user, live_city.url)
        page = context.new_page()
        page.goto(path)
        return page

    return enter


def cell(page, row, header):
    line = page.locator(f"[data-test=mend-row][data-row-number='{row}']")
    return line.locator(f"[data-test=cell][data-header={header}]")


def test_from_the_incident_to_the_replay(bad, who, open_as):
    page = open_as(who["owner"], "/data/incidents/")
    expect(page.get_by_test_id("incident-row")).to_have_count(2)
    fits(page)
    found = Incident.objects.get(key="=type")
    page.goto(f"/data/incidents/{found.pk}/")
    page.get_by_test_id("do-acknowledge").click()
    expect(page.get_by_test_id("incident")).to_have_attribute("data-state", "acknowledged")
    page.get_by_test_id("incident-go").first.click()

    expect(page.get_by_test_id("mend-row")).to_have_count(3)
    expect(cell(page, 2, "staff")).to_have_value("many")
    page.get_by_test_id("tools").locator("summary").click()
    page.get_by_test_id("replace-header").select_option("staff")
    page.get_by_test_id("replace-find").fill("many")
    page.get_by_test_id("replace-by").fill("12")
    page.get_by_test_id("replace").click()
    expect(cell(page, 4, "staff")).to_have_value("12")
    cell(page, 3, "staff").fill("901")
    page.get_by_test_id("keep").click()
    expect(page.get_by_test_id("mended")).to_have_text("3")
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("checked")).to_have_attribute("data-passing", "2")
    expect(page.locator("[data-row-number='3'] .field-error").first).to_be_visible()
    shot(page, "mend-checked")
    page.get_by_test_id("replay").click()
    expect(page.get_by_test_id("replayed")).to_have_text("2")
    expect(page.get_by_test_id("mend-row")).to_have_count(1)

    new = bad.replays.get().delivery
    steward = open_as(who["steward"], f"/data/deliveries/{new.pk}/", viewport={"width": 390, "height": 844})
    expect(steward.get_by_test_id("rows-committed")).to_have_text("2", timeout=20_000)
    fits(steward)
    shot(steward, "replayed-phone")
    steward.goto(f"/data/deliveries/{bad.pk}/mend/")
    fits(steward)
    assert Delivery.objects.get(pk=new.pk).rows_rejected == 0
    assert Mend.objects.filter(replay__delivery=new).count() == 2


def test_a_rule_is_tried_and_switched_on(bad, who, open_as):
    page = open_as(who["steward"], f"/data/quality/{LIVE.code}/rules/new/")
    page.get_by_test_id("rule-kind").select_option("range")
    expect(page.locator("[name=form]")).to_be_hidden()
    page.get_by_test_id("rule-column").select_option("staff")
    page.locator("[name=max]").fill("3")
    page.get_by_test_id("try").click()
    expect(page.get_by_test_id("would-fail")).to_have_text("1")
    fits(page)
    page.get_by_test_id("save-rule").click()
    expect(page.locator("[data-test=rule-row][data-rule=staff_range_2]")).to_have_attribute(
        "data-active", "yes"
    )


def test_the_inbox_moves_by_itself(bad, who, open_as, tmp_path):
    page = open_as(who["steward"], "/data/incidents/")
    expect(page.get_by_test_id("incident-row")).to_have_count(2)
    # What failed passes now, and something else fails: two close, one opens.
    shops(tmp_path, [shop("E"), shop("F", name="")], "more.csv", code=LIVE.code)
    expect(page.get_by_test_id("incident-row")).to_have_count(1, timeout=15_000)
