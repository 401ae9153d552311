"""The heartbeat API: who may, what is taken, and that order and repetition do not matter."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from commandcenter.core import clock
from commandcenter.journal.models import AuditEntry
from datahub.devices import services
from datahub.devices.models import HeartbeatKey, Pulse
from datahub.devices.services import Beat
from tests.factories.datahub import NOON
from tests.factories.devices import OTHER, OWNER, camera, register

URL = "/api/devices/v1/heartbeat"


@pytest.fixture
def keys(who, at_noon):
    register(3)
    register(1, first=9, owner=OTHER)
    return {
        owner: services.issue_key(name="网关", owner_code=owner, by=who["steward"])[1]
        for owner in (OWNER, OTHER, "")
    }


def post(client, token, body):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.post(URL, body, content_type="application/json", headers=headers)


def seen(n):
    return Pulse.objects.get(device__code=camera(n)).seen_at


def test_one_and_many(client, keys):
    answer = post(client, keys[OWNER], {"code": camera(1)})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert seen(1) == NOON
    body = {"beats": [{"code": camera(1)}, {"code": camera(2)}, {"code": camera(2)}, {"code": "nobody"}]}
    said = post(client, keys[OWNER], body).json()
    assert (said["accepted"], said["unknown_count"], said["unknown"]) == (2, 1, ["nobody"])


def test_a_key_opens_its_owner_s_devices_only(client, keys):
    assert post(client, keys[OWNER], {"code": camera(9)}).json()["unknown"] == [camera(9)]
    assert seen(9) is None
    assert post(client, keys[""], {"code": camera(9)}).json()["accepted"] == 1


def test_without_a_key_in_force_nothing_is_heard(client, keys, who):
    assert post(client, "", {"code": camera(1)}).status_code == 403
    assert post(client, "cch_guess", {"code": camera(1)}).status_code == 403
    key = HeartbeatKey.objects.get(owner_code=OWNER)
    services.end_key(key_id=key.pk, by=who["steward"])
    assert post(client, keys[OWNER], {"code": camera(1)}).status_code == 403
    assert seen(1) is None
    assert keys[OWNER] not in str(HeartbeatKey.objects.values())


@pytest.mark.parametrize("person", ["officer", "dispatcher", "analyst"])
def test_only_the_steward_gives_out_keys(who, person):
    with pytest.raises(PermissionDenied):
        services.issue_key(name="x", owner_code="", by=who[person])
    assert not HeartbeatKey.objects.exists()
    assert not AuditEntry.objects.filter(action="datahub.issue_heartbeat_key").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], ""), ({}, "code"), ({"code": 5}, "code"), ({"code": ""}, "code"), ({"code": "x" * 41}, "code"),
        ({"code": "a\x00"}, "code"), ({"code": "a", "at": "yesterday"}, "at"), ({"code": "a", "more": 1}, "more"),
        ({"code": "a", "at": "2026-11-22T08:00:00"}, "at"), ({"beats": []}, "beats"), ({"beats": "x"}, "beats"),
        ({"beats": [5]}, ""), ({"beats": [{"code": "a"}], "sent_at": 7}, "sent_at"),
        ({"beats": [{"code": "a"}, {"code": "b", "trouble": 1}]}, "trouble"),
        ({"beats": [{"code": "a"}] * 5001}, "beats"), ({"code": "a", "at": "0001-01-01T00:00:00Z"}, "at"),
    ],
)  # fmt: skip
def test_nonsense_is_named_and_nothing_of_it_is_taken(client, keys, body, field):
    answer = post(client, keys[OWNER], body)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["problems"]] == [field]
    assert not Pulse.objects.exclude(seen_at=None).exists()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000, b'{"beats":' * 50_000, b'{"code": "\\ud800"}', b'{"\\ud800": 1}', b"\xff\xfe", b"NaN", b'{"code": 1e999}',
        b'{"code": "a", "trouble": "\\ud800"}', b"null", b"5", b'{"code": "a", "code": 5}', b"",
    ],
)  # fmt: skip
def test_hostile_bodies_are_refused(client, keys, body):
    headers = {"Authorization": f"Bearer {keys[OWNER]}"}
    answer = client.post(URL, body, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    assert not Pulse.objects.exclude(seen_at=None).exists()


def test_a_wrong_clock_is_noted_and_the_server_s_time_counts(client, keys):
    at = (NOON + timedelta(hours=3)).isoformat()
    assert post(client, keys[OWNER], {"code": camera(1), "at": at}).status_code == 200
    pulse = Pulse.objects.get(device__code=camera(1))
    assert (pulse.seen_at, pulse.skew_s) == (NOON, 3 * 3600)


def test_what_a_gateway_held_back_is_as_old_as_its_own_clock_says(client, keys):
    sent, at = NOON + timedelta(hours=9), NOON + timedelta(hours=9) - timedelta(minutes=4)
    body = {"sent_at": sent.isoformat(), "beats": [{"code": camera(1), "at": at.isoformat()}]}
    assert post(client, keys[OWNER], body).status_code == 200
    assert seen(1) == NOON - timedelta(minutes=4)
    body["beats"][0]["at"] = (sent + timedelta(hours=1)).isoformat()  # not even that clock runs straight
    post(client, keys[OWNER], body)
    assert seen(1) == NOON


def test_a_late_heartbeat_fills_the_gap_that_was_none(keys):
    with clock.at(NOON):
        services.hear([Beat(camera(1))])
    with clock.at(NOON + timedelta(minutes=5)):
        services.hear([Beat(camera(1))])
        pulse = Pulse.objects.get(device__code=camera(1))
        assert (pulse.slept_at, pulse.woke_at) == (NOON, NOON + timedelta(minutes=5))
        services.hear([Beat(camera(1), age=timedelta(minutes=150 / 60))])
    pulse.refresh_from_db()
    assert pulse.slept_at is None
    assert pulse.seen_at == NOON + timedelta(minutes=5)


@limits(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ages=st.lists(st.integers(0, 3_000), min_size=1, max_size=12), seed=st.randoms(use_true_random=False))
def test_the_order_of_heartbeats_does_not_matter(keys, ages, seed):
    """The newest by server time stands at the end, in whatever order and how often they come."""
    shuffled = [*ages, *ages[:3]]
    seed.shuffle(shuffled)
    Pulse.objects.filter(device__code=camera(2)).update(seen_at=None, slept_at=None, woke_at=None)
    with clock.at(NOON):
        for age in shuffled:
            services.hear([Beat(camera(2), age=timedelta(seconds=age))])
    assert seen(2) == NOON - timedelta(seconds=min(ages))


@pytest.mark.django_db(transaction=True)
def test_batches_with_the_same_devices_wait_for_each_other(who):
    """Four senders, the same devices in other orders: no deadlock, nothing lost."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections

    codes = [one.code for one in register(60)]

    def send(n):
        order = codes if n % 2 else list(reversed(codes))
        try:
            return [services.hear([Beat(code) for code in order]).accepted for _ in range(6)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(send, range(4))) == [[60] * 6] * 4
    assert Pulse.objects.filter(seen_at=None).count() == 0
