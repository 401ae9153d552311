"""An application by mouse and keyboard: applied for, checked, granted, the token taken, the grant stopped."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from datahub.sharing.models import Agreement
from tests.factories.city import CITY, AreaFactory, square
from tests.factories.sharing import CONDITIONAL, applied, people, shared

pytestmark = [pytest.mark.browser]
# The lake outlives a test of the running city, so these rows lie in a dataset of their own.
LIVE = CONDITIONAL.model_copy(update={"code": "test.shared_live"})
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
    return people()


@pytest.fixture
def open_as(new_context, log_in, live_city):
    def enter(user, path, **options):
        context = new_context(**options)
        log_in(context, user, live_city.url)
        page = context.new_page()
        page.goto(path)
        return page

    return enter


def test_an_application_from_start_to_stop(who, open_as):
    shared(LIVE, rows=12)
    page = open_as(who["consumer"], f"/data/sharing/apply/{LIVE.code}/")
    page.locator("[name=purpose]").fill("汛期会商研判")
    page.locator("[name=legal_basis]").fill("《中华人民共和国突发事件应对法》")
    fits(page)
    shot(page, "apply")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("agreement")).to_have_attribute("data-state", "applied")
    agreement = Agreement.objects.get(consumer_kind="organisation")
    url = f"/data/sharing/{agreement.pk}/"

    steward = open_as(who["steward"], "/data/sharing/")
    expect(steward.get_by_test_id("agreement-row")).to_have_count(1)
    shot(steward, "inbox")
    steward.goto(url)
    shot(steward, "check")
    steward.get_by_test_id("do-pass_check").click()
    expect(steward.get_by_test_id("agreement")).to_have_attribute("data-state", "checked")

    provider = open_as(who["provider"], url, phone=True)
    fits(provider)
    shot(provider, "decide-phone")
    provider.get_by_test_id("do-grant").click()
    expect(provider.get_by_test_id("agreement")).to_have_attribute("data-state", "granted")

    page.goto(url)
    page.get_by_test_id("do-token").click()
    token = page.get_by_test_id("secret").inner_text()
    answer = page.request.get(f"/api/share/v1/{LIVE.code}/rows", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["count"] == 12
    shot(page, "token")
    page.goto(url)
    expect(page.get_by_test_id("calls")).to_have_text("1")
    expect(page.get_by_test_id("once")).to_have_count(0)
    shot(page, "grant")
    page.locator("[data-test=step-stop] summary").click()
    page.locator("[data-test=step-stop] textarea").fill("会商结束")
    page.get_by_test_id("do-stop").click()
    expect(page.get_by_test_id("agreement")).to_have_attribute("data-state", "stopped")
    answer = page.request.get(f"/api/share/v1/{LIVE.code}/rows", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 403


def test_every_page_fits_a_phone_and_a_wall(who, open_as):
    shared()
    applied(who)
    for options in ({"phone": True}, {}, {"locale": "en-GB"}):
        page = open_as(who["steward"], "/data/sharing/", **options)
        for path in ("/data/sharing/", "/data/sharing/datasets/", "/data/sharing/ledger/", "/data/cascade/"):
            page.goto(path)
            fits(page)
            shot(
                page,
                f"{path.strip('/').replace('/', '-')}-{'phone' if options.get('phone') else 'wall'}-{options.get('locale', 'zh')}",
            )
        page.context.close()
