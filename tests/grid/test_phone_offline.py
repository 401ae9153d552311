"""The phone page in a real browser: three taps, and the same without net."""

import re

import pytest
from playwright.sync_api import Page, expect

from dispatch.models import Order
from grid.models import Report
from tests.factories.grid import CELL, INSIDE, RUBBISH, photo, walked_city

pytestmark = pytest.mark.django_db(transaction=True)
HERE = {
    "geolocation": {"longitude": INSIDE[0], "latitude": INSIDE[1], "accuracy": 9},
    "permissions": ["geolocation"],
}


@pytest.fixture
def phone(live_city, new_context, log_in):
    people = walked_city()

    def take(**options) -> Page:
        context = new_context(phone=True, **options)
        log_in(context, people["worker"], live_city.url)
        page = context.new_page()
        page.goto("/grid/")
        return page

    return take


def place(page: Page, state: str) -> None:
    expect(page.locator(f'[data-test="place"][data-state="{state}"]')).to_be_visible()


def until(page: Page, sentence: str) -> None:
    """Ask until it is so; the page's own waiting would need eval, which its policy forbids."""
    for _try in range(60):
        if page.evaluate(sentence):
            return
        page.wait_for_timeout(250)
    pytest.fail(f"never: {sentence}")


def picture(page: Page) -> None:
    page.set_input_files(
        '[data-test="photo"]', {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": photo(secret=True)}
    )
    expect(page.locator("[data-photo-view]")).to_be_visible()


def kind(page: Page):
    return page.locator(".gr-tile", has=page.locator(f'[data-test="kind-{RUBBISH}"]'))


def test_three_taps_with_large_targets(phone):
    page = phone(**HERE)
    place(page, "found")
    for target in (
        ".gr-tile span",
        '[data-test="send"]',
        '[data-test="to-mine"]',
        '[data-test="place-again"]',
        '[data-test="more-kinds"] summary',
    ):
        assert page.locator(target).first.bounding_box()["height"] >= 60, target
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page)
    kind(page).click()
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("toast").first).to_contain_text("WG")
    report = Report.objects.get()
    assert (report.area_code, report.state, bool(report.photo)) == (CELL, "dispatched", True)
    expect(page.get_by_test_id("queue")).to_be_hidden()


def test_without_net_it_opens_keeps_and_sends_later_once(phone):
    page = phone(**HERE)
    place(page, "found")
    until(page, "navigator.serviceWorker.controller !== null")
    until(
        page,
        "caches.open('grid-1').then(c => c.keys()).then(k => k.some(r => r.url.includes('grid_report')))",
    )
    page.context.set_offline(True)
    page.reload()
    place(page, "found")
    picture(page)
    kind(page).click()
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("queued")).to_have_count(1)
    expect(page.get_by_test_id("queue-words")).to_have_text(re.compile("1"))
    assert not Report.objects.exists()
    page.reload()  # the queue outlives the page
    expect(page.get_by_test_id("queued")).to_have_count(1)
    page.context.set_offline(False)
    expect(page.get_by_test_id("queue")).to_be_hidden()
    report = Report.objects.get()
    assert bool(report.photo)
    assert report.happened_at <= report.reported_at
    assert Order.objects.count() == 1


def test_an_answer_that_never_arrived_does_not_make_two(phone):
    """The server took it, the phone never heard so: the retry finds it there."""
    page = phone(**HERE)
    place(page, "found")
    lost = []

    def lose_the_answer(route) -> None:
        route.fetch()
        lost.append(route.request.url)
        route.abort()

    page.route("**/grid/send/", lose_the_answer, times=1)
    kind(page).click()
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("queued")).to_have_count(1)
    assert (len(lost), Report.objects.count()) == (1, 1)
    page.get_by_test_id("queue-send").click()
    expect(page.get_by_test_id("queue")).to_be_hidden()
    assert (Report.objects.count(), Order.objects.count()) == (1, 1)


def test_a_phone_that_does_not_tell_its_place_asks_for_the_area(phone):
    page = phone()
    place(page, "refused")
    expect(page.get_by_test_id("area")).to_be_visible()
    kind(page).click()
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("toast").first).to_contain_text("WG")
    report = Report.objects.get()
    assert (report.area_code, report.location) == (CELL, None)


def test_what_the_server_refuses_stays_with_its_reason(phone):
    page = phone(**HERE)
    place(page, "found")
    page.locator('input[name="kind"]').first.evaluate("field => { field.value = 'nonsense' }")
    page.locator(".gr-tile").first.click()
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("queued").locator("em")).not_to_be_empty()
    page.get_by_test_id("queued").get_by_role("button").click()
    expect(page.get_by_test_id("queue")).to_be_hidden()
    assert not Report.objects.exists()


def test_the_report_page_follows_its_order_without_reload(phone):
    from dispatch import services as orders
    from tests.factories.city import UserFactory
    from tests.factories.grid import a_report

    page = phone(**HERE)
    from city.models import User

    report = a_report(User.objects.get(username="worker"))
    page.goto("/grid/mine/")
    row = page.get_by_test_id(f"report-{report.pk}")
    expect(row).to_have_attribute("data-state", "dispatched")
    order = Order.objects.get()
    officer = UserFactory(roles=[("officer", "320613", order.org)])
    orders.sign_order(order_id=order.pk, by=officer)
    orders.handle_order(order_id=order.pk, by=officer, result="已清运")
    orders.check_order(order_id=order.pk, by=UserFactory(may=["dispatcher"]), passed=True, note="")
    expect(row).to_have_attribute("data-state", "closed")
