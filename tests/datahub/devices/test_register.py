"""The register follows its dataset: every row taken, or refused with its field and reason."""

import csv
from datetime import timedelta

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core.coordinates import wgs84_to_gcj02
from datahub.devices.codes import PROVINCES, camera_code_fault
from datahub.devices.models import Device, DeviceChange, DeviceRefusal, Pulse
from datahub.devices.services import DATASET, take_rows
from datahub.devices.world import SIZE, world_of
from datahub.quality.models import Incident
from datahub.services import deliver, save_dataset
from tests.factories.datahub import NOON
from tests.factories.devices import OTHER, OWNER, bring, camera, register, row, table_of


@pytest.fixture(autouse=True)
def tapped(monkeypatch):
    from commandcenter import wiring

    monkeypatch.setattr(wiring, "TAPS", {DATASET: ["datahub.devices.taps.on_register"]})


def test_a_delivery_fills_the_register(who, at_noon):
    delivery = bring([row(1), row(2, kind="燃气", code="GAS-2", feed="社会", installed_on="2025-03-01")])
    assert delivery.rows_committed == 2
    one, two = Device.objects.order_by("pk")
    assert (one.code, one.kind, one.owner_code, one.area_code, one.state) == (
        camera(1),
        "camera",
        OWNER,
        "320613",
        "offline",
    )
    assert (one.delivery_id, one.row_number, one.state_since) == (delivery.pk, 1, NOON)
    assert (two.kind, two.feed, str(two.installed_on)) == ("gas", "social", "2025-03-01")
    assert Pulse.objects.get(device=two).gap_s == 15 * 60
    assert DeviceChange.objects.filter(action="registered").count() == 2


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "cgcs2000", ""])
def test_positions_are_converted_from_the_datum_that_the_row_names(who, at_noon, datum):
    lon, lat = 120.9, 32.0
    given = wgs84_to_gcj02(lon, lat) if datum == "gcj02" else (lon, lat)
    bring([row(1, lon=given[0], lat=given[1], datum=datum)])
    found = Device.objects.get()
    assert (found.location.srid, round(found.location.x, 6), round(found.location.y, 6)) == (4490, lon, lat)
    assert (found.world_x, found.world_y) == tuple(
        int(v[0]) for v in world_of([found.location.x], [found.location.y])
    )


@pytest.mark.parametrize(
    ("over", "field", "reason"),
    [
        ({"code": "3206"}, "code", "not_20_digits"),
        ({"code": "99061300001320000001"}, "code", "no_such_province"),
        ({"code": "32061300002000000001"}, "code", "not_a_device_type"),
        ({"kind": "gas", "code": "井 1"}, "code", "bad_code"),
        ({"kind": "robot"}, "kind", "unknown_kind"),
        ({"owner": "nobody"}, "owner", "unknown_owner"),
        ({"feed": "secret"}, "feed", "unknown_feed"),
        ({"status": "lost"}, "status", "unknown_status"),
        ({"datum": "mars"}, "datum", "unknown_datum"),
        ({"lon": 32.0, "lat": 60.0}, "lon", "outside_china"),
    ],
)
def test_what_the_register_cannot_take_is_named_and_the_rest_goes_in(who, at_noon, over, field, reason):
    bring([row(1, **over), row(2)])
    refused = DeviceRefusal.objects.get()
    assert (refused.row_number, refused.field, refused.reason) == (1, field, reason)
    assert [one.code for one in Device.objects.all()] == [camera(2)]
    incident = Incident.objects.get(kind="rule_failed")
    assert (incident.reason, incident.state, reason in incident.detail) == ("register_refused", "open", True)
    bring([row(1), row(2)])
    incident.refresh_from_db()
    assert incident.state == "closed"


def test_a_device_without_a_position_stands_in_its_owner_s_area(who, at_noon):
    bring([row(1, lon=None, lat=None), row(2, lon=119.0, lat=33.0)])
    none, far = Device.objects.order_by("pk")
    assert (none.location, none.world_x, none.area_code) == (None, None, "320613")
    assert (far.location.x, far.area_code) == (119.0, "320613")


def test_a_change_is_written_down_field_by_field(who, at_noon):
    register(2)
    bring([row(1, name="新名", owner=OTHER, lon=120.9), row(2)])
    change = DeviceChange.objects.get(action="changed")
    assert change.device.code == camera(1)
    assert change.changed == {
        "name": ["路口1", "新名"],
        "lon": [120.851, 120.9],
        "owner_code": [OWNER, OTHER],
    }
    assert change.source.startswith("datahub.delivery:")


def test_the_same_rows_again_and_older_ones_after_newer_change_nothing(who, at_noon):
    import pyarrow as pa

    def rows(name):
        table = table_of([row(1, name=name)])
        return table.append_column("_row", pa.array([1]))

    register(1)
    first = Device.objects.get().delivery_id
    assert take_rows(rows("二"), first + 2).changed == 1
    assert take_rows(rows("二"), first + 2) == take_rows(rows("二"), first + 2)
    done = take_rows(rows("一"), first + 1)
    assert (done.changed, done.registered, Device.objects.get().name) == (0, 0, "二")
    assert DeviceChange.objects.filter(action="changed").count() == 1


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_with_chinese_headers(who, at_noon, tmp_path, kind):
    save_dataset(__import__("datahub.packs.city_devices", fromlist=["DEVICES"]).DEVICES)
    head = ["设备编码", "设备类别", "设备名称", "经度", "纬度", "坐标系", "权属单位编码", "接入网络"]
    rows = [[camera(n), "摄像机", f"路口{n}", "120.85", "31.95", "wgs84", OWNER, "公安"] for n in (1, 2)]
    path = tmp_path / f"名录.{kind}"
    if kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *rows])
    else:
        book = openpyxl.Workbook()
        for line in [head, *rows]:
            book.active.append(line)
        book.save(path)
    delivery = deliver(dataset_code=DATASET, path=path, mapping="zh")
    assert (delivery.rows_committed, Device.objects.filter(kind="camera", area_code="320613").count()) == (
        2,
        2,
    )


def test_readings_are_signs_of_life(who, life, monkeypatch):
    import pyarrow as pa

    from datahub.devices import services, taps
    from tests.factories.datahub import make_dataset

    make_dataset()
    register(1, code="S1", kind="air")
    services.feed_from(dataset_code="test.readings", by=who["steward"])
    taps.forget()
    assert taps.on_readings.wants("test.readings")
    assert not taps.on_readings.wants("city.devices")
    from commandcenter.core import clock

    times = [NOON - timedelta(hours=30), NOON - timedelta(minutes=9), NOON + timedelta(hours=5)]
    table = pa.table({"station": ["S1", "S1", "XX"], "at": pa.array(times, pa.timestamp("us", "UTC"))})
    with clock.at(NOON):
        taps.on_readings("test.readings", 1, table, [True, True, True])
    assert Pulse.objects.get().seen_at == NOON - timedelta(minutes=9)
    future = pa.table(
        {"station": ["S1"], "at": pa.array([NOON + timedelta(hours=5)], pa.timestamp("us", "UTC"))}
    )
    with clock.at(NOON):
        taps.on_readings("test.readings", 2, future, [False])
        assert Pulse.objects.get().seen_at == NOON - timedelta(minutes=9)
        taps.on_readings("test.readings", 2, future, [True])
    assert Pulse.objects.get().seen_at == NOON


@given(st.text(alphabet="0123456789", min_size=18, max_size=22))
def test_a_camera_code_is_twenty_digits_of_a_province_and_a_device(code):
    fits = len(code) == 20 and code[:2] in PROVINCES and 111 <= int(code[10:13]) <= 199
    assert (camera_code_fault(code) == "") == fits


@given(st.floats(-180, 180), st.floats(-89, 89))
def test_places_on_the_world_stay_on_it(lon, lat):
    x, y = world_of([lon], [lat])
    assert 0 <= x[0] < SIZE
    assert 0 <= y[0] < SIZE
