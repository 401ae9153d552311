"""A folder connected by mouse and keyboard; the running worker takes what is put there."""

import os
import shutil
import time
from pathlib import Path

import pytest
from django.conf import settings as project
from playwright.sync_api import expect

from city.roles import Role
from datahub.connectors.models import Source
from tests.factories.city import CITY, AreaFactory, UserFactory, square
from tests.factories.datahub import READINGS, csv_file, make_dataset, rows

pytestmark = [pytest.mark.browser]
LIVE = READINGS.model_copy(
    update={"code": "test.pulled_live"}
)  # the lake outlives a test of the running city
SHOTS = os.environ.get("CC_SHOTS", "")


def fits(page, name):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), name
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize("phone", [False, True], ids=["wall", "phone"])
def test_a_folder_from_its_first_step_to_its_rows(live_city, new_context, log_in, phone):
    AreaFactory(code=CITY, name="南通市", polygon=square(120.0, 31.0, 2.0))
    make_dataset(LIVE)
    steward = UserFactory(may=[Role.STEWARD])
    name = f"browser{int(phone)}"
    place = Path(project.DROP_DIR) / name
    shutil.rmtree(place, ignore_errors=True)
    context = new_context(phone=phone, locale="en")
    log_in(context, steward, live_city.url)
    page = context.new_page()
    page.goto("/data/sources/")
    expect(page.get_by_test_id("empty")).to_be_visible()
    fits(page, f"sources-empty-{name}")
    page.get_by_test_id("new-source").click()
    expect(page.get_by_test_id("choose-folder")).to_be_visible()
    fits(page, f"kinds-{name}")
    page.get_by_test_id("choose-folder").click()
    page.locator("[name=dataset_code]").select_option(LIVE.code)
    page.locator("[name=name]").fill("Air stations")
    page.locator("[name=folder]").fill("../outside")
    page.get_by_test_id("try").click()
    expect(page.locator(".field-error")).to_have_count(1)
    page.locator("[name=folder]").fill(name)
    page.locator("[name=settle_s]").fill("0")
    page.get_by_test_id("try").click()
    expect(page.get_by_test_id("rhythm-form")).to_be_visible()
    # Rows of each run differ, for the lake remembers those of the last.
    csv_file(place, [{**row, "station": f"{time.time_ns()}"[-12:]} for row in rows(12)], "a.csv")
    page.reload()
    expect(page.get_by_test_id("trial")).to_have_attribute("data-looked", "12")
    fits(page, f"trial-{name}")
    page.locator("[name=every]").fill("6")
    page.get_by_test_id("switch-on").click()
    source = Source.objects.get()
    expect(page.get_by_test_id("pulled-source")).to_have_attribute("data-state", "waiting")
    page.get_by_test_id("run-now").click()
    expect(page.locator("[data-test=run-row][data-outcome=delivered]")).to_have_count(1, timeout=30_000)
    fits(page, f"source-{name}")
    assert [path.name for path in place.iterdir()] == ["done"]
    source.refresh_from_db()
    assert source.rows == 12
    page.get_by_test_id("pause").click()
    expect(page.get_by_test_id("pulled-source")).to_have_attribute("data-state", "paused")
    page.goto("/data/sources/")
    expect(page.locator("[data-test=pulled-row][data-state=paused]")).to_have_count(1)
    fits(page, f"sources-{name}")
