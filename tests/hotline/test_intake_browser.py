"""The operator's page in a browser: by keyboard alone, without a page load, on wall and phone."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from commandcenter.core import clock
from dispatch.models import Order
from hotline.models import Draft, Ticket
from tests.factories.hotline import (
    CHONGCHUAN,
    PHONE,
    TicketFactory,
    close_order,
    load_tree,
    make_city,
    operator_of,
    unit_of,
)

pytestmark = [pytest.mark.browser]
SHOTS = os.environ.get("CC_SHOTS", "")


def shot(page: Page, name: str) -> None:
    """A picture for people, where CC_SHOTS names a folder."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"hotline_{name}.png"), full_page=True)


def by(page: Page, name: str):
    return page.locator(f'[data-test="{name}"]')


@pytest.fixture
def unit(live_city):
    make_city()
    load_tree()
    return unit_of(CHONGCHUAN, "urban_mgmt", name="崇川区城市管理局", short_name="崇川城管")


def test_a_call_is_taken_and_dispatched_by_keyboard(live_city, new_context, log_in, unit):
    operator, now = operator_of(), clock.now()
    TicketFactory(
        by=operator, at=now - timedelta(days=3), state="answered", title="咨询烧烤店油烟投诉渠道",
        content="烧烤店油烟大怎么投诉", request_type="complaint",
    )  # fmt: skip
    TicketFactory(
        by=operator, at=now - timedelta(minutes=20), state="awaiting_dispatch", title="人民路路灯不亮",
        content="路灯坏了一周",
    )  # fmt: skip
    TicketFactory(
        by=operator, at=now - timedelta(minutes=5), state="awaiting_dispatch", request_type="report",
        title="举报某单位", content="具体情况另述",
    )  # fmt: skip
    context = new_context()
    log_in(context, operator, live_city.url)
    page = context.new_page()
    page.goto("/hotline/intake/")
    page.evaluate("window.neverReloaded = true")
    expect(by(page, "caller-phone")).to_be_focused()
    expect(by(page, "queue-item")).to_have_count(2)
    assert "举报某单位" not in page.content()

    page.keyboard.type(PHONE)
    expect(by(page, "history-item")).to_have_count(2)
    page.keyboard.press("Alt+2")
    expect(by(page, "title")).to_be_focused()
    page.keyboard.type("烧烤店夜里油烟扰民")
    page.keyboard.press("Tab")
    page.keyboard.type("崇川区人民路烧烤店每天夜里油烟很大，烧烤店油烟大怎么投诉，请管一管")
    expect(by(page, "chip-category").first).to_have_attribute("data-value", "0706")
    expect(by(page, "chip-area")).to_be_visible()
    expect(by(page, "chip-org")).to_be_visible()
    expect(by(page, "answer").first).to_be_visible()
    expect(by(page, "twin").first).to_be_visible()
    shot(page, "intake_suggestions_wall")

    # Tab takes one suggestion after the other, as they come.
    for name, value in (("area", CHONGCHUAN), ("category", "0706"), ("org", str(unit.pk))):
        expect(by(page, f"chip-{name}").first).to_be_visible()
        for _ in range(4):
            if page.locator(f'input[name="{name}"]').input_value() == value:
                break
            page.locator("#id_content").press("Tab")
            page.wait_for_timeout(50)
        expect(page.locator(f'input[name="{name}"]')).to_have_value(value)
    expect(by(page, "act")).to_have_attribute("data-decision", "dispatch")
    expect(by(page, "act")).to_contain_text("崇川区城市管理局")
    expect(by(page, "call-timer")).not_to_contain_text("00:00")
    expect(by(page, "draft-note")).not_to_be_empty()
    assert Draft.objects.filter(operator=operator).exists()
    shot(page, "intake_wall")

    page.keyboard.press("Control+Enter")
    expect(by(page, "taken")).to_be_visible()
    assert page.evaluate("window.neverReloaded")
    ticket = Ticket.objects.latest("pk")
    assert ticket.state == "dispatched"
    assert ticket.suggested_category == "0706"
    assert ticket.call_seconds is not None
    assert Order.objects.get().org_id == unit.pk
    expect(by(page, "title")).to_have_value("")
    expect(by(page, "caller-phone")).to_be_focused()

    by(page, "queue-item").first.click()
    expect(by(page, "triage")).to_be_visible()
    expect(by(page, "ticket")).to_have_attribute("data-state", "awaiting_dispatch")
    by(page, "triage-unit").fill("崇川 城市")
    by(page, "option-org").first.click()
    shot(page, "panel_wall")
    by(page, "triage-dispatch").click()
    expect(by(page, "ticket")).to_have_attribute("data-state", "dispatched")
    assert page.evaluate("window.neverReloaded")


def test_the_other_pages_on_wall_and_phone(live_city, new_context, log_in, unit):
    operator, now = operator_of(), clock.now()
    for n, title in enumerate(("小区楼下烧烤店油烟扰民", "店外经营占道", "垃圾无人清运")):
        ticket = TicketFactory(
            by=operator, at=now - timedelta(hours=5 + n), state="dispatched", org=unit, title=title,
            content=f"{title}，请尽快处理，电话13900139000", category_code="0706",
        )  # fmt: skip
        if n < 2:
            close_order(ticket)
    TicketFactory(by=operator, at=now, state="new", title="公交车脱班")
    TicketFactory(by=operator, at=now, request_type="report", title="举报", content="举报的内容")
    for phone in (False, True):
        size = "phone" if phone else "wall"
        context = new_context(phone=phone, locale="en" if phone else "zh-CN")
        log_in(context, operator, live_city.url)
        page = context.new_page()
        for name, address in (
            ("intake_empty", "/hotline/intake/"), ("list", "/hotline/"),
            ("call_backs", "/hotline/call-backs/"), ("ticket", f"/hotline/{ticket.pk}/"),
        ):  # fmt: skip
            page.goto(address)
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, f"{address} is {wide}px too wide on a {size}"
            shot(page, f"{name}_{size}")
    page.goto("/hotline/call-backs/")
    page.locator('input[name="contacted"][value="1"]').check()
    page.locator('input[name="solved"][value="yes"]').check()
    page.locator('input[name="satisfied"][value="satisfied"]').check()
    by(page, "record").click()
    expect(by(page, "call-back-row")).to_have_count(1)
    assert Ticket.objects.filter(state="closed").count() == 1
