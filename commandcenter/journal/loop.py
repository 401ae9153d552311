"""Bringing the journal forward: position, fold, listen, seal.

One process runs this loop at a time; the row locks of the cursors make a second one wait.
Every step keeps its own cursor and commits it together with its effect, so a kill between
any two steps is continued where it stopped.
"""

import logging
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils.module_loading import import_string

from commandcenter import wiring
from commandcenter.core import clock

from .live import tell_folded
from .models import AuditEntry, Cursor, Event, EventPosition, FailedListener
from .querysets import settled
from .seal import SEAL_CURSOR, seal_audit, seal_rows
from .selectors import BATCH, FOLD_CURSOR, events_between

log = logging.getLogger(__name__)

POSITION_CURSOR = "position"
LISTEN_CURSOR = "listen"
RETRY_LONGEST = timedelta(minutes=10)

load = lru_cache(maxsize=None)(import_string)


def locked_cursor(name: str) -> Cursor:
    """The cursor, locked until the transaction ends."""
    Cursor.objects.get_or_create(name=name)
    return Cursor.objects.select_for_update().get(name=name)


@transaction.atomic
def give_positions() -> int:
    """Give settled events their places, in order and without gaps."""
    cursor = locked_cursor(POSITION_CURSOR)
    fresh = settled(
        Event.objects.all(), last_xid=cursor.last_xid, last_id=cursor.last_id, floor_id=cursor.floor_id
    ).values_list("xid", "id")[:BATCH]
    rows = list(fresh)
    if not rows:
        return 0
    EventPosition.objects.bulk_create(
        [EventPosition(position=cursor.position + n, event_id=row[1]) for n, row in enumerate(rows, start=1)]
    )
    cursor.position += len(rows)
    cursor.last_xid, cursor.last_id = rows[-1]
    cursor.save()
    return len(rows)


def _positioned() -> int:
    """How far events have places; 0 before the first round, and after a test has emptied the tables."""
    return Cursor.objects.filter(name=POSITION_CURSOR).values_list("position", flat=True).first() or 0


@transaction.atomic
def fold() -> int:
    """Hand the next events to the folders that wiring names, and move the cursor with them."""
    cursor = locked_cursor(FOLD_CURSOR)
    events = events_between(cursor.position, _positioned())
    if not events:
        return 0
    for path in wiring.FOLDERS:
        load(path)(events)
    cursor.position = events[-1].position  # type: ignore[attr-defined]
    cursor.save(update_fields=["position"])
    position = cursor.position
    transaction.on_commit(lambda: tell_folded(position), robust=True)
    return len(events)


def listen() -> int:
    """Tell the listeners of the next events, one transaction each; a failure is kept and tried again."""
    done = 0
    while True:
        with transaction.atomic():
            cursor = locked_cursor(LISTEN_CURSOR)
            events = events_between(cursor.position, _positioned(), limit=100)
            for event in events:
                for path in wiring.LISTENERS.get(event.kind, ()):
                    _tell_one(event, path)
                cursor.position = event.position  # type: ignore[attr-defined]
            if events:
                cursor.save(update_fields=["position"])
        done += len(events)
        if len(events) < 100:
            return done


def _payload(event: Event) -> dict[str, Any]:
    return {**event.body, "event_id": event.pk, "kind": event.kind}


def _tell_one(event: Event, path: str) -> None:
    try:
        with transaction.atomic():
            load(path)(payload=_payload(event))
    except Exception as error:  # any listener may fail in any way; it must not stop the others
        log.exception("listener %s failed on event %s", path, event.pk)
        FailedListener.objects.update_or_create(
            event=event,
            listener=path,
            defaults={
                "next_try": clock.now() + timedelta(seconds=5),
                "error": f"{type(error).__name__}: {error}",
            },
        )


def retry_failed() -> int:
    """Tell again the listeners that failed and whose pause is over."""
    done = 0
    for failure in FailedListener.objects.filter(next_try__lte=clock.now()).select_related("event")[:50]:
        try:
            with transaction.atomic():
                load(failure.listener)(payload=_payload(failure.event))
                failure.delete()
            done += 1
        except Exception as error:  # kept with its reason and tried again later
            failure.attempts += 1
            failure.next_try = clock.now() + min(timedelta(seconds=5 * 2**failure.attempts), RETRY_LONGEST)
            failure.error = f"{type(error).__name__}: {error}"
            failure.save()
    return done


def one_round() -> int:
    """Everything that can be done now; returns the number of events brought forward."""
    total = 0
    while moved := give_positions():
        total += moved
        while fold():
            pass
        listen()
    while fold():
        pass
    listen()
    retry_failed()
    seal_audit()
    return total


@transaction.atomic
def rebase() -> None:
    """After a restore into another cluster, whose transaction ids start anew.

    Nobody writes yet: what has no place gets one, and both cursors forget the old ids.
    """
    for name, model in ((POSITION_CURSOR, Event), (SEAL_CURSOR, AuditEntry)):
        cursor = locked_cursor(name)
        newest = model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        if model is Event:
            missing = (
                Event.objects.filter(place__isnull=True).order_by("xid", "id").values_list("id", flat=True)
            )
            places = [
                EventPosition(position=cursor.position + n, event_id=pk) for n, pk in enumerate(missing, 1)
            ]
            EventPosition.objects.bulk_create(places)
            cursor.position += len(places)
        else:
            seal_rows(cursor, AuditEntry.objects.filter(seal__isnull=True).order_by("xid", "id"))
        cursor.floor_id, cursor.last_xid, cursor.last_id = newest, 0, 0
        cursor.save()
