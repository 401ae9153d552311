"""Fifty processes die at random under load; nothing is lost, nothing counted twice, and the screen is right."""

import contextlib
import json
import os
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from websockets.sync.client import connect

from commandcenter.journal.models import Event
from commandcenter.journal.selectors import folded_position
from dashboards.policies import families_of
from dashboards.selectors import snapshot
from hotline.models import Ticket
from tests.dashboards.helpers import make_city
from tests.factories.city import CITY

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent
KILLS = 50
JOURNAL_DIES_EVERY_S = 6.0


class Screen:
    """A wall screen over a real socket; adds what events say, as the cockpit does."""

    def __init__(self, url: str, user) -> None:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}
        address = url.replace("http://", "ws://") + "/ws/live/"
        self.link = connect(address, additional_headers=headers, origin=url, max_size=None).__enter__()
        self.link.send(json.dumps({"watch": CITY, "figures": True}))
        self.figures: dict[str, int] = {}
        self.position = -1
        self.read_until(lambda: self.position >= 0)

    def read_until(self, truth, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not truth():
            assert time.monotonic() < end, f"the screen stands at {self.position}"
            try:
                self.hear(json.loads(self.link.recv(timeout=1)))
            except TimeoutError:
                continue

    def hear(self, message: dict) -> None:
        if message["type"] == "snapshot":
            self.figures, self.day = dict(message["figures"]), message["day"]
            self.position = message["position"]
        elif message["type"] == "event":
            assert message["position"] > self.position
            self.position = message["position"]
            for delta in message["deltas"]:
                if delta["day"] in ("", self.day):
                    self.figures[delta["figure"]] = self.figures.get(delta["figure"], 0) + delta["n"]


def test_fifty_kills_lose_nothing_and_double_nothing(live_city):
    people = make_city()
    screen = Screen(live_city.url, people.leader)
    desk = subprocess.Popen(
        [sys.executable, "-m", "tests.scenarios.desk_that_dies", str(KILLS), "20261122"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "commandcenter.settings.test", "CC_TASKS_EAGER": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # The journal loop dies too, while the desk works on.
    last = time.monotonic()
    while desk.poll() is None:
        with contextlib.suppress(TimeoutError):
            screen.hear(json.loads(screen.link.recv(timeout=0.2)))
        if time.monotonic() - last > JOURNAL_DIES_EVERY_S:
            live_city.kill("journal")
            live_city.start("journal")
            last = time.monotonic()
    output = desk.stdout.read() if desk.stdout else ""
    assert f"{KILLS} kills" in output, output[-2000:]
    assert Ticket.objects.count() > KILLS

    events = Event.objects.count()
    wait_until(lambda: folded_position() == events)
    screen.read_until(lambda: screen.position == events)
    fresh = snapshot(CITY, families_of(people.leader, CITY))
    assert {key: n for key, n in screen.figures.items() if n} == fresh.figures
    assert fresh.figures["tickets.taken"] == Ticket.objects.count()
    out = StringIO()
    call_command("recount", "--check", stdout=out)
    assert json.loads(out.getvalue().splitlines()[-1])["differences"] == 0
    screen.link.close()


def wait_until(truth, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < end, "the journal did not come so far"
        time.sleep(0.2)
