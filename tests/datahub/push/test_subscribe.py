"""Subscriptions on a real broker: messages become rows, once, whatever is killed in between."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import connection, connections

from commandcenter.core import clock
from datahub import selectors
from datahub.models import DeliveryBlob
from datahub.outbound import OutboundRefused, Unreachable
from datahub.push.client import BrokerRefused, try_out
from datahub.push.link import Link
from datahub.push.models import MessageReject, Subscription
from datahub.push.services import make_subscription, pause_subscription
from datahub.quality.models import Incident
from datahub.services import fold_blobs
from tests.factories.city import UserFactory
from tests.factories.datahub import NOON, READINGS, make_dataset
from tests.support.broker import PROGRAM, Mosquitto, Publisher
from tests.support.live import ROOT, free_port

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PROGRAM is None, reason="needs mosquitto"),
]
CODE = READINGS.code
BOTH = pytest.mark.parametrize("protocol", ["3.1.1", "5"])


@pytest.fixture(autouse=True)
def loopback_allowed(settings, monkeypatch):
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    monkeypatch.setenv("CC_OUTBOUND_ALLOW", "127.0.0.1")


@pytest.fixture
def broker():
    made = Mosquitto().start()
    yield made
    made.remove()


@pytest.fixture
def publisher(broker):
    made = Publisher(broker.port)
    yield made
    made.close()


@pytest.fixture
def readings(transactional_db):
    return make_dataset(READINGS.model_copy(update={"lateness_limit": timedelta(days=3_650)}))


def subscription(broker, **over):
    values = {
        "name": "Stations", "host": "127.0.0.1", "port": broker.port, "topic": "air/+/readings",
        "payload": "json", "mapping": {"station": "topic:2", "at": "$.at", "value": "$.v.pm"},
    }  # fmt: skip
    return make_subscription(dataset_code=CODE, by=UserFactory(may=["steward"]), **{**values, **over})


class Running:
    """A link in a thread of this process."""

    def __init__(self, sub):
        self.sub = sub
        self.link = Link(sub.pk, sub.revision)

    def __enter__(self):
        self.link.start()
        wait(lambda: self.state() == "connected")
        return self

    def __exit__(self, *_):
        self.link.stop()
        self.link.join(10)

    def state(self):
        return Subscription.objects.get(pk=self.sub.pk).state


def wait(done, seconds=20.0):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def reading(n, station="S1"):
    return json.dumps({"at": (NOON + timedelta(seconds=n)).isoformat(), "v": {"pm": n % 100}, "n": n})


def rows():
    while fold_blobs():
        pass
    return selectors.read(CODE, columns=["station", "at", "value"]).to_pylist()


def seen(sub):
    return Subscription.objects.get(pk=sub.pk)


@BOTH
def test_messages_become_rows(readings, broker, publisher, protocol):
    sub = subscription(broker, protocol=protocol)
    with Running(sub):
        for n in range(50):
            publisher.publish(f"air/S{n % 2}/readings", reading(n))
        wait(lambda: seen(sub).rows == 50)
    found = rows()
    assert len(found) == 50
    assert {row["station"] for row in found} == {"S0", "S1"}
    assert sorted(row["value"] for row in found) == list(range(50))
    now = seen(sub)
    assert (now.state, now.messages, now.rejected, now.repeats) == ("idle", 50, 0, 0)
    assert now.last_message_at is not None
    assert DeliveryBlob.objects.filter(sender=sub.sender).count() < 50  # gathered, not one by one


@BOTH
def test_what_comes_while_we_are_away_waits_with_the_broker(readings, broker, publisher, protocol):
    sub = subscription(broker, protocol=protocol)
    with Running(sub):
        pass
    for n in range(30):
        publisher.say("air/S1/readings", reading(n))
    with Running(sub):
        wait(lambda: seen(sub).rows == 30)
    assert len(rows()) == 30


@BOTH
def test_unusable_messages_are_kept_as_such_and_hold_nothing_up(readings, broker, publisher, protocol):
    sub = subscription(broker, protocol=protocol)
    bad = [b"{", b"\xff", b"[]", b'{"v": NaN}', b'{"other": 1}', b'{"at": "\\u0000"}', b"1" * 1_100_000]
    with Running(sub):
        for one in bad:
            publisher.publish("air/S1/readings", one)
        publisher.publish("air/S1/readings", '{"call": "13912345678", "v": }')
        publisher.say("air/S1/readings", reading(1))
        wait(lambda: seen(sub).rows == 1 and seen(sub).rejected == 8)
    assert len(rows()) == 1
    rejects = MessageReject.objects.all()
    assert {one.reason for one in rejects} >= {"not_json", "empty"}
    assert not [one for one in rejects if "13912345678" in one.sample]
    incident = Incident.objects.get(kind="rule_failed")
    assert (incident.key, incident.dataset_id) == (sub.sender, readings.pk)
    with Running(sub):
        time.sleep(0.5)
    assert seen(sub).messages == 9  # nothing came again


def test_a_bare_number_gets_its_place_and_time_from_us(readings, broker, publisher):
    sub = subscription(
        broker,
        payload="number",
        topic="#",
        mapping={"station": "topic:-1", "at": "received", "value": "value"},
    )
    with Running(sub):
        for n in (5, 5, 7):
            publisher.say("town/7/S9", str(n))
        publisher.say("town/7/S9", "much")
        wait(lambda: seen(sub).messages == 4)
    assert sorted(row["value"] for row in rows()) == [5, 5, 7]  # two equal readings are two


def test_lines_with_commas(readings, broker, publisher):
    mapping = {"station": "csv:1", "at": "csv:2", "value": "csv:3", "count": "=1"}
    sub = subscription(broker, payload="csv", mapping=mapping)
    with Running(sub):
        publisher.say("air/x/readings", f"S1,{NOON.isoformat()},3.5\nS2,{NOON.isoformat()},4\n")
        wait(lambda: seen(sub).rows == 2)
    assert sorted((row["station"], row["value"]) for row in rows()) == [("S1", 3.5), ("S2", 4.0)]


@BOTH
def test_retained_messages_are_no_new_readings(readings, broker, publisher, protocol):
    publisher.say("air/S1/readings", reading(1), retain=True)
    sub = subscription(broker, protocol=protocol)
    with Running(sub):
        publisher.say("air/S1/readings", reading(2))
        wait(lambda: seen(sub).rows == 1)
    taking = subscription(broker, protocol=protocol, take_retained=True)
    with Running(taking):
        wait(lambda: seen(taking).rows == 1)


# ---------------------------------------------------------------- faults


TOTAL = 1_500


def start_process(tmp_path):
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "commandcenter.settings.test"}
    log = (tmp_path / "mqtt.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "manage.py", "run_mqtt"], cwd=ROOT, env=environment, stdout=log, stderr=log
    )


def connected(sub, process, tmp_path):
    wait(lambda: seen(sub).state == "connected" or process.poll() is not None, 60)
    assert process.poll() is None, (tmp_path / "mqtt.log").read_text()[-3000:]


def send_all(publisher, total, pause=0.0):
    for n in range(total):
        publisher.publish(f"air/S{n % 5}/readings", reading(n))
        if pause and n % 50 == 0:
            time.sleep(pause)


def every_row_once(total):
    found = rows()
    assert len({(row["station"], row["at"]) for row in found}) == len(found) == total


@BOTH
@pytest.mark.slow
def test_the_subscriber_killed_in_the_middle(readings, broker, publisher, protocol, tmp_path):
    sub = subscription(broker, protocol=protocol)
    chance = random.Random(protocol)
    process = start_process(tmp_path)
    try:
        connected(sub, process, tmp_path)
        send_all(publisher, TOTAL)
        for _kill in range(4):
            before = seen(sub).messages
            wait(lambda: seen(sub).messages > before or seen(sub).rows >= TOTAL, 40)  # noqa: B023
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
            process.wait()
            process = start_process(tmp_path)
        wait(lambda: seen(sub).rows >= TOTAL, 60)
        began = clock.now()
        wait(lambda: seen(sub).alive_at > began)  # the last one is up, and hears
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, (tmp_path / "mqtt.log").read_text()
        every_row_once(TOTAL)
        assert seen(sub).state == "idle"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("content", [True, False], ids=["by content", "by packet"])
@BOTH
def test_killed_after_the_commit_and_before_the_acknowledgement(
    readings, broker, publisher, protocol, content, tmp_path, monkeypatch
):
    """The moment at which the broker must send again what we have already."""
    more = (
        {}
        if content
        else {"payload": "number", "mapping": {"station": "topic:2", "at": "received", "value": "value"}}
    )
    sub = subscription(broker, protocol=protocol, **more)
    with Running(sub):
        pass
    for n in range(5):
        publisher.say("air/S1/readings", reading(n) if content else str(n))
    with monkeypatch.context() as patch:
        patch.setenv("CC_DATAHUB_DIE_AT", "messages_kept")
        process = start_process(tmp_path)
        assert process.wait(60) == -signal.SIGKILL
    assert seen(sub).rows == 5
    with Running(sub):
        wait(lambda: seen(sub).repeats == 5)
        publisher.say("air/S1/readings", reading(9) if content else "4")
        wait(lambda: seen(sub).rows == 6)
    assert len(rows()) == 6


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
@BOTH
@pytest.mark.slow
def test_the_broker_goes_away_in_the_middle_and_comes_back(readings, broker, publisher, protocol, how):
    sub = subscription(broker, protocol=protocol)
    total = 400
    with Running(sub) as running:
        send_all(publisher, total // 2)
        wait(lambda: seen(sub).rows > 20)
        broker.end(how)
        wait(lambda: running.state() == "away")
        assert seen(sub).last_error
        broker.start()
        # A broker that was killed may have lost what it had acknowledged a moment ago, and a device that
        # knows it sends again what it is not sure of.
        for n in range(0 if how == signal.SIGKILL else total // 2, total):
            publisher.publish(f"air/S{n % 5}/readings", reading(n))
        wait(lambda: running.state() == "connected")
        wait(lambda: seen(sub).rows >= total, 40)
        time.sleep(0.5)
    every_row_once(total)


def test_a_broker_that_stays_away_becomes_an_incident_and_is_closed_when_it_is_back(readings, broker):
    sub = subscription(broker, away_after_s=10)
    with Running(sub) as running:
        broker.end()
        wait(lambda: running.state() == "away")
        assert not Incident.objects.exists()
        with clock.at(clock.now() + timedelta(seconds=11)):
            running.link._away_since = clock.now() - timedelta(seconds=11)
            wait(lambda: Incident.objects.filter(kind="source_failing", key=sub.sender).exists())
        incident = Incident.objects.get()
        assert (incident.reason, incident.dataset_id, incident.state != "closed") == (
            "broker_away",
            readings.pk,
            True,
        )
        broker.start()
        wait(lambda: running.state() == "connected", 60)
        wait(lambda: Incident.objects.get().state == "closed")


def test_a_pause_is_picked_up_and_so_is_a_change(readings, broker, publisher, tmp_path):
    sub = subscription(broker)
    process = start_process(tmp_path)
    try:
        connected(sub, process, tmp_path)
        pause_subscription(subscription_id=sub.pk, paused=True, by=sub.created_by)
        time.sleep(4)
        publisher.say("air/S1/readings", reading(1))
        time.sleep(0.5)
        assert (seen(sub).state, seen(sub).messages) == ("paused", 0)
        pause_subscription(subscription_id=sub.pk, paused=False, by=sub.created_by)
        wait(lambda: seen(sub).rows == 1)
    finally:
        process.kill()
        process.wait()


# ---------------------------------------------------------------- who lets us in


@BOTH
def test_a_wrong_password_is_said(readings, protocol):
    broker = Mosquitto(password="right").start()
    try:
        sub = subscription(broker, protocol=protocol, username="hub", secret="wrong")
        with pytest.raises(BrokerRefused):
            try_out(sub)
        sub.secret = "right"
        sub.save()
        assert try_out(sub)
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM datahub_subscription")
            assert "right" not in cursor.fetchone()[0]
        with Running(sub):
            pass
    finally:
        broker.remove()


def test_only_allowed_addresses_are_called(readings, broker, settings):
    sub = subscription(broker)
    settings.OUTBOUND_ALLOW = []
    with pytest.raises(OutboundRefused):
        try_out(sub)
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    sub.port = free_port()
    with pytest.raises(Unreachable):
        try_out(sub)


def test_a_broker_that_never_answers(readings, settings):
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        sub = Subscription(host="127.0.0.1", port=silent.getsockname()[1], topic="x", protocol="5")
        began = time.monotonic()
        with pytest.raises(Unreachable):
            try_out(sub)
        assert time.monotonic() - began < 20


@pytest.fixture(autouse=True)
def connections_closed():
    yield
    connections.close_all()


def certificates(folder, host):
    """An authority of our own, and a broker's certificate by it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def made(name, by=None, extension=None):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = clock.now()
        draft = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(by[1].subject if by else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(extension, critical=not by)
        )
        return key, draft.sign(by[0] if by else key, hashes.SHA256())

    authority = made("city ca", extension=x509.BasicConstraints(ca=True, path_length=None))
    key, own = made("broker", authority, x509.SubjectAlternativeName([host]))
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    (folder / "key").write_bytes(key.private_bytes(pem, *plain))
    (folder / "cert").write_bytes(own.public_bytes(pem))
    return authority[1].public_bytes(pem).decode()


def test_an_encrypted_broker_has_to_prove_its_name(readings, tmp_path):
    import ipaddress

    from cryptography import x509

    ours = certificates(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    (tmp_path / "other").mkdir()
    foreign = certificates(tmp_path / "other", x509.DNSName("elsewhere.test"))
    for folder, ca, fits in (
        (tmp_path, ours, True),
        (tmp_path, foreign, False),
        (tmp_path / "other", foreign, False),
    ):
        broker = Mosquitto(lines=f"certfile {folder}/cert\nkeyfile {folder}/key").start()
        try:
            sub = subscription(broker, tls=True, ca_pem=ca)
            if fits:
                assert try_out(sub)
            else:
                with pytest.raises(Unreachable):
                    try_out(sub)
            sub.tls = False
            with pytest.raises(Unreachable):
                try_out(sub)
        finally:
            broker.remove()
