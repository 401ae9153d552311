"""Who sees which devices, on every page and in every tile; streams; orders upstairs."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from commandcenter.core import clock
from commandcenter.core.errors import BadInput
from commandcenter.journal.models import AuditEntry
from datahub.devices import services, tiles
from datahub.devices.models import Device, DeviceStream, Fault, Maintenance, StreamGrant
from dispatch.models import Order
from dispatch.services import follow_fault, handle_order, sign_order
from tests.factories.datahub import NOON
from tests.factories.devices import OTHER, OWNER, camera, register

URL = "rtsp://viewer:secret@10.0.0.1/live/1"


@pytest.fixture
def there(life):
    """Three devices of one owner, two of another; the first has been silent for long."""
    register(3)
    register(2, first=10, owner=OTHER)
    codes = [one.code for one in Device.objects.all()]
    life.walk(3, *codes)
    life.walk(40, *codes[1:])
    with clock.at(life.now):
        yield life


def get(client, user, name, *args, **asked):
    client.force_login(user)
    return client.get(reverse(f"datahub:{name}", args=args), asked)


def shown(answer):
    return sorted(one.code for one in answer.context["rows"])


PAGES = ("devices", "device_map", "faults", "availability", "device_maintenance")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("person", ["steward", "dispatcher", "officer"])
def test_every_page_opens_for_those_who_have_to_do_with_devices(client, who, there, person, language):
    client.cookies["django_language"] = language
    device = Device.objects.get(code=camera(1))
    for name in PAGES:
        assert get(client, who[person], name).status_code == 200, name
    for name, pk in (("device", device.pk), ("device_card", device.pk), ("fault", Fault.objects.get().pk)):
        assert get(client, who[person], name, pk).status_code == 200, name
    assert get(client, who[person], "device_upkeep").status_code == (200 if person == "steward" else 403)


def test_others_do_not_learn_that_there_are_any(client, who, there):
    device, fault = Device.objects.get(code=camera(1)), Fault.objects.get()
    for name in (*PAGES, "devices_export"):
        assert get(client, who["analyst"], name).status_code == 404, name
    for person in ("analyst", "other", "far"):
        assert get(client, who[person], "device", device.pk).status_code == 404
        assert get(client, who[person], "device_card", device.pk).status_code == 404
        assert get(client, who[person], "fault", fault.pk).status_code == 404
    client.logout()
    assert client.get(reverse("datahub:devices")).status_code == 302


def test_officers_see_their_own_and_stewards_their_area(client, who, there):
    assert len(shown(get(client, who["steward"], "devices"))) == 5
    assert shown(get(client, who["officer"], "devices")) == [camera(n) for n in (1, 2, 3)]
    assert shown(get(client, who["other"], "devices")) == [camera(10), camera(11)]
    assert shown(get(client, who["far"], "devices")) == []


def test_filters_and_search(client, who, there):
    def found(**asked):
        return shown(get(client, who["steward"], "devices", **asked))

    assert found(state="fault") == [camera(1)]
    assert found(owner=OTHER) == [camera(10), camera(11)]
    assert found(q=camera(2)) == [camera(2)]
    assert found(q="路口1") == [camera(1), camera(10), camera(11)]
    assert found(area="320613") == found(area="3206") == found(kind="camera") == found(state="nonsense")
    assert found(area="320623") == found(kind="gas") == found(feed="social") == []
    assert found(q="\x00", owner="\x00") == found()


def test_the_export_is_the_list_and_is_written_down(client, who, there):
    Device.objects.filter(code=camera(2)).update(name="=cmd()")
    answer = get(client, who["officer"], "devices_export", kind="camera")
    text = b"".join(answer.streaming_content).decode()
    lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [line[0] for line in lines[1:-1]] == [camera(1), camera(2), camera(3)]
    assert lines[2][2] == "'=cmd()"
    entry = AuditEntry.objects.get(action="datahub.export_devices")
    assert entry.body == {"asked": {"kind": "camera"}, "rows": 3}


def test_the_list_costs_the_same_for_one_and_for_twenty(client, who, there, query_budget):
    client.force_login(who["steward"])
    client.get(reverse("datahub:devices"))
    with query_budget("datahub.devices"):
        client.get(reverse("datahub:devices"), {"q": camera(2)})
    register(20, first=100)
    with query_budget("datahub.devices"):
        client.get(reverse("datahub:devices"))


# ---------------------------------------------------------------- tiles


def tile(client, user, z, x, y, **asked):
    client.force_login(user)
    return client.get(f"/tiles/devices/{z}/{x}/{y}.mvt", asked)


def where(z):
    device = Device.objects.get(code=camera(1))
    return z, device.world_x >> (30 - z), device.world_y >> (30 - z)


def test_a_tile_holds_what_the_person_may_see(client, who, there):
    at = where(12)
    everything, own = tile(client, who["steward"], *at), tile(client, who["officer"], *at)
    assert everything.status_code == own.status_code == 200
    assert everything["Content-Type"] == "application/vnd.mapbox-vector-tile"
    assert "路口10".encode() in everything.content
    assert "路口10".encode() not in own.content
    assert "路口2".encode() in own.content
    assert tile(client, who["far"], *at).content == b""
    assert tile(client, who["analyst"], *at).status_code == 404
    assert b"secret" not in everything.content


def test_a_tile_follows_the_filters_of_the_list(client, who, there):
    at = where(12)
    assert "路口2".encode() not in tile(client, who["steward"], *at, state="fault").content
    assert "路口1".encode() in tile(client, who["steward"], *at, state="fault").content
    assert tile(client, who["steward"], *at, kind="gas").content == b""
    assert tile(client, who["steward"], 12, 5000, 1).status_code == 404


def test_full_tiles_carry_counts_that_add_up(client, who, there, monkeypatch):
    from django.db import connection

    monkeypatch.setattr(tiles, "MOST_POINTS", 2)
    for z in (6, 9, 12, 16):
        x, y = where(z)[1:]
        body = tiles.tile_of(Device.objects.all(), z, x, y)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM datahub_device WHERE world_x >> %s = %s AND world_y >> %s = %s",
                [30 - z, x, 30 - z, y],
            )
            inside = cursor.fetchone()[0]
        assert (b"name" in body) == (inside <= 2 and z > tiles.CLUSTERED_TO)
    assert "路口".encode() not in tiles.tile_of(Device.objects.all(), *where(6))


# ---------------------------------------------------------------- streams


def test_a_stream_is_opened_for_a_reason_for_a_while_and_written_down(client, who, there):
    device = Device.objects.get(code=camera(1))
    services.register_stream(device_id=device.pk, url=URL, by=who["steward"])
    assert URL not in str(DeviceStream.objects.extra(select={"raw": "url::text"}).values_list("raw"))
    for person in ("steward", "dispatcher", "officer"):
        assert "secret" not in get(client, who[person], "device", device.pk).content.decode()
    client.force_login(who["dispatcher"])
    act = reverse("datahub:device_act", args=[device.pk, "open_stream"])
    client.post(act, {"reason": ""})
    assert not StreamGrant.objects.exists()
    page = client.post(act, {"reason": "路口警情核实"}, follow=True).content.decode()
    assert URL in page
    entry = AuditEntry.objects.get(action="datahub.open_stream")
    assert (entry.reason, entry.actor_id, URL in str(entry.body)) == (
        "路口警情核实",
        who["dispatcher"].pk,
        False,
    )
    assert URL not in get(client, who["officer"], "device", device.pk).content.decode()
    with clock.at(there.now + timedelta(minutes=16)):
        assert URL not in get(client, who["dispatcher"], "device", device.pk).content.decode()


def test_a_steward_registers_and_does_not_look(who, there):
    device = Device.objects.get(code=camera(1))
    services.register_stream(device_id=device.pk, url=URL, by=who["officer"])
    with pytest.raises(PermissionDenied):
        services.open_stream(device_id=device.pk, by=who["steward"], reason="试一试看")
    assert AuditEntry.objects.get(action="datahub.open_stream").result == "refused"
    with pytest.raises(PermissionDenied):
        services.register_stream(device_id=device.pk, url=URL, by=who["dispatcher"])


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "rtsp://", "x" * 600, "http://[::1"]
)
def test_what_is_no_address_is_not_registered(who, there, url):
    device = Device.objects.get(code=camera(1))
    with pytest.raises(BadInput):
        services.register_stream(device_id=device.pk, url=url, by=who["officer"])
    assert not DeviceStream.objects.exists()


# ---------------------------------------------------------------- maintenance, keys


def test_an_owner_announces_and_cancels_for_himself_only(client, who, there):
    client.force_login(who["officer"])
    url = reverse("datahub:device_maintenance")
    values = {
        "owner_code": OWNER,
        "starts_at": "2026-11-20T13:00",
        "ends_at": "2026-11-20T18:00",
        "reason": "换杆",
    }
    client.post(url, {**values, "owner_code": OTHER})
    assert not Maintenance.objects.exists()
    client.post(url, values)
    made = Maintenance.objects.get()
    assert (made.owner_code, made.starts_at) == (OWNER, NOON + timedelta(hours=1))
    client.force_login(who["other"])
    assert client.post(url, {"do": "cancel", "id": made.pk}).status_code == 404
    client.force_login(who["officer"])
    client.post(url, {"do": "cancel", "id": made.pk})
    made.refresh_from_db()
    assert made.cancelled_at is not None


def test_a_key_is_shown_once(client, who, there):
    client.force_login(who["steward"])
    url = reverse("datahub:device_upkeep")
    page = client.post(
        url, {"do": "issue", "name": "网关", "owner_code": OWNER}, follow=True
    ).content.decode()
    assert "cch_" in page
    assert "cch_" not in client.get(url).content.decode()


# ---------------------------------------------------------------- the order upstairs


def event(fault, action, at):
    from commandcenter.journal.models import Event
    from datahub.devices.services._moving import tell

    tell(fault, action, "open", at=at)
    found = Event.objects.filter(kind="datahub.fault.moved").latest("pk")
    return {**found.body, "kind": found.kind}


def test_the_owner_of_a_public_device_gets_one_order(who, there):
    fault = Fault.objects.get()
    payload = event(fault, "open", there.now)
    follow_fault(payload=payload)
    follow_fault(payload=payload)
    order = Order.objects.get(kind="device")
    assert (order.org.code, order.case_ref, order.due_at <= fault.due_at) == (OWNER, fault.ref, True)
    assert camera(1) in order.content
    services.follow_order(
        payload={"case_ref": fault.ref, "order_id": order.pk, "number": order.number, "action": "open"}
    )
    fault.refresh_from_db()
    assert fault.order_number == order.number
    with pytest.raises(PermissionDenied):
        services.acknowledge_fault(fault_id=fault.pk, by=who["officer"])


def test_an_order_nobody_took_up_is_withdrawn_when_the_device_is_heard(who, there):
    fault = Fault.objects.get()
    follow_fault(payload=event(fault, "open", there.now))
    follow_fault(payload={**event(fault, "close", there.now)})
    assert Order.objects.get(kind="device").state == "cancelled"


def test_a_signed_order_stays_with_its_unit(who, there):
    fault = Fault.objects.get()
    follow_fault(payload=event(fault, "open", there.now))
    order = Order.objects.get(kind="device")
    sign_order(order_id=order.pk, by=who["officer"])
    follow_fault(payload=event(fault, "close", there.now))
    order.refresh_from_db()
    assert order.state == "signed"
    handle_order(order_id=order.pk, by=who["officer"], result="已更换电源")


def test_social_devices_and_unknown_owners_get_no_order(who, life):
    register(1, feed="social")
    life.walk(2, camera(1))
    life.walk(40)
    follow_fault(payload=event(Fault.objects.get(), "open", life.now))
    assert not Order.objects.exists()


def test_the_trace_walks_from_the_fault_to_its_order(client, who, there):
    fault = Fault.objects.get()
    follow_fault(payload=event(fault, "open", there.now))
    order = Order.objects.get(kind="device")
    for person, seen in (("dispatcher", True), ("officer", True), ("other", False)):
        client.force_login(who[person])
        answer = client.get(f"/trace/{fault.ref}/")
        assert (answer.status_code == 200) == seen
        if seen:
            assert {thing.number for thing in answer.context["trace"].things} == {fault.number, order.number}


def test_news_of_a_fault_is_a_line_for_people(who, there):
    from dashboards.words import line

    fault = Fault.objects.get()
    said = line("datahub.fault.moved", event(fault, "open", there.now))
    assert (said.title, said.ref) == (fault.title, fault.ref)


def test_the_incident_leads_to_the_fault(client, who, there):
    from datahub.quality.models import Incident

    incident = Incident.objects.get(kind="device_fault")
    client.force_login(who["steward"])
    page = client.get(reverse("datahub:incident", args=[incident.pk])).content.decode()
    assert reverse("datahub:fault", args=[Fault.objects.get().pk]) in page
