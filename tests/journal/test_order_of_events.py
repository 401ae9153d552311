"""One order for all readers, that never passes a transaction still open."""

import threading
from datetime import UTC, datetime
from typing import ClassVar

import psycopg2
import pytest
from django.db import connection, connections, transaction

from commandcenter import wiring
from commandcenter.core import clock
from commandcenter.journal import loop
from commandcenter.journal.events import EventBody
from commandcenter.journal.live import announce
from commandcenter.journal.models import Cursor, Event, EventPosition, FailedListener
from commandcenter.journal.selectors import events_between, folded_position
from commandcenter.journal.services import pump

pytestmark = pytest.mark.django_db(transaction=True)


class Happened(EventBody):
    kind: ClassVar[str] = "test.thing.happened"
    n: int = 0


def happen(n: int = 0) -> Event:
    with transaction.atomic():
        return announce(Happened(area_code="3206", audiences=["leader"], at=clock.now(), n=n))


@pytest.fixture(autouse=True)
def only_journal(monkeypatch):
    monkeypatch.setattr(wiring, "FOLDERS", [])
    monkeypatch.setattr(wiring, "LISTENERS", {})


def numbers(after: int = 0) -> list[int]:
    return [event.body["n"] for event in events_between(after)]


def test_announcing_outside_a_transaction_is_a_mistake():
    with pytest.raises(RuntimeError, match="inside the transaction"):
        announce(Happened(area_code="3206", audiences=[], at=clock.now()))
    assert not Event.objects.exists()


def test_a_transaction_that_rolls_back_says_nothing():
    with transaction.atomic():
        announce(Happened(area_code="3206", audiences=[], at=clock.now()))
        transaction.set_rollback(True)
    pump()
    assert not Event.objects.exists()
    assert folded_position() == 0


def test_positions_have_no_gaps_and_wait_for_open_transactions():
    opened, finish = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            announce(Happened(area_code="3206", audiences=[], at=clock.now(), n=1))
            opened.set()
            finish.wait(10)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert opened.wait(10)
    happen(2)  # committed while the earlier transaction is still open
    loop.one_round()
    assert numbers() == []  # 2 may not pass 1
    finish.set()
    thread.join()
    pump()
    happen(3)
    pump()
    assert numbers() == [1, 2, 3]
    assert list(EventPosition.objects.order_by("position").values_list("position", flat=True)) == [1, 2, 3]


def test_two_loops_at_once_position_each_event_once():
    for n in range(40):
        happen(n)
    threads = [threading.Thread(target=lambda: (pump(), connections.close_all())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers() == list(range(40))


heard: list[int] = []


def listener(*, payload):
    heard.append(payload["n"])
    if payload["n"] == 7 and len(heard) < 5:
        raise ValueError("not yet")


def test_a_failing_listener_stops_nobody_and_is_tried_again(monkeypatch):
    heard.clear()
    monkeypatch.setattr(wiring, "LISTENERS", {"test.thing.happened": [f"{__name__}.listener"]})
    for n in (6, 7, 8):
        happen(n)
    pump()
    assert heard == [6, 7, 8]
    failure = FailedListener.objects.get()
    assert "not yet" in failure.error
    FailedListener.objects.update(next_try=datetime(2020, 1, 1, tzinfo=UTC))
    pump()  # still fails, kept
    assert FailedListener.objects.get().attempts == 2
    FailedListener.objects.update(next_try=datetime(2020, 1, 1, tzinfo=UTC))
    pump()
    assert heard == [6, 7, 8, 7, 7]
    assert not FailedListener.objects.exists()


def folder(events):
    raise RuntimeError("summaries broken")


def test_a_failing_fold_moves_no_cursor(monkeypatch):
    happen(1)
    loop.give_positions()
    monkeypatch.setattr(wiring, "FOLDERS", [f"{__name__}.folder"])
    with pytest.raises(RuntimeError, match="summaries broken"):
        loop.fold()
    assert folded_position() == 0
    monkeypatch.setattr(wiring, "FOLDERS", [])
    pump()
    assert numbers() == [1]


def test_after_a_restore_elsewhere_old_transaction_ids_are_forgotten():
    happen(1)
    pump()
    happen(2)
    # The restored rows carry ids of another cluster, far ahead of this one's.
    Cursor.objects.filter(name=loop.POSITION_CURSOR).update(last_xid=10**15)
    loop.rebase()
    happen(3)
    pump()
    assert numbers() == [1, 2, 3]


def test_a_dead_redis_fails_no_change(settings):
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    happen(1)
    pump()
    assert numbers() == [1]


def test_the_test_runs_as_the_web_role():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone()[0].startswith("cc_web")


def test_a_long_transaction_in_another_database_holds_nobody_up():
    from django.conf import settings

    at, owner = settings.DATABASES["default"], settings.DATABASE_OWNER
    other = psycopg2.connect(
        host=at["HOST"], port=at["PORT"], dbname="postgres", user=owner["USER"], password=owner["PASSWORD"]
    )
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")  # from now on it is one that could have written
            happen(1)
            pump()
            assert numbers() == [1]
    finally:
        other.close()
