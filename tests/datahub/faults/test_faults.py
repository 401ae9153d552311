"""Redis killed, PostgreSQL restarted, workers killed at random moments, a full disk: every row once.

Runs on services of its own (services.py) and in order, on one process of the test run.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.factories.datahub import csv_file, rows

from .services import ROOT, Services, end, possible
from .workhorse_size import FILES, KILLS, PUSH_ROWS, PUSHES, ROWS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("faults"),
    pytest.mark.skipif(not possible(), reason="needs PostgreSQL's and Redis' own programs"),
]


def noise(n, station):
    """Rows that no compression makes small."""
    chance = random.Random(station)
    return [
        {
            **row,
            "value": chance.uniform(0, 999),
            "lon": chance.uniform(120, 121),
            "lat": chance.uniform(31, 32),
        }
        for row in rows(n, station=station)
    ]


class Workhorse:
    """The process that makes workers; see workhorse.py."""

    def __init__(self, services):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.datahub.faults.workhorse"], cwd=ROOT, env=services.environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(services.home / "log").open("ab"), text=True,
        )  # fmt: skip
        self.log = services.home / "log"
        assert self._read() == {"ready": True}

    def _read(self):
        line = self.process.stdout.readline()
        assert line, self.log.read_text()[-3000:]
        return json.loads(line)

    def _say(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self._read()

    def start(self, what, **given):
        return self._say(do="start", what=what, given=given)["pid"]

    def wait(self, pid):
        return self._say(do="wait", pid=pid)

    def run(self, what, **given):
        ended = self.wait(self.start(what, **given))
        assert "answer" in ended, f"{ended}\n{self.log.read_text()[-3000:]}"
        return ended["answer"]


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


@pytest.fixture(scope="module")
def given(services):
    """The senders' work: files and pushes."""
    files = [str(csv_file(services.home, rows(ROWS, station=f"F{n:04d}"), f"{n}.csv")) for n in range(FILES)]
    return {"files": files, "pushes": PUSHES}


EXPECTED = FILES * ROWS + PUSHES * PUSH_ROWS


def complete(found, more=0):
    wanted = EXPECTED + more
    return found == {"rows": wanted, "distinct": wanted, "problems": [], "open": 0, "blobs": 0}


def test_workers_killed_at_random_moments_lose_and_double_nothing(workhorse, given):
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    killed = 0
    for _ in range(KILLS * 3):
        if killed == KILLS:
            break
        worker = workhorse.start("work", **given)
        time.sleep(chance.uniform(0.02, 0.25))  # short beside the whole work, also on a quiet machine
        os.kill(worker, signal.SIGKILL)
        killed += workhorse.wait(worker)["killed"] == signal.SIGKILL
    found = workhorse.run("count")  # what readers see after the last kill: whole deliveries, each row once
    assert found["rows"] == found["distinct"], seed
    assert found["problems"] == [], seed
    workhorse.run("work", **given)
    found = workhorse.run("count")
    assert complete(found), (seed, found)
    assert killed == KILLS, "the work was done before all kills: make it longer"


def test_postgresql_restarted_in_the_middle(workhorse, services, given, tmp_path):
    more = [str(csv_file(tmp_path, rows(ROWS, station=f"R{n:04d}"), f"r{n}.csv")) for n in range(FILES)]
    worker = workhorse.start("work", files=more, pushes=0)
    for pause in (0.3, 0.5):
        time.sleep(pause)
        services.restart_postgres()
    ended = workhorse.wait(worker)
    assert "answer" in ended, ended
    found = workhorse.run("count")
    assert complete(found, FILES * ROWS), (ended, found)


def test_redis_killed_in_the_middle(workhorse, services, given, tmp_path):
    """Redis holds nothing that may be lost: deliveries go on without it."""
    more = [str(csv_file(tmp_path, rows(ROWS, station=f"Q{n:04d}"), f"q{n}.csv")) for n in range(FILES // 2)]
    worker = workhorse.start("work", files=more, pushes=0)
    time.sleep(0.3)
    services.kill_redis()
    ended = workhorse.wait(worker)
    services.start_redis()
    assert ended["answer"] == {"faults": 0}
    found = workhorse.run("count")
    assert complete(found, FILES * ROWS + len(more) * ROWS), found


def test_a_full_disk_fails_the_delivery_and_leaves_the_table_readable(workhorse, tmp_path):
    before = workhorse.run("count")
    path = str(csv_file(tmp_path, noise(5_000, "FULL"), "full.csv"))
    failed = workhorse.run("deliver_with_limit", path=path, size=20_000)
    assert (failed["state"], failed["reason"]) == ("refused", "failed")
    assert "File too large" in failed["detail"]
    assert workhorse.run("count") == before
    assert workhorse.run("deliver", path=path)["state"] == "committed"
    after = workhorse.run("count")
    assert (after["rows"], after["problems"]) == (before["rows"] + 5_000, [])


def test_pushed_rows_wait_until_there_is_room_again(workhorse):
    before = workhorse.run("count")
    waiting = workhorse.run("push_with_limit", station="WAIT", size=8_000)["states"]
    assert [state for state, *_rest in waiting] == ["parsed"], waiting
    assert "File too large" in waiting[0][2]
    workhorse.run("recover")
    after = workhorse.run("count")
    assert (after["rows"], after["distinct"]) == (before["rows"] + 5_000, before["distinct"] + 5_000)
    assert (after["problems"], after["open"], after["blobs"]) == ([], 0, 0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a small disk")
def test_a_disk_that_really_is_full(services, tmp_path):
    folder = services.home / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount")
    (folder / "lake").mkdir()
    (services.home / "lake").rename(services.home / "lake_elsewhere")
    (services.home / "lake").symlink_to(folder / "lake")
    horse = Workhorse(services)
    try:
        small = str(csv_file(tmp_path, rows(200, station="SMALL"), "small.csv"))
        assert horse.run("deliver", path=small)["state"] == "committed"
        large = str(csv_file(tmp_path, noise(40_000, "LARGE"), "large.csv"))
        failed = horse.run("deliver", path=large)
        assert (failed["state"], failed["reason"]) == ("refused", "failed")
        assert "No space left" in failed["detail"]
        assert horse.run("count")["rows"] == 200
        again = str(csv_file(tmp_path, rows(100, station="AGAIN"), "again.csv"))
        assert horse.run("deliver", path=again)["state"] == "committed"
        assert horse.run("count")["rows"] == 300
    finally:
        end(horse.process)
        (services.home / "lake").unlink()
        (services.home / "lake_elsewhere").rename(services.home / "lake")
        subprocess.run(["umount", str(folder)], check=False)
