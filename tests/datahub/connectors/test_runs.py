"""When sources run, who runs them, and what is left when a worker is killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connections

from city.roles import Role
from commandcenter.core import clock
from commandcenter.core.errors import Conflict
from commandcenter.journal.models import AuditEntry
from datahub import selectors
from datahub.connectors import spool
from datahub.connectors.errors import LostLease
from datahub.connectors.models import Source, SourceBatch, SourceRun
from datahub.connectors.services import (
    drop_draft,
    leases,
    run_due,
    run_soon,
    run_source,
    save_source,
    set_paused,
)
from datahub.connectors.timing import after_failure, next_run
from datahub.models import Delivery
from datahub.services.verifying import verify_lake
from tests.factories.city import UserFactory
from tests.factories.datahub import NOON, csv_file, rows

from .conftest import CODE, stations

ROOT = Path(__file__).resolve().parent.parent.parent.parent
STEPS = ["source_kept", "lake_committed", "source_delivered", "source_moved"]
CHILD = """
import json, sys, django
from django.conf import settings
django.setup()
told = json.loads(sys.argv[1])
for name, value in told["settings"].items():
    setattr(settings, name, value)
from commandcenter import wiring
wiring.TAPS = {}
from datetime import datetime
from commandcenter.core import clock
from datahub.connectors import services, table
table.BATCH_ROWS, table.CHUNK_ROWS = told["batch"], told["chunk"]
with clock.at(datetime.fromisoformat(told["at"])):
    print(services.run_due())
"""


# ---------------------------------------------------------------- rhythm


@pytest.mark.parametrize(
    ("every_s", "was", "now", "then"),
    [
        pytest.param(60, 0, 5, 60, id="keeps its beat"),
        pytest.param(60, 0, 60, 120, id="just at the next turn"),
        pytest.param(60, 0, 3_605, 3_660, id="an hour was missed: once, not sixty times"),
    ],
)
def test_missed_runs_are_not_piled_up(every_s, was, now, then):
    source = Source(rhythm="every", every_s=every_s, next_run_at=NOON + timedelta(seconds=was))
    assert next_run(source, NOON + timedelta(seconds=now)) == NOON + timedelta(seconds=then)


@pytest.mark.parametrize(
    ("hour", "then"),
    [
        pytest.param(13, datetime(2026, 11, 20, 5, 0, tzinfo=UTC), id="later today, in Shanghai"),
        pytest.param(12, datetime(2026, 11, 21, 4, 0, tzinfo=UTC), id="now: tomorrow"),
        pytest.param(2, datetime(2026, 11, 20, 18, 0, tzinfo=UTC), id="tomorrow night"),
    ],
)
def test_once_a_day_at_a_time_of_the_city(hour, then):
    source = Source(rhythm="daily", daily_at=clock_time(hour, 0))
    assert next_run(source, NOON) == then


def test_pauses_after_failures_grow_and_end_at_an_hour():
    waits = [(after_failure(Source(failures=n), NOON) - NOON).total_seconds() for n in (1, 2, 3, 5, 40)]
    for wait, about in zip(waits, (60, 120, 240, 960, 3_600), strict=True):
        assert 0.9 * about <= wait <= 1.1 * about


# ---------------------------------------------------------------- who runs what


@pytest.fixture
def air(drop, noon, connect):
    (drop / "air").mkdir(parents=True)
    return connect("folder", {"folder": "air", "settle_s": 0}, every_s=600)


def put(drop, name, *names):
    return csv_file(drop / "air", [{**rows(1)[0], "station": one} for one in names], name)


@pytest.mark.django_db
def test_a_due_source_runs_once_and_not_before_its_next_turn(air, drop):
    put(drop, "a.csv", "A1")
    assert (run_due(), run_due()) == (1, 0)
    air.refresh_from_db()
    assert air.next_run_at == NOON + timedelta(seconds=600)
    with clock.at(NOON + timedelta(seconds=599)):
        assert run_due() == 0
    with clock.at(NOON + timedelta(seconds=600)):
        assert run_due() == 1
    assert [one.outcome for one in air.runs.order_by("pk")] == ["delivered", "nothing"]


@pytest.mark.django_db
def test_paused_it_rests_and_goes_on_at_once_afterwards(air, drop, news):
    steward = UserFactory(may=[Role.STEWARD])
    set_paused(source_id=air.pk, paused=True, by=steward)
    put(drop, "a.csv", "A1")
    assert run_due() == 0
    with pytest.raises(Conflict):
        run_soon(source_id=air.pk, by=steward)
    set_paused(source_id=air.pk, paused=False, by=steward)
    assert run_due() == 1
    run_soon(source_id=air.pk, by=steward)
    assert run_due() == 1
    assert "datahub.source.moved" in news
    assert AuditEntry.objects.filter(action="datahub.pause_source", actor=steward.username).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.OFFICER, Role.ANALYST, Role.DISPATCHER])
def test_only_a_steward_connects_pauses_or_runs(air, role):
    user = UserFactory(may=[role])
    for refused in (
        lambda: save_source(by=user, dataset_code=CODE, name="x", kind="folder", settings={"folder": "x"}),
        lambda: set_paused(source_id=air.pk, paused=True, by=user),
        lambda: run_soon(source_id=air.pk, by=user),
        lambda: drop_draft(source_id=air.pk, by=user),
    ):
        with pytest.raises(PermissionDenied):
            refused()
    air.refresh_from_db()
    assert (air.paused, Source.objects.count()) == (False, 1)


@pytest.mark.django_db
def test_a_lease_that_ran_out_is_taken_over_and_the_slow_one_touches_nothing_more(air, drop):
    put(drop, "a.csv", "A1")
    slow, lease = leases.take()
    run = SourceRun.objects.create(source=slow, started_at=NOON)
    assert leases.take() is None
    with clock.at(NOON + timedelta(seconds=leases.LEASE_S + 1)):
        assert run_due() == 1
    run.refresh_from_db()
    assert run.outcome == "interrupted"
    with pytest.raises(LostLease):
        leases.hold(slow.pk, lease)
    assert stations() == ["A1"]


@pytest.mark.django_db
def test_a_source_is_run_by_hand(air, drop, capsys):
    put(drop, "a.csv", "A1")
    call_command("run_source", air.pk)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["rows"] == 1
    (drop / "air" / "b.csv").write_bytes(b"")
    with pytest.raises(CommandError):
        call_command("run_source", air.pk)
    with pytest.raises(CommandError, match="no such source"):
        call_command("run_source", air.pk + 1)


@pytest.mark.django_db
def test_only_two_sources_are_run_at_once(drop, noon, connect):
    for n in range(3):
        connect("folder", {"folder": f"f{n}"})
    assert [leases.take() is not None for _ in range(3)] == [True, True, False]


@pytest.mark.django_db
def test_an_error_of_our_own_ends_the_run_with_a_reason_and_frees_the_source(air, drop, monkeypatch):
    put(drop, "a.csv", "A1")
    monkeypatch.setattr("datahub.connectors.folder.look", lambda *_: 1 / 0)
    ended = run_source(air.pk)
    assert (ended.outcome, ended.code) == ("failed", "internal")
    air.refresh_from_db()
    assert (air.lease, air.failures) == ("", 1)


@pytest.mark.django_db
def test_a_secret_is_audited_when_it_changes_and_never_written_there(readings, api):
    api.serve("/rows", [])
    steward = UserFactory(may=[Role.STEWARD])
    settings = {"url": api.url + "/rows", "secret_in": "header"}
    one = save_source(
        by=steward, dataset_code=CODE, name="x", kind="http", settings=settings, secret="s3cret-1"
    )
    save_source(by=steward, dataset_code=CODE, name="x", kind="http", settings=settings, source_id=one.pk)
    save_source(
        by=steward,
        dataset_code=CODE,
        name="x",
        kind="http",
        settings=settings,
        source_id=one.pk,
        secret="s3cret-2",
    )
    said = AuditEntry.objects.filter(target_ref=one.ref)
    assert said.filter(action="datahub.set_source_secret").count() == 2
    assert said.filter(action="datahub.save_source").count() == 3
    assert not any("s3cret" in str(entry.body) for entry in said)


# ---------------------------------------------------------------- killed


def child(step="", *, at=NOON, batch=1_000_000, chunk=20_000):
    """A worker's round in a process of its own, which dies at the step."""
    connections.close_all()
    told = {
        "settings": {
            "LAKE_URL": project.LAKE_URL,
            "MEDIA_ROOT": str(project.MEDIA_ROOT),
            "DROP_DIR": str(project.DROP_DIR),
            "OUTBOUND_ALLOW": ["127.0.0.1"],
        },
        "at": at.isoformat(),
        "batch": batch,
        "chunk": chunk,
    }
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "commandcenter.settings.test", "CC_DATAHUB_DIE_AT": step}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps(told)],
        cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err[-2000:]


def all_is_well(source, names):
    assert stations() == names
    assert not SourceBatch.objects.filter(state="fetched").exists()
    assert not SourceRun.objects.filter(outcome="running").exists()
    assert not Delivery.objects.unfinished().exists()
    assert list(spool.folder().iterdir()) == []
    assert [problem for one in verify_lake() for problem in one["problems"]] == []
    source.refresh_from_db()
    assert source.rows == len(names)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", [*STEPS, "source_put_aside"])
def test_a_folder_killed_at_each_step(air, drop, step):
    for n in range(3):
        put(drop, f"{n}.csv", f"A{n}", f"B{n}")
    code, _out, err = ended(child(step))
    assert code == -signal.SIGKILL, err
    assert run_due() == 0, "the lease of the killed one still stands"
    later = NOON + timedelta(seconds=leases.LEASE_S + 1)
    with clock.at(later):
        assert run_due() == 1
        run_source(air.pk)
    all_is_well(air, sorted(f"{letter}{n}" for letter in "AB" for n in range(3)))
    inside = [path.name for path in (drop / "air").iterdir() if not path.is_dir()]
    assert inside == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", [*STEPS, "source_mid_fetch"])
def test_a_database_pull_killed_at_each_step(elsewhere, noon, connect, step):
    source = pulled(elsewhere, connect, 500)
    code, _out, err = ended(child(step, batch=200, chunk=50))
    assert code == -signal.SIGKILL, err
    elsewhere.do("INSERT INTO rows (station, at) SELECT 'S0500', now() - interval '1 hour'")
    for turn in (1, 2):
        with clock.at(NOON + turn * timedelta(hours=1)):
            assert run_due() == 1
    all_is_well(source, sorted(f"S{n:04d}" for n in range(501)))


def pulled(elsewhere, connect, n):
    elsewhere.do(
        "CREATE TABLE rows (id bigserial PRIMARY KEY, station text, at timestamptz)",
        f"INSERT INTO rows (station, at) SELECT 'S' || lpad(g::text, 4, '0'), '2026-11-20 00:00+00'"
        f" FROM generate_series(0, {n - 1}) g",
    )
    settings = {
        "url": elsewhere.url, "schema_name": "public", "table": "rows", "cursor": "id",
        "columns": {"station": "station", "at": "at"},
    }  # fmt: skip
    return connect("database", settings, secret=elsewhere.password, every_s=60)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_pull_killed_at_random_moments_while_the_table_grows(elsewhere, noon, connect):
    source = pulled(elsewhere, connect, 3_000)
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    at, killed = NOON, 0
    for turn in range(4):
        process = child(at=at, batch=100, chunk=20)
        time.sleep(chance.uniform(1.8, 4.0))
        process.send_signal(signal.SIGKILL)
        killed += ended(process)[0] == -signal.SIGKILL
        found = stations()
        assert len(found) == len(set(found)), seed
        elsewhere.do(f"INSERT INTO rows (station, at) VALUES ('N{turn:04d}', '2026-11-20 01:00+00')")
        at += timedelta(hours=1)
    for _ in range(3):
        at += timedelta(hours=1)
        with clock.at(at):
            run_due()
    assert killed >= 1, seed
    assert selectors.read(CODE, columns=["station"]).num_rows == 3_004, seed
    all_is_well(source, sorted([*(f"S{n:04d}" for n in range(3_000)), *(f"N{n:04d}" for n in range(4))]))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["source_mid_fetch", "source_delivered"])
def test_an_http_pull_killed_at_each_step(api, noon, connect, step):
    whole = [{"station": f"S{n:04d}", "at": NOON.isoformat()} for n in range(40)]

    def page(request):
        start = int(request.query["offset"])
        return 200, {}, whole[start : start + 15]

    api.paths["/rows"] = page
    settings = {
        "url": f"{api.url}/rows", "columns": {"station": "station", "at": "at"}, "paging": "offset",
        "page_param": "offset", "since_field": "at",
    }  # fmt: skip
    source = connect("http", settings, every_s=60)
    code, _out, err = ended(child(step))
    assert code == -signal.SIGKILL, err
    whole.append({"station": "S0040", "at": NOON.isoformat()})
    for turn in (1, 2):
        with clock.at(NOON + turn * timedelta(hours=1)):
            assert run_due() == 1
    all_is_well(source, [f"S{n:04d}" for n in range(41)])
