"""Acceptance 1: a file nobody here wrote becomes shared data, by mouse and keyboard, without code.

Declared from the file, reviewed by a second steward, published, uploaded with a preview, found, applied for,
granted, read through the interface. The small files here have the shapes of real ones; with CC_REAL_DATA
naming a folder of real input, the same walk goes over the real files.
"""

import gzip
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from datahub.models import Delivery
from datahub.sharing.models import Agreement
from tests.factories.city import CITY, AreaFactory, UserFactory, square
from tests.factories.sharing import PROVIDER, people

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SHOTS = os.environ.get("CC_SHOTS", "")
REAL = os.environ.get("CC_REAL_DATA", "")


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


# ---------------------------------------------------------------- files of real shapes

AIR = ["No", "year", "month", "day", "hour", "PM2.5", "PM10", "SO2", "NO2", "CO", "O3", "TEMP", "PRES", "DEWP",
       "RAIN", "wd", "WSPM", "station"]  # fmt: skip


def air(n: int) -> str:
    head = ",".join(f'"{name}"' for name in AIR)
    lines = (
        f"{i + 1},2013,3,{1 + i // 24},{i % 24},{i % 90},{i % 90 + 4},3,{'NA' if i % 50 == 7 else 7},200,82,-2.3,1020.8,"
        f'-19.7,0,"E",4.4,"Dingling"'
        for i in range(n)
    )
    return "\n".join([head, *lines]) + "\n"


def tracks(n: int) -> str:
    lines = (
        f"{i % 3:03},2008-10-{23 + i // 1440:02}T{i // 60 % 24:02}:{i % 60:02}:04Z,39.98{i:04},116.31{i:04},{490 + i}"
        for i in range(n)
    )
    return "device,time_utc,latitude,longitude,altitude_ft\n" + "\n".join(lines) + "\n"


def requests_311(n: int) -> str:
    head = "Unique Key,Created Date,Closed Date,Agency,Complaint Type,Incident Zip,Status,Latitude,Longitude"
    lines = (
        f"{39570000 + i},06/26/2018 {1 + i % 12:02}:58:{i % 60:02} AM,{'06/27/2018 12:50:01 PM' if i % 4 else ''},NYPD,"
        f'"Noise, street",11421,Closed,{40.6 + i / 1000 if i % 7 else ""},{-73.8 - i / 1000 if i % 7 else ""}'
        for i in range(n)
    )
    return "\n".join([head, *lines]) + "\n"


def directory(n: int) -> str:
    lines = (
        f"{'管理部件' if i < n // 2 else '管理事项'},{i + 1:05},0{i % 5},市政公用设施,设施{i}"
        for i in range(n)
    )
    return "kind,code,major_code,category,name\n" + "\n".join(lines) + "\n"


def energy(n: int, zone: str) -> str:
    lines = (
        f"2020-04-{1 + i // 24:02}{'T' if zone == '-06:00' else ' '}{i % 24:02}:00:00{zone},{i / 100}"
        for i in range(n)
    )
    return "start,value\n" + "\n".join(lines) + "\n"


def places(n: int) -> str:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [120.8 + i / 10_000, 32.0]},
            "properties": {
                "code": f"P{i:03}",
                "name": f"井盖{i}",
                "checked": f"2026-11-{1 + i % 20:02} 08:00",
            },
        }
        for i in range(n)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


@dataclass
class Case:
    """fixes: what the steward corrects in the proposal, by data-test; zone and units are never in a file."""

    name: str  # of the file
    title: str
    rows: int = 0
    make: Callable[[], str] | None = None
    fixes: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)  # header -> unit


NEW_YORK = {"dataset-zone": "America/New_York", "dataset-datum": "wgs84"}
KWH, THERM = {"value": "kWh"}, {"value": "therm"}
MADE = [
    Case("PRSA_Data_Dingling.csv.gz", "定陵空气质量", 96, lambda: air(96)),
    Case("geolife_tracks.csv.gz", "定位轨迹", 80, lambda: tracks(80)),
    Case("nyc311.csv", "纽约诉求", 70, lambda: requests_311(70), NEW_YORK),
    Case("directory.csv", "城市管理部件事项代码", 60, lambda: directory(60)),
    Case("il-electricity-daily.csv.gz", "家庭用电日表", 72, lambda: energy(72, "-06:00"), units=KWH),
    Case("uk-electricity-hourly.csv.gz", "家庭用电小时表", 72, lambda: energy(72, "+00:00"), units=KWH),
    Case("manholes.geojson", "井盖位置", 55, lambda: places(55)),
]
STATIONS = ("Aotizhongxin", "Dingling", "Guanyuan", "Huairou", "Shunyi", "Wanliu")
FILES = [
    *(
        Case(f"air_quality/PRSA_Data_{name}_20130301-20170228.csv.gz", f"空气质量 {name}", 35_064)
        for name in STATIONS
    ),
    Case("gps/geolife_tracks.csv.gz", "定位轨迹", 87_688),
    Case("hotline/nyc311_2018_06_26.csv", "纽约诉求", 1_000, fixes=NEW_YORK),
    Case("city_management/directory.csv", "城市管理部件事项代码", 403),
    Case("energy/il-electricity-cdd-hdd-daily.csv.gz", "家庭用电日表", 810, units=KWH),
    Case("energy/il-gas-hdd-only-daily.csv.gz", "家庭用气日表", 810, units=THERM),
    Case("energy/uk-electricity-hdd-only-hourly-sample-0.csv.gz", "家庭用电小时表", 23_508, units=KWH),
]


# ---------------------------------------------------------------- the walk


@pytest.fixture
def who(live_city):
    AreaFactory(code=CITY, name="南通市", polygon=square(120.0, 31.0, 2.0))
    return {**people(), "second": UserFactory(may=["steward"])}


@pytest.fixture
def walk(who, open_as, tmp_path):
    """`walk(case, path)`: the whole way of one file; returns what became of its rows."""
    pages: dict[str, Page] = {}

    def of(person: str, path: str) -> Page:
        if person not in pages:
            pages[person] = open_as(who[person], path)
        else:
            pages[person].goto(path)
        return pages[person]

    def go(case: Case, path: Path) -> dict:
        code = declare(of, case, path)
        review(of, code)
        report = upload(of, code, case, path)
        found(of, code, case)
        report["shared"] = share(of, code, case)
        return report

    return go


def declare(of, case: Case, path: Path) -> str:
    page = of("steward", "/data/declare/")
    page.get_by_test_id("sample-file").set_input_files(path)
    page.get_by_test_id("sample-send").click()
    expect(page.get_by_test_id("proposal-form")).to_be_visible(timeout=60_000)
    page.get_by_test_id("dataset-name").fill(case.title)
    page.get_by_test_id("dataset-provider").select_option(PROVIDER)
    page.get_by_test_id("dataset-domain").fill("城市运行")
    for test, value in case.fixes.items():
        page.get_by_test_id(test).select_option(value)
    for header, unit in case.units.items():
        line = page.locator(f'[data-test="column-line"][data-header="{header}"]')
        line.get_by_test_id("column-unit").fill(unit)
    page.get_by_test_id("deliver-sample").uncheck()
    code = page.get_by_test_id("dataset-code").input_value()
    shot(page, f"declare-{code}")
    page.get_by_test_id("proposal-send").click()
    again = page.get_by_test_id("guard-reason")
    expect(page.get_by_test_id("dataset-status").or_(again)).to_be_visible(timeout=30_000)
    if again.is_visible():
        again.fill("另一个来源，另行登记")
        page.get_by_test_id("guard-go-on").click()
    expect(page.get_by_test_id("dataset-status")).to_be_visible(timeout=30_000)
    return code


def review(of, code: str) -> None:
    page = of("second", f"/data/{code}/")
    for step in ("review", "publish"):
        page.get_by_test_id(f"step-{step}").click()
        page.wait_for_load_state()
        shot(page, f"{step}-{code}")
        expect(page.get_by_test_id(f"step-{step}")).to_have_count(0)


def upload(of, code: str, case: Case, path: Path) -> dict:
    page = of("steward", f"/data/{code}/")
    page.get_by_test_id("upload").click()
    page.get_by_test_id("upload-file").set_input_files(path)
    expect(page.get_by_test_id("look")).to_be_visible(timeout=60_000)
    summary = page.get_by_test_id("look-sum")
    assert summary.get_attribute("data-refused") == ""
    shown = page.get_by_test_id("look-row").count()
    wrong = int(summary.get_attribute("data-bad") or 0)
    shot(page, f"preview-{code}")
    page.get_by_test_id("confirm").click()
    expect(page.locator('[data-test="steps"][data-state="committed"]')).to_be_visible(timeout=120_000)
    pk = int(page.url.rstrip("/").rsplit("/", 1)[1])
    delivery = Delivery.objects.get(pk=pk)
    return {
        "rows_in": delivery.rows_in,
        "committed": delivery.rows_committed,
        "rejected": delivery.rows_rejected,
        "previewed": shown,
        "wrong_in_preview": wrong,
        "checks": {rule: n for rule, n in delivery.checks.items() if n},
    }


def found(of, code: str, case: Case) -> None:
    page = of("consumer", "/data/catalogue/")
    page.get_by_test_id("catalogue-search").fill(case.title[:6])
    page.get_by_test_id("catalogue-go").click()
    expect(page.locator(f'[data-test="catalogue-row"][data-dataset="{code}"]')).to_be_visible()


def share(of, code: str, case: Case) -> int:
    page = of("consumer", f"/data/sharing/apply/{code}/")
    page.locator("[name=purpose]").fill("城市运行会商")
    page.locator("[name=legal_basis]").fill("《政务数据共享条例》")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("agreement")).to_have_attribute("data-state", "applied")
    address = f"/data/sharing/{Agreement.objects.get(dataset__code=code, consumer_kind='organisation').pk}/"
    for person, act, state in (("steward", "pass_check", "checked"), ("provider", "grant", "granted")):
        other = of(person, address)
        other.get_by_test_id(f"do-{act}").click()
        expect(other.get_by_test_id("agreement")).to_have_attribute("data-state", state)
    page.goto(address)
    page.get_by_test_id("do-token").click()
    token = page.get_by_test_id("secret").inner_text()
    answer = page.request.get(
        f"/api/share/v1/{code}/rows?limit=500", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status == 200, answer.text()
    return int(answer.json()["count"])


def packed(case: Case, folder: Path) -> Path:
    path = folder / case.name
    content = case.make().encode() if case.make else b""
    path.write_bytes(gzip.compress(content) if case.name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("case", MADE, ids=lambda case: case.name)
def test_a_file_becomes_shared_data_without_code(walk, tmp_path, case):
    report = walk(case, packed(case, tmp_path))
    assert (report["rows_in"], report["committed"], report["rejected"]) == (case.rows, case.rows, 0), report
    assert (report["previewed"], report["wrong_in_preview"]) == (min(case.rows, 50), 0)
    assert report["shared"] == case.rows


@pytest.mark.skipif(not REAL, reason="CC_REAL_DATA names no folder of real input")
@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_a_real_file_becomes_shared_data(walk, case):
    began = time.monotonic()
    report = walk(case, Path(REAL) / case.name)
    seconds = round(time.monotonic() - began, 1)
    line = {"file": case.name, **report, "seconds": seconds}
    print("\n" + json.dumps(line))  # noqa: T201 -- the report asked for
    assert (report["rows_in"], report["committed"], report["rejected"]) == (case.rows, case.rows, 0), report
    assert (report["previewed"], report["wrong_in_preview"]) == (50, 0)
    assert report["shared"] > 0
