"""bin/run comes up and goes down whole; bin/backup and bin/restore bring a database back as it was."""

import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform.house import ROOT, House
from tests.support.live import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("house")]


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("h") / "var")
    yield house
    house.remove()


def test_run_comes_up_and_ctrl_c_stops_everything(house):
    port = free_port()
    environment = {**house.environment, "PORT": str(port), "DEMO": "0"}
    log = (house.var.parent / "run.log").open("w+")
    run = subprocess.Popen(
        [ROOT / "bin/run"],
        env=environment,
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/", run, Path(log.name))
        children = descendants(run.pid)
        assert len(children) >= 5, "honcho, web, worker, beat, journal"
        assert house.run("services", "status").returncode == 0
    finally:
        run.send_signal(signal.SIGINT)  # nothing when it has ended: its number may be somebody else's by now
        code = run.wait(timeout=60)
    assert code == 130
    assert "Ready:" in Path(log.name).read_text()
    end = time.monotonic() + 5
    while (left := still_there(children)) and time.monotonic() < end:
        time.sleep(0.1)
    assert left == []
    assert house.run("services", "status").returncode == 3, "it started the services, so it stops them"


def test_a_backup_comes_back_as_it_was(house, tmp_path):
    lake = house.var / "lake" / "old" / "a"
    lake.mkdir(parents=True)
    (lake / "part.parquet").write_bytes(b"rows")
    old, new = {"CC_DATABASE_NAME": "old"}, {"CC_DATABASE_NAME": "new"}
    assert house.run("manage", "migrate", "--verbosity", "0", **old).returncode == 0
    write = "from commandcenter.journal.services import audit; audit(actor=None, action='city.login')"
    assert house.run("manage", "shell", "-v0", "-c", write, **old).returncode == 0

    saved = house.run("backup", str(tmp_path / "saved"), **old)
    assert saved.returncode == 0, saved.stderr
    assert not list((tmp_path / "saved").rglob("env")), "keys are kept apart"
    back = house.run("restore", str(tmp_path / "saved"), **new)
    assert back.returncode == 0, back.stderr
    assert (house.var / "lake/new/a/part.parquet").read_bytes() == b"rows"

    read = (
        "from commandcenter.journal.models import AuditEntry; from django.db import connection as c\n"
        "x = c.cursor(); x.execute(\"SELECT has_table_privilege('journal_auditentry', 'UPDATE')\")\n"
        "print(AuditEntry.objects.filter(action='city.login').count(), x.fetchone()[0])"
    )
    seen = house.run("manage", "shell", "-v0", "-c", read, **new)
    assert seen.stdout.split() == ["1", "False"], seen.stderr

    again = house.run("restore", str(tmp_path / "saved"), **new)
    assert again.returncode == 1
    assert "nothing was changed" in again.stderr


def test_a_damaged_backup_is_refused(house, tmp_path):
    saved = tmp_path / "saved"
    assert house.run("manage", "check", CC_DATABASE_NAME="small").returncode == 0  # makes the database
    assert house.run("backup", str(saved), CC_DATABASE_NAME="small").returncode == 0
    with (saved / "database.dump").open("ab") as dump:
        dump.write(b"x")
    refused = house.run("restore", str(saved), CC_DATABASE_NAME="newer")
    assert refused.returncode == 1
    assert "damaged" in refused.stderr


def wait_for(url: str, run: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 150
    while time.monotonic() < end:
        assert run.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == 200
            if "Ready:" in log.read_text():
                return
        except OSError:
            pass
        time.sleep(0.3)
    pytest.fail(log.read_text())


def still_there(pids: list[int]) -> list[str]:
    paths = [Path(f"/proc/{pid}/cmdline") for pid in pids]
    return [path.read_text().replace("\0", " ") for path in paths if path.exists()]


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found
