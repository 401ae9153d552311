"""Heartbeats: the cheapest write of the platform. One statement for a whole batch, one narrow table."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from commandcenter.core import clock

MOST_AGE = timedelta(hours=24)  # a gateway that was cut off longer says nothing about now
MOST_SKEW_S = 2_000_000_000

# Later by server time wins, whatever the order of arrival. Rows are locked in one order, so that batches
# with the same devices wait for each other instead of dying. slept/woke: the last gap that ended; a late
# heartbeat from within it makes it smaller or lets it vanish.
_HEAR = """
WITH said AS (
    SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::int[], %s::text[]) AS t(code, seen, skew, trouble)
), mine AS MATERIALIZED (
    SELECT d.id, said.* FROM said JOIN datahub_device d ON d.code = said.code
    WHERE d.state <> 'retired' AND (%s = '' OR d.owner_code = %s)
), held AS MATERIALIZED (
    SELECT p.device_id FROM datahub_pulse p WHERE p.device_id IN (SELECT id FROM mine)
    ORDER BY p.device_id FOR NO KEY UPDATE
)
UPDATE datahub_pulse p SET
    slept_at = CASE
        WHEN m.seen - p.seen_at > make_interval(secs => p.gap_s) THEN p.seen_at
        WHEN m.seen > p.slept_at AND m.seen < p.woke_at
             AND m.seen - p.slept_at <= make_interval(secs => p.gap_s) THEN
             CASE WHEN p.woke_at - m.seen <= make_interval(secs => p.gap_s) THEN NULL ELSE m.seen END
        ELSE p.slept_at END,
    woke_at = CASE
        WHEN p.seen_at IS NULL OR m.seen - p.seen_at > make_interval(secs => p.gap_s) THEN m.seen
        WHEN m.seen > p.slept_at AND m.seen < p.woke_at
             AND p.woke_at - m.seen <= make_interval(secs => p.gap_s) THEN m.seen
        ELSE p.woke_at END,
    skew_s = COALESCE(m.skew, p.skew_s),
    trouble = CASE WHEN p.seen_at IS NULL OR m.seen >= p.seen_at THEN m.trouble ELSE p.trouble END,
    seen_at = GREATEST(p.seen_at, m.seen)
FROM mine m, held h WHERE p.device_id = m.id AND h.device_id = m.id
RETURNING m.code
"""


@dataclass(frozen=True, slots=True)
class Beat:
    """One sign of life. at: what the sender's clock said; age: how long ago it was by that same clock."""

    code: str
    at: datetime | None = None
    age: timedelta = timedelta(0)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a batch. unknown: codes that are no device, or none of the sender's."""

    accepted: int
    unknown: list[str]
    at: datetime


def hear(beats: Iterable[Beat], *, owner_code: str = "") -> Heard:
    """Note signs of life. owner_code: only of this owner's devices; '' of anyone's.

    The moment is the server's: a device whose clock is wrong is heard when it is heard. Only how long a
    gateway held a heartbeat back is taken from the sender, as a difference between two readings of its clock.
    The same heartbeat twice, or an older one after a newer, changes nothing.
    """
    at = clock.now()
    newest: dict[str, tuple[datetime, int | None, str]] = {}
    for beat in beats:
        seen = at - min(max(beat.age, timedelta(0)), MOST_AGE)
        skew = None
        if beat.at is not None:
            skew = round((beat.at - seen).total_seconds())
            skew = max(-MOST_SKEW_S, min(MOST_SKEW_S, skew))
        known = newest.get(beat.code)
        if known is None or seen >= known[0]:
            newest[beat.code] = (seen, skew, beat.trouble)
    if not newest:
        return Heard(0, [], at)
    found = write(newest, owner_code)
    unknown = [code for code in newest if code not in found] if len(found) < len(newest) else []
    return Heard(len(found), unknown, at)


def write(newest: dict[str, tuple[datetime, int | None, str]], owner_code: str) -> set[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        # A heartbeat lost in a crash of the database is followed by the next: nobody waits for the disk.
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(
            _HEAR,
            [
                list(newest),
                [one[0] for one in newest.values()],
                [one[1] for one in newest.values()],
                [one[2] for one in newest.values()],
                owner_code,
                owner_code,
            ],
        )
        return {code for (code,) in cursor.fetchall()}
