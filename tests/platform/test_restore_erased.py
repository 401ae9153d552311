"""A backup taken in the midst of deliveries, a person erased afterwards, a new house: he does not come back."""

import json
import shutil
import subprocess

import pytest

from commandcenter.core.spoken import Needles
from tests.platform.house import ROOT, House
from tests.platform.person_in_a_house import VALUES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("house")]
STEP = "from tests.platform import person_in_a_house as house; house.run(*{})"
NEEDLES = Needles(VALUES)


@pytest.fixture
def houses(tmp_path):
    old, new = House(tmp_path / "old" / "var"), House(tmp_path / "new" / "var")
    yield old, new
    for house in (old, new):
        if house.var.exists():
            house.remove()


def step(house, *arguments, background=False):
    command = [ROOT / "bin" / "manage", "shell", "-v0", "-c", STEP.format(repr(arguments))]
    environment = {**house.environment, "CC_DATABASE_NAME": "town", "PYTHONPATH": str(ROOT)}
    made = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        text=True, cwd=ROOT,
    )  # fmt: skip
    if background:
        assert made.stdout.readline().strip() == "started"
        return made
    return answer(made)


def answer(process):
    out, error = process.communicate(timeout=240)
    assert process.returncode == 0, error
    return json.loads(out.splitlines()[-1])


def test_who_was_erased_after_the_backup_is_gone_in_the_restored_city(houses, tmp_path):
    old, new = houses
    town = {"CC_DATABASE_NAME": "town"}
    migrated = old.run("manage", "migrate", "--verbosity", "0", **town)
    assert migrated.returncode == 0, migrated.stderr
    step(old, "plant")
    senders = step(old, "deliver", "6", background=True)
    saved = old.run("backup", str(tmp_path / "saved"), **town)
    assert saved.returncode == 0, saved.stderr
    assert senders.poll() is None, "the deliveries were to go on for longer than the backup"
    assert answer(senders)["batches"] > 3
    assert step(old, "erase") == {"state": "done"}
    seen = step(old, "look")
    assert (seen["problems"], seen["refused"]) == ([], [])

    new.var.mkdir(parents=True)
    for name in ("env", "pg_superuser"):  # the keys, which are kept apart from the backup
        shutil.copy(old.var / name, new.var / name)
    erased = old.var / "anchors" / "town" / "erased.jsonl"
    assert not NEEDLES.within(erased.read_text())
    back = new.run("restore", str(tmp_path / "saved"), CC_ERASED_LIST=str(erased), **town)
    assert back.returncode == 0, back.stderr + back.stdout
    assert '{"erased_again": 1}' in back.stdout
    assert '"commits_cut"' in back.stdout
    seen = step(new, "look")
    assert (seen["problems"], seen["refused"]) == ([], [])
    assert seen["lake"] == []
    assert not NEEDLES.within(dump(new))


def dump(house):
    script = (
        'source bin/lib.sh; load_env; PGPASSWORD=$CC_DATABASE_OWNER_PASSWORD "$(find_postgres)/pg_dump" '
        '-h "$PG_SOCKET" -p 5432 -U "$CC_DATABASE_OWNER" --data-only --exclude-table=spatial_ref_sys town'
    )
    made = subprocess.run(
        ["bash", "-c", script], env=house.environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return made.stdout
