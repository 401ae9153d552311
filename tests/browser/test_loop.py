"""One case through every role, each in an own browser: from a call to the cockpit and the trace."""

import re

import pytest
from playwright.sync_api import expect

from dispatch.models import Order
from dispatch.selectors import score_items
from hotline.models import Ticket
from tests.factories.city import CITY

from .conftest import figure, wait_until_live

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_call_goes_all_the_way_round(staff, open_as):
    cockpit = open_as(staff.leader, f"/cockpit/?area={CITY}")
    wait_until_live(cockpit)
    expect(figure(cockpit, "tickets.taken")).to_have_text("0")
    inbox = open_as(staff.officer, "/orders/")
    wait_until_live(inbox)
    expect(inbox.get_by_test_id("order-row")).to_have_count(0)

    # The operator takes the call and takes what is suggested.
    desk = open_as(staff.operator, "/hotline/intake/")
    desk.get_by_test_id("caller-phone").fill("13800001111")
    desk.get_by_test_id("title").fill("小区电梯故障停运")
    desk.get_by_test_id("content").fill(
        "城东街道学田社区阳光花园 3 幢电梯停运三天，物业不维修，老人上下楼困难。"
    )
    desk.get_by_test_id("chip-category").first.click()
    pick(desk, "area", "城东")
    pick(desk, "org", "崇川区住建局")
    expect(desk.get_by_test_id("act")).to_have_attribute("data-decision", "dispatch")
    desk.get_by_test_id("act").click()
    expect(desk.get_by_test_id("taken")).to_be_visible()
    ticket = Ticket.objects.get()
    assert ticket.suggested_category
    # What signing counts is judged when its clock ends or the unit signs: nothing is in hand yet.
    assert not any(item.numerator for item in score_items(["320613-zj"])["320613-zj"])

    # The officer sees it come without reloading, signs and handles it.
    row = inbox.get_by_test_id("order-row")
    expect(row).to_have_count(1)
    expect(figure(cockpit, "tickets.taken")).to_have_text("1")
    expect(figure(cockpit, "orders.open")).to_have_text("1")
    inbox.get_by_test_id("order-link").click()
    inbox.get_by_test_id("do-sign").click()
    expect(inbox.locator('[data-step="contact"]')).to_be_visible()
    inbox.get_by_test_id("do-contact").click()
    expect(inbox.locator('[data-step="handle"]')).to_be_visible()
    inbox.locator('[data-test="form-handle"] textarea').first.fill("已联系维保单位更换主板，电梯恢复运行。")
    choose_if_asked(inbox, "form-handle", "yes")
    inbox.get_by_test_id("do-handle").click()
    expect(inbox.locator('[data-test="clock"][data-state="handled"]')).to_be_visible()
    order = Order.objects.get()
    expect(figure(cockpit, "orders.signed_rate")).to_have_text("100")
    expect(figure(cockpit, "orders.handled_rate")).to_have_text("100")

    # The checker closes it.
    checker = open_as(staff.dispatcher, f"/orders/{order.pk}/")
    checker.locator('[data-test="form-check"] [data-test^="check-"]').first.click()
    expect(checker.locator('[data-test="clock"][data-state="closed"]')).to_be_visible()
    expect(figure(cockpit, "orders.open")).to_have_text("0")

    # The operator calls back.
    calls = open_as(staff.operator, "/hotline/call-backs/")
    if not calls.get_by_test_id("call-form").count():
        calls.get_by_test_id("call-back-row").first.click()
    form = calls.get_by_test_id("call-form")
    for name, value in (("contacted", "1"), ("solved", "yes"), ("satisfied", "satisfied")):
        form.locator(f'input[name="{name}"][value="{value}"]').check(force=True)
    calls.get_by_test_id("record").click()
    expect(figure(cockpit, "calls.satisfied")).to_have_text("100")
    expect(figure(cockpit, "tickets.open")).to_have_text("0")

    # The unit's items changed: this one order is in each of them, in time and to the caller's satisfaction.
    items = {item.code: item for item in score_items(["320613-zj"])["320613-zj"]}
    for code in ("XW-01", "XW-07", "XW-10", "XW-17", "XW-18"):
        assert (items[code].numerator, items[code].denominator) == (1, 1), code
    assert items["XW-01"].score is None  # one order is no sample
    scores = open_as(staff.supervisor, "/orders/scores/?unit=320613-zj")
    expect(scores.get_by_test_id("item").first).to_be_visible()
    cockpit.locator(f'[data-test="live-event"][data-ref="dispatch.order:{order.pk}"] a').first.click()
    expect(cockpit).to_have_url(re.compile("/trace/"))
    kinds = cockpit.get_by_test_id("trace-step").evaluate_all("steps => steps.map(s => s.dataset.kind)")
    assert {"ticket", "order", "fact"} <= set(kinds)
    ticket.refresh_from_db()
    assert ticket.state == "closed"


def pick(page, name: str, words: str) -> None:
    """Type into a chooser and take the offer that holds the words."""
    box = page.get_by_test_id(f"pick-{name}")
    box.click()
    box.fill(words)
    page.locator(f'#{name}-list [role="option"]').filter(has_text=words).first.click()


def choose_if_asked(page, form: str, value: str) -> None:
    choice = page.locator(f'[data-test="{form}"] [name$="solved"]')
    if not choice.count():
        return
    if choice.first.evaluate("e => e.tagName") == "SELECT":
        choice.first.select_option(value)
    else:
        page.locator(f'[data-test="{form}"] [name$="solved"][value="{value}"]').check(force=True)
