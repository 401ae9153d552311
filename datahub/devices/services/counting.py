"""在线率 and 完好率: seconds of each day from spells and faults, by owner, county and kind.

online rate  = heard ÷ in duty          (announced maintenance and suspension are no duty)
intact rate  = heard and without a fault ÷ in duty
The table is a copy: `count_day` gives the same numbers from the rows at any time.
"""

from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Sum

from city.selectors import organisation
from commandcenter.core import clock
from commandcenter.core.times import shanghai_day, start_of_day
from commandcenter.journal.services import record_fact

from ..models import Availability, PatrolRound

EVERY = timedelta(minutes=10)
LATE_DAYS = 2  # a day is counted again for so long: silence is noticed after it began

_COUNT = """
INSERT INTO datahub_availability (day, owner_code, area_code, kind, devices, should_s, online_s, intact_s)
SELECT %(day)s, d.owner_code, left(d.area_code, 6), d.kind, count(DISTINCT d.id),
    ceil(sum(part.seconds))::bigint,
    floor(COALESCE(sum(part.seconds) FILTER (WHERE s.state = 'online'), 0))::bigint,
    floor(COALESCE(sum(part.seconds * (1 - COALESCE(bad.share, 0)))
        FILTER (WHERE s.state = 'online'), 0))::bigint
FROM datahub_devicespell s JOIN datahub_device d ON d.id = s.device_id
CROSS JOIN LATERAL (SELECT GREATEST(s.since, %(from)s) AS a,
    LEAST(COALESCE(s.until, %(to)s), %(to)s) AS z) cut
CROSS JOIN LATERAL (SELECT EXTRACT(EPOCH FROM cut.z - cut.a) AS seconds) part
LEFT JOIN LATERAL (
    SELECT LEAST(1, COALESCE(sum(EXTRACT(EPOCH FROM
        LEAST(COALESCE(m.until, cut.z), cut.z) - GREATEST(m.since, cut.a))), 0)
        / NULLIF(part.seconds, 0)) AS share
    FROM datahub_faultmember m
    WHERE m.device_id = d.id AND m.since < cut.z AND COALESCE(m.until, cut.z) > cut.a
) bad ON s.state = 'online'
WHERE s.since < %(to)s AND (s.until IS NULL OR s.until > %(from)s) AND s.state IN ('online', 'offline')
GROUP BY d.owner_code, left(d.area_code, 6), d.kind
HAVING sum(part.seconds) > 0
ON CONFLICT (day, owner_code, area_code, kind) DO UPDATE SET devices = excluded.devices,
    should_s = excluded.should_s, online_s = excluded.online_s, intact_s = excluded.intact_s
"""


@transaction.atomic
def count_availability(*, force: bool = False) -> list[date]:
    """Count today, and days just over, again; write each owner's facts for the days that are settled."""
    at = clock.now()
    memory = PatrolRound.objects.select_for_update().first()
    if memory is None or (not force and memory.counted_at and at - memory.counted_at < EVERY):
        return []
    today = shanghai_day(at)
    first = max(memory.settled_to or date.min, today - timedelta(days=LATE_DAYS))
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    for day in days:
        count_day(day, at)
    settled = today - timedelta(days=1)
    if memory.settled_to is None or memory.settled_to < settled:
        since = memory.settled_to or settled - timedelta(days=1)
        for n in range(1, (settled - since).days + 1):
            _record(since + timedelta(days=n))
        memory.settled_to = settled
    memory.counted_at = at
    memory.save(update_fields=["counted_at", "settled_to"])
    return days


def count_day(day: date, at: datetime) -> None:
    """The numbers of one day, as far as it has gone by."""
    start = start_of_day(day)
    end = min(start_of_day(day + timedelta(days=1)), at)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM datahub_availability WHERE day = %s", [day])
        if end > start:
            cursor.execute(_COUNT, {"day": day, "from": start, "to": end})


def _record(day: date) -> None:
    """One fact per owner: what XW-50 (online rate of video resources) and its like are scored from."""
    rows = (
        Availability.objects.filter(day=day)
        .values("owner_code", "kind")
        .annotate(should=Sum("should_s"), online=Sum("online_s"), intact=Sum("intact_s"), n=Sum("devices"))
    )
    for row in rows:
        org = organisation(row["owner_code"])
        record_fact(
            kind="datahub.device_availability",
            subject_ref=f"datahub.device_owner:{row['owner_code']}:{row['kind']}:{day:%Y%m%d}",
            org_code=row["owner_code"],
            area_code=org.area_code if org else "",
            happened_at=start_of_day(day + timedelta(days=1)),
            value=round(row["online"] / row["should"], 4),
            body={
                "day": day.isoformat(), "kind": row["kind"], "devices": row["n"], "should_s": row["should"],
                "online_s": row["online"], "intact_s": row["intact"],
            },
        )  # fmt: skip
