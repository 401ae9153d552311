"""Rows carried to the consumer: signed, in order, once; retried later and later; never past the allow-list."""

import hashlib
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.exceptions import PermissionDenied

from commandcenter.core import clock
from datahub import outbound
from datahub.outbound import OutboundRefused
from datahub.sharing import services
from datahub.sharing.models import Delivering, ShareCall
from tests.factories.datahub import NOON
from tests.factories.sharing import CONDITIONAL, bring, granted, people, shared


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.2:1/elsewhere")
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture
def receiver():
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.got, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def who(city, settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    return people()


def values(got):
    return [row["value"] for _headers, body in got for row in json.loads(body)["rows"]]


def test_new_rows_are_pushed_signed_and_once(who, noon, receiver):
    shared(rows=3)
    agreement, _token = granted(who)
    secret = services.set_webhook(agreement_id=agreement.pk, by=who["consumer"], url=receiver.url)
    assert services.carry_all() == {"batches": 1, "rows": 3, "failed": 0}
    assert services.carry_all()["batches"] == 0
    bring(CONDITIONAL.code, 2, at=NOON - timedelta(hours=3))
    assert services.carry_all()["rows"] == 2
    assert values(receiver.got) == [0, 1, 2, 0, 1]
    for number, (headers, body) in enumerate(receiver.got, 1):
        sign = services.signature(secret, headers["X-Share-Timestamp"], str(number), body)
        assert headers["X-Share-Signature"] == f"sm3={sign}"
        assert headers["X-Share-Batch"] == str(number)
    held = Delivering.objects.get()
    assert secret not in str(Delivering.objects.values("url", "position").get())
    calls = ShareCall.objects.filter(way="webhook", outcome="ok")
    assert (held.number, sum(calls.values_list("rows", flat=True))) == (2, 5)


def test_a_repeat_is_the_same_batch_even_when_rows_came_meanwhile(who, noon, receiver):
    shared(rows=3)
    agreement, _token = granted(who)
    services.set_webhook(agreement_id=agreement.pk, by=who["consumer"], url=receiver.url)
    receiver.answers = [500, 503]
    assert services.carry_all()["failed"] == 1
    bring(CONDITIONAL.code, 4, at=NOON - timedelta(hours=3))
    assert services.carry_all()["failed"] == 0  # not due yet
    pauses = []
    at = NOON
    for _try in range(2):
        pauses.append((Delivering.objects.get().next_try - at).total_seconds())
        at = Delivering.objects.get().next_try
        with clock.at(at):
            services.carry_all()
    assert pauses == [10, 20]
    assert [headers["X-Share-Batch"] for headers, _b in receiver.got] == ["1", "1", "1", "2"]
    assert len({body for _h, body in receiver.got[:3]}) == 1
    assert values(receiver.got[2:]) == [0, 1, 2, 0, 1, 2, 3]
    assert ShareCall.objects.filter(way="webhook", outcome="failed").count() == 2


def test_after_many_failures_a_person_has_to_look(who, noon, receiver):
    shared(rows=1)
    agreement, _token = granted(who)
    services.set_webhook(agreement_id=agreement.pk, by=who["consumer"], url=receiver.url)
    Delivering.objects.update(failures=11)
    receiver.answers = [500]
    services.carry_all()
    held = Delivering.objects.get()
    assert (held.paused, held.last_error) == (True, "HTTP 500")


def test_a_stop_ends_the_push_at_once(who, noon, receiver):
    shared(rows=1)
    agreement, _token = granted(who)
    services.set_webhook(agreement_id=agreement.pk, by=who["consumer"], url=receiver.url)
    services.stop_grant(agreement_id=agreement.pk, by=who["provider"], reason="停")
    assert services.carry_all()["batches"] == 0
    assert services.carry_one(Delivering.objects.get().pk) is None
    assert receiver.got == []


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:80/", "http://127.0.0.2/hook", "http://[::1]/", "http://169.254.169.254/latest",
        "http://10.0.0.8/", "file:///etc/passwd", "ftp://127.0.0.1/", "http://user:word@127.0.0.1/",
        "http://0.0.0.0/", "http://[::ffff:10.0.0.8]/", "http://2130706434/", "notanaddress", "http://",
    ],
)  # fmt: skip
def test_addresses_off_the_list_are_refused(who, noon, url, settings, monkeypatch):
    settings.OUTBOUND_ALLOW = ["127.0.0.1", "data.example.gov.cn"]
    monkeypatch.setattr(outbound.socket, "getaddrinfo", _as_written)
    shared(rows=1)
    agreement, _token = granted(who)
    with pytest.raises(OutboundRefused):
        services.set_webhook(agreement_id=agreement.pk, by=who["consumer"], url=url)
    assert not Delivering.objects.exists()


_real = outbound.socket.getaddrinfo


def _as_written(host, port, **kwargs):
    if host == "localhost":
        return [(2, 1, 6, "", ("127.0.0.7", port))]
    return _real(host, port, **kwargs)


def test_a_name_on_the_list_that_points_inside_is_refused(settings, monkeypatch):
    settings.OUTBOUND_ALLOW = ["data.example.gov.cn", "*.open.example"]
    answers = {
        "data.example.gov.cn": "10.1.2.3",
        "a.open.example": "203.0.113.9",
        "b.open.example": "1.1.1.1",
    }
    monkeypatch.setattr(
        outbound.socket, "getaddrinfo", lambda host, port, **_k: [(2, 1, 6, "", (answers[host], port))]
    )
    with pytest.raises(OutboundRefused):
        outbound.check("https://data.example.gov.cn/x")
    assert outbound.check("https://b.open.example/x").ip == "1.1.1.1"
    with pytest.raises(OutboundRefused):
        outbound.check("https://a.open.example/x")  # a documentation network is no public address
    settings.OUTBOUND_ALLOW = ["b.open.example:8443"]
    with pytest.raises(OutboundRefused):
        outbound.check("https://b.open.example/x")


def test_a_redirect_is_not_followed(who, noon, receiver):
    shared(rows=1)
    agreement, _token = granted(who)
    services.set_webhook(agreement_id=agreement.pk, by=who["consumer"], url=receiver.url)
    receiver.answers = [302]
    assert services.carry_all()["failed"] == 1
    receiver.answers = [302]
    with pytest.raises(OutboundRefused):
        outbound.request("POST", receiver.url, body=b"{}")


def test_files_come_with_a_manifest_that_proves_them(who, noon):
    shared(rows=5)
    agreement, _token = granted(who)
    services.set_file_drop(agreement_id=agreement.pk, by=who["consumer"], form="csv")
    services.carry_all()
    bring(CONDITIONAL.code, 2, at=NOON - timedelta(hours=3))
    services.carry_all()
    folder = services.folder_of(agreement)
    manifests = [json.loads(path.read_text()) for path in sorted(folder.glob("*.manifest.json"))]
    assert [m["rows"] for m in manifests] == [5, 2]
    for manifest in manifests:
        body = (folder / manifest["file"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == manifest["sha256"]
        assert len(body) == manifest["bytes"]
    assert not list(folder.glob("*.part"))


def test_only_the_consumer_sets_where_rows_go(who, noon, receiver):
    shared(rows=1)
    agreement, _token = granted(who)
    for person in ("provider", "steward", "other"):
        with pytest.raises(PermissionDenied):
            services.set_webhook(agreement_id=agreement.pk, by=who[person], url=receiver.url)
    assert not Delivering.objects.exists()
