"""The patrol: each minute, who fell silent, who is heard again, and which faults follow from it.

Everything is derived from what the tables say now (pulse, spells, maintenance), never from which heartbeat
came first: a round that runs twice, late, or after a restart comes to the same end.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from city.selectors import roots
from commandcenter.core import clock
from commandcenter.core.moves import next_state
from commandcenter.journal.live import announce

from ..events import DevicesMoved
from ..limits import settings_in_force
from ..models import PatrolRound
from ..states import DEAF_AFTER_S, DEVICE_MOVES, DeviceState, Spell
from . import faulting, spells
from ._moving import AUDIENCES

LOCK = 7_305_021  # of the advisory lock: one round at a time
TOLD = 20  # devices that one event names

# One row per device whose stretch of time no longer says what its pulse says.
# floor: since when the platform listens without a break; nobody is judged by the time before.
_CHANGED = """
WITH planned AS MATERIALIZED (
    SELECT owner_code, area_code, kind, device_id, starts_at FROM datahub_maintenance
    WHERE starts_at <= %(at)s AND ends_at > %(at)s AND cancelled_at IS NULL
), seen AS (
    SELECT d.id, d.owner_code, d.area_code, d.kind, p.gap_s, p.seen_at, p.slept_at, p.woke_at,
        s.state AS spell, COALESCE(s.since, d.state_since) AS since,
        -- Only who was online is given the time in which nobody listened; who was silent stays so.
        CASE WHEN s.state IN ('offline', 'planned') THEN p.seen_at ELSE GREATEST(p.seen_at, %(floor)s) END
            < %(at)s - make_interval(secs => p.gap_s) AS silent
    FROM datahub_device d
    JOIN datahub_pulse p ON p.device_id = d.id AND p.seen_at IS NOT NULL
    LEFT JOIN datahub_devicespell s ON s.device_id = d.id AND s.until IS NULL
    WHERE d.state IN ('online', 'offline', 'fault')
), judged AS (
    SELECT seen.*, (
        SELECT min(m.starts_at) FROM planned m WHERE m.owner_code = seen.owner_code
        AND (m.area_code = '' OR starts_with(seen.area_code, m.area_code))
        AND (m.kind = '' OR m.kind = seen.kind) AND (m.device_id IS NULL OR m.device_id = seen.id)
    ) AS planned_at FROM seen
    WHERE spell IS NULL OR silent <> (spell <> 'online') OR spell = 'planned'
        OR (spell = 'offline' AND silent AND EXISTS (SELECT 1 FROM planned))
        OR (spell = 'online' AND slept_at >= since AND woke_at > slept_at)
)
SELECT id, owner_code, gap_s, seen_at, slept_at, woke_at, spell, since, silent, planned_at FROM judged
"""
# States that follow: a fault that waits, else what the stretch says.
_STATES = """
WITH waiting AS MATERIALIZED (
    SELECT m.device_id FROM datahub_faultmember m JOIN datahub_fault f ON f.id = m.fault_id
    WHERE m.until IS NULL AND m.back_at IS NULL AND f.state IN ('open', 'acknowledged', 'repaired')
), wanted AS (
    SELECT d.id, d.owner_code, d.state, CASE WHEN w.device_id IS NOT NULL THEN 'fault'
        WHEN s.state = 'online' THEN 'online' ELSE 'offline' END AS want,
        COALESCE(s.since, d.state_since) AS since
    FROM unnest(%s::bigint[]) AS t(id) JOIN datahub_device d ON d.id = t.id
    LEFT JOIN waiting w ON w.device_id = d.id
    LEFT JOIN datahub_devicespell s ON s.device_id = d.id AND s.until IS NULL
    WHERE d.state IN ('online', 'offline', 'fault')
)
SELECT id, owner_code, state, want, since FROM wanted WHERE state <> want
"""
_ACTION = {
    ("offline", "online"): "hear", ("fault", "online"): "mend", ("online", "offline"): "miss",
    ("online", "fault"): "fail", ("offline", "fault"): "fail",
}  # fmt: skip


@dataclass
class Round:
    """What one round did."""

    silent: int = 0
    heard: int = 0
    planned: int = 0
    opened: int = 0
    grouped: int = 0
    confirmed: int = 0
    closed: int = 0
    reopened: int = 0
    skipped: bool = False
    fallen: set[int] = field(default_factory=set)
    owners: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    named: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


@transaction.atomic
def patrol() -> Round:
    """One round. Another that runs at the same moment is left to do it."""
    done, began, at = Round(), time.monotonic(), clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            done.skipped = True
            return done
    memory = _listening(at)
    touched = follow_pulses(at, memory.listening_since, done)
    touched |= faulting.follow_spells(at, done.fallen, settings_in_force(), done)
    set_states(touched, at)
    for owner_code, (silent, heard) in sorted(done.owners.items()):
        announce(
            DevicesMoved(
                area_code=next(iter(roots()), ""),
                audiences=[*AUDIENCES, f"org:{owner_code}"],
                at=at,
                owner_code=owner_code,
                silent=silent,
                heard=heard,
                devices=done.named[owner_code][:TOLD],
            )
        )
    memory.took_ms = int((time.monotonic() - began) * 1000)
    memory.save()
    return done


def _listening(at: datetime) -> PatrolRound:
    """The patrol's memory. After a break it starts to listen anew: silence before that proves nothing."""
    memory = PatrolRound.objects.select_for_update().first()
    if memory is None:
        return PatrolRound.objects.create(at=at, listening_since=at)
    if at - memory.at > timedelta(seconds=DEAF_AFTER_S):
        memory.listening_since = at
    memory.at = max(at, memory.at)
    return memory


def follow_pulses(at: datetime, floor: datetime, done: Round) -> set[int]:
    """Bring spells up to what was heard. Returns the devices that changed."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, {"at": at, "floor": floor})
        rows = cursor.fetchall()
    turns: list[tuple[int, str, datetime]] = []
    unseen: list[tuple[int, datetime, datetime]] = []
    first: list[tuple[int, str, datetime, datetime]] = []
    for pk, owner, gap_s, seen, slept, woke, spell, since, silent, planned_at in rows:
        if (
            spell == Spell.ONLINE and slept and woke and since <= slept < woke <= at
            and woke - max(slept, floor) > timedelta(seconds=gap_s)
        ):  # fmt: skip
            # It slept and woke between two rounds: nobody looked, but the pulse remembers.
            unseen.append((pk, slept, woke))
            since = woke
            done.fallen.add(pk)
            done.owners[owner][0] += 1
            done.owners[owner][1] += 1
        turned = _turn(at, floor, spell, since, silent, seen, woke, planned_at)
        if turned is None:
            continue
        if spell is None and turned[0] != Spell.ONLINE:
            first.append((pk, Spell.ONLINE, min(max(woke or seen, since), turned[1]), turned[1]))
        turns.append((pk, *turned))
        _count(done, owner, pk, turned[0], spell)
    spells.turn((pk, Spell.OFFLINE, slept) for pk, slept, _woke in unseen)
    spells.turn((pk, Spell.ONLINE, woke) for pk, _slept, woke in unseen)
    spells.insert_past(first)
    spells.turn(turns)
    return {one[0] for one in turns} | {one[0] for one in unseen}


def _turn(
    at: datetime,
    floor: datetime,
    spell: str | None,
    since: datetime,
    silent: bool,
    seen: datetime,
    woke: datetime | None,
    planned_at: datetime | None,
) -> tuple[str, datetime] | None:
    """Into which stretch a device passes, and when; None where it stays."""
    if not silent:
        return None if spell == Spell.ONLINE else (Spell.ONLINE, min(max(woke or seen, since), at))
    if spell in (None, Spell.ONLINE):
        # Not from its last heartbeat where the platform itself did not listen for a while after it.
        return (Spell.PLANNED if planned_at else Spell.OFFLINE), min(max(seen, since, floor), at)
    if spell == Spell.OFFLINE and planned_at:
        return Spell.PLANNED, max(planned_at, since)
    if spell == Spell.PLANNED and not planned_at:
        return Spell.OFFLINE, at
    return None


def _count(done: Round, owner: str, pk: int, state: str, before: str | None) -> None:
    if state == Spell.ONLINE:
        done.heard += 1
        done.owners[owner][1] += 1
    elif state == Spell.PLANNED:
        done.planned += 1
    elif before != Spell.PLANNED:
        done.silent += 1
        done.fallen.add(pk)
        done.owners[owner][0] += 1
    if len(done.named[owner]) < TOLD:
        done.named[owner].append(pk)


def set_states(touched: set[int], at: datetime) -> int:
    """The state that each device shows, by the table of its moves."""
    if not touched:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_STATES, [sorted(touched)])
        rows = cursor.fetchall()
        for _pk, _owner, before, want, _since in rows:
            for step in _steps(before, want):
                before = next_state(DEVICE_MOVES, step, before)
        if rows:
            cursor.execute(
                "UPDATE datahub_device d SET state = t.state, state_since = t.since"
                " FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS t(id, state, since)"
                " WHERE d.id = t.id",
                [[row[0] for row in rows], [row[3] for row in rows], [row[4] for row in rows]],
            )
    return len(rows)


def _steps(before: str, want: str) -> list[str]:
    """From one state to another; a fault whose silence is planned by now is mended first, then silent."""
    if (before, want) == (DeviceState.FAULT, DeviceState.OFFLINE):
        return ["mend", "miss"]
    return [_ACTION[(before, want)]]
