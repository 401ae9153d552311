"""PostgreSQL restarted, Redis killed, the server killed while systems push: what was acknowledged is there once.

Through a real server, on services of the test's own (tests/datahub/faults).
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress

import pytest

from tests.datahub.faults.services import ROOT, Services, end, possible
from tests.datahub.faults.test_faults import Workhorse
from tests.factories.datahub import READINGS, rows
from tests.support.live import free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("faults"),
    pytest.mark.skipif(not possible(), reason="needs PostgreSQL's and Redis' own programs"),
]
ROWS = 40
SENDERS = 4  # half of them number their batches and send again; the others go on to the next one


@pytest.fixture(scope="module")
def services(django_db_setup):
    made = Services()
    try:
        made.make_cluster()
        made.start_redis()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def workhorse(services):
    made = Workhorse(services)
    try:
        made.run("setup")
        yield made
    finally:
        end(made.process)


class Server:
    def __init__(self, services):
        self.port, self.services = free_port(), services
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "commandcenter.asgi:application", "--host", "127.0.0.1", "--port",
             str(self.port), "--lifespan", "off", "--no-access-log", "--log-level", "warning"],
            cwd=ROOT, env=self.services.environment(), stderr=(self.services.home / "web").open("ab"),
        )  # fmt: skip

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def push(self, token, body, number=""):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if number:
            headers["Idempotency-Key"] = number
        address = f"http://127.0.0.1:{self.port}/api/push/v1/{READINGS.code}/rows"
        asked = urllib.request.Request(address, body, headers, method="POST")
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


@pytest.fixture
def server(services):
    made = Server(services)
    yield made
    end(made.process)


class Sender(threading.Thread):
    def __init__(self, n, mark, server, token, batches):
        super().__init__()
        self.n, self.mark, self.server, self.token, self.batches = n, mark, server, token, batches
        self.numbered = n % 2 == 0
        self.acknowledged, self.tried, self.statuses = [], [], {}

    def run(self):
        for k in range(self.batches):
            station = f"H{self.mark}{self.n}-{k:04d}"
            body = json.dumps(rows(ROWS, station=station)).encode()
            self.tried.append(station)
            while True:
                status = self.server.push(self.token, body, station if self.numbered else "")
                self.statuses[status] = self.statuses.get(status, 0) + 1
                if status == 202:
                    self.acknowledged.append(station)
                elif self.numbered:
                    time.sleep(0.05)
                    continue
                break


def during(workhorse, server, mark, fault, batches=120):
    """Senders push, faults fall in between; afterwards every station is counted."""
    token = workhorse.run("issue_push_key")["token"]
    end_of_start = time.monotonic() + 60
    while server.push(token, b"[]") != 400:
        assert time.monotonic() < end_of_start, (server.services.home / "web").read_text()[-3000:]
        time.sleep(0.2)
    senders = [Sender(n, mark, server, token, batches) for n in range(SENDERS)]
    for sender in senders:
        sender.start()
    fault()
    for sender in senders:
        sender.join(120)
        assert not sender.is_alive()
    workhorse.run("recover")
    while workhorse.run("fold")["rows"]:
        pass
    found = {name: n for name, n in workhorse.run("stations").items() if name.startswith(f"H{mark}")}
    acknowledged = {station for sender in senders for station in sender.acknowledged}
    tried = {station for sender in senders for station in sender.tried}
    assert set(found.values()) == {ROWS}
    assert acknowledged <= set(found) <= tried
    for sender in senders:
        if sender.numbered:
            assert sender.acknowledged == sender.tried
    seen = {status for sender in senders for status in sender.statuses}
    assert 500 not in seen, (server.services.home / "web").read_text()[-3000:]
    return seen


def test_postgresql_restarted_while_systems_push(workhorse, services, server):
    def fault():
        for pause in (0.5, 0.7):
            time.sleep(pause)
            services.restart_postgres()

    assert during(workhorse, server, "P", fault) <= {202, 503}


def test_redis_killed_while_systems_push(workhorse, services, server):
    def fault():
        time.sleep(0.3)
        services.kill_redis()

    try:
        assert during(workhorse, server, "R", fault) == {202}
    finally:
        services.start_redis()


def test_the_server_killed_while_systems_push(workhorse, services, server):
    def fault():
        for _ in range(2):
            time.sleep(0.5)
            server.kill()
            server.start()
            time.sleep(4)

    assert during(workhorse, server, "K", fault, batches=300) <= {202, 0}


def test_a_body_without_end_and_many_at_once_do_no_harm(workhorse, services, server):
    import socket

    token = workhorse.run("issue_push_key")["token"]
    while server.push(token, b"[]") != 400:
        time.sleep(0.2)
    with socket.create_connection(("127.0.0.1", server.port), 10) as link:
        link.sendall(
            f"POST /api/push/v1/{READINGS.code}/rows HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            "Content-Length: 1000000000\r\n\r\n".encode()
        )
        sent = 0
        with suppress(OSError):  # the server hangs up
            while sent < 64 * 2**20:
                sent += link.send(b" " * 65_536)
        assert sent < 64 * 2**20
    assert server.push(token, json.dumps(rows(1, station="after")).encode()) == 202
