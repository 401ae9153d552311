"""In a browser, with the real worker: the steward uploads a file and watches it being read."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.factories.city import CITY, AreaFactory, UserFactory
from tests.factories.datahub import csv_text, make_dataset, rows

pytestmark = [pytest.mark.browser]
SHOTS = os.environ.get("CC_SHOTS", "")  # a folder: look at the pages there


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.fixture
def steward(live_city):
    from commandcenter.core import clock

    AreaFactory(code=CITY, name="南通市")
    make_dataset()
    user = UserFactory(may=["steward"])
    user.now = clock.now()
    return user


def test_an_upload_counts_up_by_itself_and_its_rejects_are_listed(
    steward, live_city, new_context, log_in, tmp_path
):
    records = rows(60_000, at=steward.now)
    for n in (5, 17, 300):
        records[n]["value"] = "坏值"
    path = tmp_path / "监测数据.csv"
    path.write_bytes(csv_text(records).encode("gbk"))
    context = new_context()
    log_in(context, steward, live_city.url)
    page = context.new_page()
    page.goto("/data/?show=waiting")
    shot(page, "overview-before")
    page.get_by_test_id("source-link").first.click()
    page.get_by_test_id("upload").click()
    page.get_by_test_id("upload-file").set_input_files(path)
    expect(page.get_by_test_id("look-bad")).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("wrong-cell")).to_have_count(2)  # the third is not among the first fifty
    shot(page, "preview")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("steps")).to_have_attribute("data-state", "committed", timeout=30_000)
    expect(page.get_by_test_id("rows-in")).to_have_text("60,000")
    expect(page.get_by_test_id("rows-committed")).to_have_text("59,997")
    expect(page.get_by_test_id("reject-row")).to_have_count(3)
    expect(page.locator('[data-note="encoding"]')).to_be_visible()
    shot(page, "delivery")
    with page.expect_download() as download:
        page.get_by_test_id("export-rejects").click()
    assert "坏值" in Path(download.value.path()).read_text(encoding="utf-8-sig")
    page.goto("/data/test.readings/")
    expect(page.get_by_test_id("sample-row").first).to_be_visible()
    shot(page, "dataset")
    page.goto("/data/")
    expect(page.locator('[data-dataset="test.readings"]')).to_have_attribute("data-freshness", "fresh")
    shot(page, "overview")


def test_the_overview_moves_when_somebody_else_delivers(steward, live_city, new_context, log_in, tmp_path):
    from datahub.services import push_rows
    from datahub.tasks import fold_blobs

    context = new_context(phone=True, locale="en")
    log_in(context, steward, live_city.url)
    page = context.new_page()
    page.goto("/data/")
    row = page.locator('[data-dataset="test.readings"]')
    expect(row).to_have_count(0)  # not connected yet: that is another tab
    expect(page.locator("[data-live-dot]")).to_have_attribute("data-state", "on")
    push_rows("test.readings", rows(12, at=steward.now))
    fold_blobs.apply_async(queue="lake")
    expect(row).to_have_attribute("data-freshness", "fresh")
    expect(row.get_by_test_id("rows-today")).to_have_attribute("title", "12")
    shot(page, "overview-phone-en")
    page.goto("/data/test.readings/")
    shot(page, "dataset-phone-en")
    page.get_by_test_id("delivery-link").first.click()
    shot(page, "delivery-phone-en")
