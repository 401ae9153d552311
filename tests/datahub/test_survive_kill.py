"""A delivery killed between any two steps is finished or undone: every row once, none lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from commandcenter import wiring
from datahub import selectors
from datahub.faults import STEPS
from datahub.lake.tables import pin
from datahub.models import Delivery, DeliveryBlob, Reject
from datahub.services import deliver, fold_blobs, push_rows, recover_deliveries
from tests.factories.datahub import NOON, READINGS, csv_file, make_dataset, rows

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent
CODE = READINGS.code

CHILD = """
import sys, django
from django.conf import settings
django.setup()
settings.LAKE_URL, settings.MEDIA_ROOT = sys.argv[1], sys.argv[2]
from commandcenter import wiring
from datetime import datetime
from commandcenter.core import clock
from datahub import services
wiring.TAPS = {"*": ["tests.datahub.test_survive_kill.remember"]}
with clock.at(datetime.fromisoformat(sys.argv[3])):
    if sys.argv[4] == "fold":
        services.fold_blobs()
    else:
        services.deliver(dataset_code="test.readings", path=sys.argv[4])
"""
tapped: list[tuple[int, int]] = []


def remember(code, delivery_id, table, live):
    tapped.extend(zip(table.column("_delivery").to_pylist(), table.column("_row").to_pylist(), strict=True))


def run(what, step=""):
    """The same thing in another process, which dies at the step."""
    connections.close_all()
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "commandcenter.settings.test", "CC_DATAHUB_DIE_AT": step}
    return subprocess.run(
        [sys.executable, "-c", CHILD, settings.LAKE_URL, str(settings.MEDIA_ROOT), NOON.isoformat(), str(what)],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def dataset(noon):
    tapped.clear()
    return make_dataset()


def files_on_disk(code):
    root = Path(pin(code).root)
    return {str(path.relative_to(root)) for path in root.glob("day=*/*.parquet")} if root.is_dir() else set()


@pytest.mark.parametrize("step", STEPS)
def test_killed_between_two_steps_and_recovered(dataset, tmp_path, monkeypatch, step):
    records = rows(300)
    records[7]["value"] = "bad"
    path = csv_file(tmp_path, records)
    ended = run(path, step)
    assert ended.returncode == -9, ended.stderr[-2000:]
    monkeypatch.setattr(wiring, "TAPS", {"*": ["tests.datahub.test_survive_kill.remember"]})
    # Whatever a reader finds meanwhile is all or nothing.
    assert selectors.read(CODE).num_rows in (0, 299)
    recover_deliveries()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.rows_in, delivery.rows_committed, delivery.rows_rejected) == (
        "committed",
        300,
        299,
        1,
    )
    assert delivery.tapped_at is not None
    numbers = selectors.read(CODE, columns=["_row"]).column("_row").to_pylist()
    assert sorted(numbers) == [n for n in range(1, 301) if n != 8]
    assert Reject.objects.count() == 1
    assert files_on_disk(CODE) == {name for name, _day in pin(CODE).files}
    if step != "tapped":
        assert set(tapped) == {(delivery.pk, n) for n in numbers}
    # The sender, who never heard an answer, delivers again: still one.
    assert deliver(dataset_code=CODE, path=path).repeated
    assert recover_deliveries() == 0
    assert selectors.read(CODE).num_rows == 299
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("step", ["received", "staged", "checked", "lake_committed", "committed", "tapped"])
def test_pushed_rows_survive_a_kill_in_the_fold(dataset, step):
    for batch in range(3):
        push_rows(CODE, rows(10, station=f"B{batch}"))
    assert run("fold", step).returncode == -9
    recover_deliveries()
    fold_blobs()
    assert selectors.read(CODE).num_rows == 30
    assert not DeliveryBlob.objects.exists()


def test_a_source_that_vanished_with_the_process_is_refused_and_said(dataset, tmp_path):
    path = csv_file(tmp_path, rows(5))
    assert run(path, "parsed").returncode == -9
    path.unlink()
    recover_deliveries()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == ("refused", "lost")
    assert selectors.read(CODE).num_rows == 0


def test_a_file_that_kills_every_process_is_given_up(dataset, tmp_path):
    path = csv_file(tmp_path, rows(5))
    for _ in range(3):
        assert run(path, "parsed").returncode == -9
    recover_deliveries()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == ("refused", "failed")
    assert files_on_disk(CODE) == set()
