"""In the browser: an order appears by itself, is signed, handled and checked by clicks, on wall and phone."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from commandcenter.core import clock
from dispatch import services
from dispatch.models import Order
from tests.factories.city import CHONGCHUAN, CITY, AreaFactory
from tests.factories.dispatch import OrderFactory, dispatcher_of, officer_of, unit

pytestmark = [pytest.mark.browser]
SHOTS = os.environ.get("CC_SHOTS", "")


def shot(page: Page, name: str) -> None:
    """A picture for people, where CC_SHOTS names a folder."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"dispatch_{name}.png"), full_page=True)


def joined(page: Page) -> None:
    """Wait until the page hears news; a busy machine takes its time."""
    expect(page.locator("[data-live-dot]")).to_have_attribute("data-state", "on", timeout=30_000)


def by(page: Page, name: str):
    return page.locator(f'[data-test="{name}"]')


@pytest.fixture
def places(live_city):
    AreaFactory(code=CITY, name="南通市")
    AreaFactory(code=CHONGCHUAN, name="崇川区")


@pytest.fixture
def org(places):
    return unit(name="崇川区住房和城乡建设局", short_name="崇川住建")


def fill(org, officer) -> None:
    """A believable inbox."""
    now = clock.now()
    OrderFactory(org=org, at=now - timedelta(hours=2), title="电梯困人，小区 3 号楼", urgency="critical")
    OrderFactory(org=org, at=now - timedelta(hours=20), title="地下车库积水，无人处理", urgency="urgent",
                 state="signed", officer=officer, place="南通市崇川区人民中路 120 号")  # fmt: skip
    OrderFactory(
        org=org, at=now - timedelta(days=4), title="外墙脱落影响行人安全", state="signed", officer=officer
    )
    OrderFactory(
        org=org, at=now - timedelta(days=1), title="物业费收取标准咨询", request_type="consult", kind="report"
    )
    OrderFactory(
        org=org, at=now - timedelta(minutes=2), title="PM2.5 小时浓度超过 150 μg/m³", kind="alert", level=2
    )
    OrderFactory(
        org=org,
        at=now - timedelta(days=2),
        title="信访材料",
        confidential=True,
        state="held",
        officer=officer,
    )
    OrderFactory(org=org, at=now - timedelta(days=1), title="楼道照明损坏", state="handled", officer=officer)


def test_the_loop_by_clicks_without_a_reload(live_city, new_context, log_in, org):
    officer, commander = officer_of(org), dispatcher_of(CITY)
    fill(org, officer)
    there, centre = new_context(), new_context()
    log_in(there, officer, live_city.url)
    log_in(centre, commander, live_city.url)

    inbox = there.new_page()
    inbox.goto("/orders/")
    joined(inbox)
    inbox.evaluate("window.neverReloaded = true")
    order = OrderFactory(
        org=org, at=clock.now(), title="新城小区路灯不亮", contact_needed=True, area_code=CHONGCHUAN,
        content="新城小区 5 号楼前的路灯已经坏了一周，晚上老人出行不便，请尽快维修。", place="崇川区新城小区 5 号楼",
    )  # fmt: skip
    row = inbox.locator(f'[data-order="{order.number}"]')
    expect(row).to_be_visible(timeout=30_000)
    assert inbox.evaluate("window.neverReloaded")
    shot(inbox, "inbox_wall")

    row.locator('[data-test="order-link"]').click()
    expect(by(inbox, "order")).to_have_attribute("data-state", "dispatched")
    by(inbox, "do-sign").click()
    expect(by(inbox, "next-step")).to_have_attribute("data-step", "contact")
    by(inbox, "do-contact").click()
    expect(by(inbox, "next-step")).to_have_attribute("data-step", "handle")
    shot(inbox, "order_wall")

    review = centre.new_page()
    review.goto("/orders/review/?tab=check")
    joined(review)
    inbox.locator("#id_handle-result").fill("已更换灯泡并检修线路，现已恢复照明。")
    by(inbox, "do-handle").click()
    waiting = review.locator(f'[data-test="review-row"][data-order="{order.number}"]')
    expect(waiting).to_be_visible(timeout=30_000)
    shot(review, "review_wall")

    waiting.locator('[data-test="check-1"]').click()
    expect(review.locator(f'[data-test="review-row"][data-order="{order.number}"]')).to_have_count(0)
    # The officer's page follows without a reload.
    expect(inbox.locator('[data-test="move"][data-action="close"]')).to_be_visible(timeout=30_000)
    order.refresh_from_db()
    assert order.state == "closed"


def test_what_one_types_is_kept_when_the_order_moves(live_city, new_context, log_in, org):
    officer = officer_of(org)
    order = OrderFactory(org=org, at=clock.now(), state="signed", officer=officer)
    context = new_context()
    log_in(context, officer, live_city.url)
    page = context.new_page()
    page.goto(order.get_absolute_url())
    joined(page)
    page.locator("#id_handle-result").fill("Half a sentence")
    services.request_extension(order_id=order.pk, by=officer, days=2, reason="Spare part")
    expect(page.locator('[data-test="move"][data-action="request_extension"]')).to_be_visible(timeout=30_000)
    expect(by(page, "order-changed")).to_be_visible()
    expect(page.locator("#id_handle-result")).to_have_value("Half a sentence")


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_phone_pages_fit_and_work(live_city, new_context, log_in, org, locale):
    officer, commander = officer_of(org), dispatcher_of(CITY)
    fill(org, officer)
    context = new_context(phone=True, locale=locale)
    log_in(context, officer, live_city.url)
    page = context.new_page()
    order = Order.objects.filter(state="dispatched").first()
    assert order is not None
    for name, url in (
        ("inbox", "/orders/"),
        ("order", order.get_absolute_url()),
        ("scores", "/orders/scores/"),
    ):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{name} is wider than the phone"
        )
        shot(page, f"{name}_phone_{locale}")
    page.goto(order.get_absolute_url())
    by(page, "do-sign").click()
    expect(by(page, "next-step")).to_have_attribute("data-step", "handle")
    at_centre = new_context(phone=True, locale=locale)
    log_in(at_centre, commander, live_city.url)
    review = at_centre.new_page()
    review.goto("/orders/review/")
    assert review.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(review, f"review_phone_{locale}")


def test_scores_open_to_their_rows(live_city, new_context, log_in, org):
    officer = officer_of(org)
    for _ in range(6):
        OrderFactory(org=org, at=clock.now() - timedelta(hours=2), state="handled", officer=officer)
    context = new_context()
    log_in(context, officer, live_city.url)
    page = context.new_page()
    page.goto("/orders/scores/")
    shot(page, "scores_wall")
    page.locator('[data-code="XW-01"] [data-test="open-rows"]').click()
    expect(by(page, "score-row")).to_have_count(6)
    shot(page, "score_rows_wall")
