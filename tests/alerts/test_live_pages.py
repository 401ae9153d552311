"""Alert pages in a real browser: news without reload, the chart, verdict and dispatch by hand."""

import re
import uuid
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from alerts.models import Alert
from commandcenter.core import clock
from dispatch.models import Order
from tests.factories.alerts import OZONE, air, bring, clean_air_city, switch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(live_city):
    from city.locate import forget

    forget()
    return clean_air_city()


def test_an_alert_appears_is_judged_and_sent_out(people, live_city, new_context, log_in):
    context = new_context()
    log_in(context, people["analyst"], live_city.url)
    page = context.new_page()
    page.goto("/alerts/")
    expect(page.locator('[data-live-dot][data-state="on"]')).to_have_count(1)
    expect(page.get_by_test_id("alert-row")).to_have_count(0)
    switch(OZONE, "live", people, auto_dispatch_from=None)
    station = f"S{uuid.uuid4().hex[:8]}"  # the running city's lake outlives its database
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    bring(air([80, 90, 210], end=now, station=station))
    expect(page.get_by_test_id("alert-row")).to_have_count(1)
    expect(page.get_by_test_id("level-count-3")).to_have_text("1")
    page.get_by_test_id("alert-link").click()
    chart = page.get_by_test_id("alert-chart")
    # The numbers themselves are proved in test_pages: the running city's lake outlives its emptied database,
    # so a delivery's turn may repeat there and its rows stay out of the table.
    expect(chart).to_have_attribute("data-points", re.compile("[1-9]"))
    expect(chart.locator("canvas")).to_be_visible()
    expect(page.locator('[data-test="evidence-row"][data-role="trigger"]')).to_have_count(1)
    page.get_by_test_id("verdict-true").click()
    expect(page.get_by_test_id("alert")).to_have_attribute("data-verdict", "true")
    page.get_by_test_id("dispatch").click()
    expect(page.get_by_test_id("alert")).to_have_attribute("data-state", "dispatched")
    expect(page.get_by_test_id("to-order")).to_have_attribute(
        "href", re.compile(rf"/orders/{Order.objects.get().pk}/")
    )
    # The level rises while somebody looks at it.
    bring(air([330], end=now + timedelta(hours=1), station=station))
    expect(page.get_by_test_id("alert")).to_have_attribute("data-level", "2")
    assert Alert.objects.count() == 1
