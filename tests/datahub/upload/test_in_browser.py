"""Uploading by mouse, by keyboard and on the phone: progress, cancel, faults seen and corrected, delivered once."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from datahub.models import Delivery
from datahub.upload.models import Upload
from tests.factories.city import CITY, AreaFactory, UserFactory, square
from tests.factories.datahub import NOON, PEOPLE, READINGS, csv_text, make_dataset, rows

pytestmark = [pytest.mark.browser]
# The lake outlives a test of the running city, so these rows lie in datasets of their own.
LIVE = READINGS.model_copy(update={"code": "test.upload_live"})
PERSONS = PEOPLE.model_copy(update={"code": "test.upload_people"})
SHOTS = os.environ.get("CC_SHOTS", "")


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def fits(page):
    """Nothing sticks out at the side."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


@pytest.fixture
def open_as(new_context, log_in, live_city):
    AreaFactory(code=CITY, name="南通市", polygon=square(120.0, 31.0, 2.0))
    make_dataset(LIVE)
    make_dataset(PERSONS)
    user = UserFactory(may=["steward"])

    def enter(path, **options):
        context = new_context(**options)
        log_in(context, user, live_city.url)
        page = context.new_page()
        page.goto(path)
        return page

    return enter


def faulty() -> bytes:
    """Fifty-nine rows: good ones, and one of every fault that a cell or a row can have."""
    records = rows(56, at=NOON)
    records[1]["value"] = "much"
    records[3]["value"] = "2000"
    records[4]["at"] = "yesterday"
    records[6]["station"] = ""
    records[7]["lon"] = "999"
    records[9]["count"] = "1.5"
    text = csv_text(records)
    return (
        (text + "only,two\n" + text.splitlines()[1] + "\n").replace("station,", "测站,", 1).encode("gb18030")
    )


def as_file(name, content, kind="text/csv"):
    return {"name": name, "mimeType": kind, "buffer": content}


@pytest.mark.parametrize("phone", [False, True], ids=["wall", "phone"])
def test_faults_are_seen_corrected_and_the_rest_delivered_once(open_as, phone):
    page = open_as(f"/data/{LIVE.code}/upload/", phone=phone)
    fits(page)
    shot(page, f"upload-{'phone' if phone else 'wall'}")
    page.get_by_test_id("upload-file").set_input_files(as_file("读数.csv", faulty()))
    expect(page.get_by_test_id("look-refusal")).to_have_attribute("data-reason", "missing_columns")
    fits(page)
    shot(page, f"refused-{'phone' if phone else 'wall'}")
    expect(page.get_by_test_id("confirm")).to_have_count(0)
    # One choice, and the rows are read again by themselves.
    page.locator('[data-test="header-row"][data-header="测站"] select').select_option("station")
    expect(page.get_by_test_id("look-bad")).to_be_visible()
    expect(page.get_by_test_id("wrong-cell")).to_have_count(6)
    expect(page.get_by_test_id("look-row")).to_have_count(50)
    fits(page)
    shot(page, f"faults-{'phone' if phone else 'wall'}")
    page.get_by_test_id("confirm").dblclick(no_wait_after=True)
    expect(page.locator('[data-test="steps"][data-state="committed"]')).to_be_visible(timeout=60_000)
    fits(page)
    delivery = Delivery.objects.get()
    assert (delivery.rows_in, delivery.rows_rejected, delivery.repeats) == (58, 8, 0)
    page.go_back()
    page.reload()
    expect(page.get_by_test_id("steps")).to_be_visible()
    assert Delivery.objects.count() == 1


def test_a_choice_made_before_the_page_listens_is_read_too(open_as):
    page = open_as(f"/data/{LIVE.code}/upload/")
    page.get_by_test_id("upload-file").set_input_files(as_file("读数.csv", faulty()))
    expect(page.get_by_test_id("look-refusal")).to_be_visible()
    held = []
    page.route("**/workbench*.js", lambda one: held.append(one))
    page.goto(page.url, wait_until="commit")
    page.locator('[data-test="header-row"][data-header="测站"] select').select_option("station")
    expect(page.get_by_test_id("look-refusal")).to_be_visible()
    for one in held:
        one.continue_()
    expect(page.get_by_test_id("look-bad")).to_be_visible()


def test_progress_is_what_was_sent_and_can_be_cancelled(open_as):
    page = open_as(f"/data/{LIVE.code}/upload/")
    content = (
        csv_text(rows(10)).encode() + b"S0,2026-11-20 11:59:00,5,5,120.9,32.0\n" * 300_000
    )  # about 11 MB
    held = []
    page.route("**/part/?offset=4194304", lambda route: held.append(route))  # the second part waits
    page.get_by_test_id("upload-file").set_input_files(as_file("big.csv", content))
    expect(page.get_by_test_id("upload-sending")).to_be_visible()
    wait_for(lambda: sent(page) > 0.3)
    share = sent(page)
    assert 0.3 < share < 0.8
    assert "%" in page.get_by_test_id("upload-words").inner_text()
    shot(page, "progress")
    page.get_by_test_id("upload-cancel").click()
    expect(page.get_by_test_id("upload-file")).to_be_visible()
    expect(page.get_by_test_id("upload-problem")).to_be_hidden()
    for route in held:
        route.abort()
    wait_for(lambda: not Upload.objects.exists())
    page.unroute("**/part/?offset=4194304")
    page.get_by_test_id("upload-file").set_input_files(as_file("big.csv", content))
    expect(page.get_by_test_id("look-bad")).to_be_visible(timeout=60_000)


def test_a_cut_line_costs_a_part_and_not_the_file(open_as):
    page = open_as(f"/data/{LIVE.code}/upload/")
    cut = []

    def once(route):
        if cut:
            route.continue_()
        else:
            cut.append(route)
            route.abort()

    page.route("**/part/**", once)
    page.get_by_test_id("upload-file").set_input_files(as_file("rows.csv", csv_text(rows(8)).encode()))
    expect(page.get_by_test_id("look-good")).to_be_visible(timeout=30_000)
    assert len(cut) == 1


def test_what_the_server_cannot_take_is_said_in_words(open_as):
    page = open_as(f"/data/{LIVE.code}/upload/")
    page.get_by_test_id("upload-file").set_input_files(as_file("empty.csv", b""))
    expect(page.get_by_test_id("upload-problem")).not_to_be_empty()
    page.route(
        "**/part/**", lambda route: route.fulfill(status=507, json={"error": "没有空间", "code": "no_room"})
    )
    page.get_by_test_id("upload-file").set_input_files(as_file("rows.csv", csv_text(rows(8)).encode()))
    expect(page.get_by_test_id("upload-problem")).to_have_text("没有空间")
    page.unroute("**/part/**")
    page.route("**/begin/", lambda route: route.fulfill(status=502, body="<html>"))
    page.get_by_test_id("upload-file").set_input_files(as_file("rows.csv", csv_text(rows(8)).encode()))
    expect(page.get_by_test_id("upload-problem")).not_to_have_text("没有空间")
    expect(page.get_by_test_id("upload-problem")).to_be_visible()


def test_dropped_on_the_page_and_thrown_away(open_as):
    page = open_as(f"/data/{LIVE.code}/upload/")
    expect(page.get_by_test_id("upload-send")).to_be_hidden()  # the page listens
    data = page.evaluate_handle(
        """(text) => { const d = new DataTransfer(); d.items.add(new File([text], 'd.csv')); return d }""",
        csv_text(rows(4)),
    )
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": data})
    expect(page.get_by_test_id("look-good")).to_be_visible()
    page.get_by_test_id("discard").click()
    expect(page.get_by_test_id("upload-file")).to_be_visible()
    assert not Upload.objects.exists()


def test_by_keyboard_alone(open_as):
    page = open_as(f"/data/{LIVE.code}/upload/")
    expect(page.get_by_test_id("upload-send")).to_be_hidden()  # the page listens
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("upload-file").press("Space")
    chooser.value.set_files(as_file("rows.csv", csv_text(rows(6)).encode()))
    expect(page.get_by_test_id("look-good")).to_be_visible()
    # Enter in a field reads again; it does not deliver.
    page.get_by_test_id("reading-null-words").focus()
    page.keyboard.press("End")
    page.keyboard.type(" 缺测")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("reading-null-words")).to_have_value("NA N/A NaN nan null NULL None \\N 缺测")
    assert not Delivery.objects.exists()
    page.get_by_test_id("confirm").focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-test="steps"][data-state="committed"]')).to_be_visible(timeout=60_000)


def test_personal_columns_are_masked_in_the_preview(open_as):
    page = open_as(f"/data/{PERSONS.code}/upload/")
    content = "number,phone,age,备注\n1,13812345678,30,张三丰\n2,13912345678,张三丰,x\n".encode()
    page.get_by_test_id("upload-file").set_input_files(as_file("people.csv", content))
    expect(page.get_by_test_id("look-bad")).to_be_visible()
    shot(page, "masked")
    assert "13812345678" not in page.content()
    assert "张三丰" not in page.content()


def sent(page) -> float:
    """How much of the file the bar says has been sent."""
    return page.evaluate("document.querySelector('[data-test=upload-bar]').value / 1000")


def wait_for(truth, seconds: float = 15) -> None:
    import time

    end = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.2)
