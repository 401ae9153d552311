"""The same loop from the other two sources: a grid worker's report, and a detector's alert."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from alerts import services as alert_services
from alerts.models import Alert, Detector
from city.roles import Role
from commandcenter.core import clock
from datahub.services import load_packs
from dispatch.models import Order
from grid.models import Report
from tests.factories.alerts import OZONE, air, bring, switch
from tests.factories.city import CHONGCHUAN, CITY, OrganisationFactory, UserFactory

from .conftest import figure, wait_until_live

pytestmark = pytest.mark.django_db(transaction=True)


def handle(page, words: str) -> None:
    """Sign and hand in the result, as the page offers it."""
    page.get_by_test_id("order-link").first.click()
    page.get_by_test_id("do-sign").click()
    expect(page.locator('[data-step="handle"]')).to_be_visible()
    page.locator('[data-test="form-handle"] textarea').first.fill(words)
    page.get_by_test_id("do-handle").click()
    expect(page.locator('[data-test="clock"][data-state="handled"]')).to_be_visible()


def close(open_as, dispatcher, order: Order) -> None:
    page = open_as(dispatcher, f"/orders/{order.pk}/")
    page.locator('[data-test="form-check"] [data-test^="check-"]').first.click()
    expect(page.locator('[data-test="clock"][data-state="closed"]')).to_be_visible()


def trace_kinds(page, ref: str) -> set[str]:
    page.goto(f"/trace/{ref}/")
    return set(page.get_by_test_id("trace-step").evaluate_all("steps => steps.map(s => s.dataset.kind)"))


def test_from_a_grid_report(staff, open_as):
    call_command("load_event_kinds", verbosity=0)
    urban = UserFactory(
        roles=[(Role.OFFICER, CHONGCHUAN, OrganisationFactory(code="320613-cg"))], area_code=CHONGCHUAN
    )
    cockpit = open_as(staff.leader, f"/cockpit/?area={CITY}")
    inbox = open_as(urban, "/orders/")
    wait_until_live(cockpit)
    wait_until_live(inbox)

    phone = open_as(staff.grid_worker, "/grid/", phone=True)
    phone.locator('input[name="kind"][value="e0102"]').first.check(force=True)
    area = phone.get_by_test_id("area")
    if area.is_visible() and not area.input_value():
        area.select_option(index=1)
    phone.get_by_test_id("content").fill("小区门口垃圾堆放未清运")
    phone.get_by_test_id("send").click()

    expect(inbox.get_by_test_id("order-row")).to_have_count(1)
    expect(figure(cockpit, "reports.made")).to_have_text("1")
    handle(inbox, "已清运完毕")
    order = Order.objects.get()
    close(open_as, staff.dispatcher, order)
    expect(figure(cockpit, "orders.open")).to_have_text("0")
    wait_for(lambda: Report.objects.get().state == "closed")
    assert {"report", "order", "fact"} <= trace_kinds(cockpit, f"grid.report:{Report.objects.get().pk}")


def test_from_an_alert(staff, open_as):
    load_packs()
    alert_services.load_detectors()
    office = OrganisationFactory(
        code="320613-hj", name="崇川生态环境局", function="environment", area_code=CHONGCHUAN
    )
    officer = UserFactory(roles=[(Role.OFFICER, CHONGCHUAN, office)], area_code=CHONGCHUAN)
    second = UserFactory(roles=[(Role.ANALYST, CITY)])
    switch(OZONE, "live", {"analyst": staff.analyst, "second": second})
    cockpit = open_as(staff.leader, f"/cockpit/?area={CITY}")
    inbox = open_as(officer, "/orders/")
    wait_until_live(cockpit)
    wait_until_live(inbox)
    expect(figure(cockpit, "alerts.open")).to_have_text("0")

    bring(
        air([120.0, 130.0, 260.0], end=clock.now() - timedelta(minutes=5), place=(120.85, 31.95)),
        source="push",
    )
    wait_for(lambda: Alert.objects.filter(trial=False).exists())
    expect(figure(cockpit, "alerts.open")).to_have_text("1")
    expect(cockpit.get_by_test_id("open-alert")).to_have_count(1)
    alert = Alert.objects.get(trial=False)

    expect(inbox.get_by_test_id("order-row")).to_have_count(1)
    handle(inbox, "已现场核查，涉气企业限产")
    close(open_as, staff.dispatcher, Order.objects.get())
    wait_for(lambda: Alert.objects.get(pk=alert.pk).state == "resolved")
    expect(figure(cockpit, "alerts.open")).to_have_text("0")
    kinds = trace_kinds(cockpit, alert.ref)
    assert {"source", "alert", "order", "fact"} <= kinds
    assert Detector.objects.get(code=OZONE).state == "live"


def wait_for(truth, seconds: float = 15) -> None:
    import time

    end = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.2)
