"""The commands in bin/, run for real with folders of their own."""

import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.platform.house import ROOT, House

pytestmark = pytest.mark.xdist_group("house")


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("h") / "var")
    started = house.run("services", "start")
    assert started.returncode == 0, started.stderr
    yield house
    house.remove()


def test_starting_twice_is_starting_once(house):
    before = (house.var / "env").read_text()
    again = house.run("services", "start")
    assert again.returncode == 0, again.stderr
    assert (house.var / "env").read_text() == before


def test_only_the_owner_may_come_near(house):
    sockets = house.sockets()
    for folder in (sockets["postgres"], sockets["redis"].parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((house.var / "env").stat().st_mode) == 0o600


def test_there_is_no_way_in_without_a_password(house):
    sockets = house.sockets()
    asked = subprocess.run(["redis-cli", "-s", sockets["redis"], "ping"], capture_output=True, text=True)
    assert "NOAUTH" in asked.stdout + asked.stderr
    for role in ("postgres", "cc_owner", "cc_web"):
        psql = ["psql", "-w", "-h", sockets["postgres"], "-U", role, "-d", "postgres", "-c", "SELECT 1"]
        asked = subprocess.run(psql, capture_output=True, text=True)
        assert asked.returncode != 0
        assert "password" in asked.stderr


def test_nothing_listens_on_the_network(house):
    config = house.run(
        "manage",
        "shell",
        "-c",
        "from django.db import connection as c\nwith c.cursor() as x:\n x.execute('SHOW listen_addresses'); print(repr(x.fetchone()[0]))",
    )
    assert config.stdout.strip().endswith("''"), config.stderr
    assert "port 0" in (house.var / "redis" / "redis.conf").read_text()


def test_the_machine_s_own_services_are_left_alone(house):
    """Ours are found by folder: stopping ours does not touch the checkout's, and so nobody else's."""
    others = subprocess.run([ROOT / "bin/services", "status"], capture_output=True, text=True)
    assert others.returncode == 0, "the checkout's own services run during tests"
    assert house.run("services", "stop").returncode == 0
    assert house.run("services", "status").returncode == 3
    assert subprocess.run([ROOT / "bin/services", "status"], capture_output=True).returncode == 0
    assert house.run("services", "start").returncode == 0


def test_run_refuses_a_database_of_another_epoch(house):
    code = (
        "import os, psycopg2\n"
        "e = os.environ\n"
        "link = psycopg2.connect(host=e['CC_DATABASE_HOST'], dbname='postgres', user=e['CC_DATABASE_OWNER'],"
        " password=e['CC_DATABASE_OWNER_PASSWORD']); link.autocommit = True\n"
        "link.cursor().execute(\"COMMENT ON DATABASE old_city IS 'epoch=0 seeded=1'\")\n"
    )
    old = {"CC_DATABASE_NAME": "old_city"}
    assert house.run("manage", "migrate", "contenttypes", "--verbosity", "0", **old).returncode == 0
    marked = house.run("manage", "shell", "-v0", "-c", code, **old)
    assert marked.returncode == 0, marked.stderr
    refused = house.run("run", PORT="18999", **old)
    assert refused.returncode == 1
    assert "bin/run --recreate" in refused.stderr
    assert "nothing was changed" in refused.stderr


def test_a_port_in_use_is_said_at_once(house):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = house.run("run", PORT=port)
    assert refused.returncode == 1
    assert f"port {port}" in refused.stderr


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("services", ["dance"]),
        ("run", ["--fast"]),
        ("check", ["--all"]),
        ("setup", ["x"]),
        ("bench", ["nothing"]),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_ones(house, command, arguments):
    done = house.run(command, *arguments)
    assert done.returncode in (1, 2)
    assert "usage" in done.stderr


def test_the_scripts_are_good_bash():
    for script in (ROOT / "bin").iterdir():
        if script.suffix in ("", ".sh") and script.name != "Procfile" and script.read_text().startswith("#"):
            assert subprocess.run(["bash", "-n", script]).returncode == 0


def test_ci_runs_what_the_readme_says():
    assert re.search(r"bin/test", (ROOT / ".ci/run").read_text())
    assert "bin/test" in (ROOT / "README.md").read_text()


def test_an_untranslated_word_is_found(tmp_path):
    for name in ("bin", "locale", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "templates/zz.html").write_text('{% load i18n %}{% translate "A word nobody translated" %}')
    done = subprocess.run(
        [sys.executable, tmp_path / "bin/check_translations.py"], capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert "A word nobody translated" in done.stdout


def test_every_package_has_an_exact_version_and_a_reason():
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-spark.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.lstrip().startswith(("#", "-r")):
                assert re.fullmatch(r"[\w\-\[\],.]+==[\w.]+\s+# \S.+", line), f"{name}: {line}"
