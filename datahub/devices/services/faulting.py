"""From stretches of silence to faults: one for a device, one for many that fell silent together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection

from city.calendar import add_working_minutes
from commandcenter.core.codes import LENGTHS
from commandcenter.journal.services import record_fact
from datahub.quality.services import clear_incident, raise_incident

from ..limits import limits
from ..models import Device, Fault, FaultMember
from ..states import JOINED, WAITING, Cause, FaultState, Limit, Setting
from . import _moving as m

if TYPE_CHECKING:
    from .patrol import Round

MOSTLY_BACK = 0.9  # of a group: it is mended, the rest are faults of their own
STEADY_TIMES = 12  # a flapping device must be heard so many times longer than another
COUNTY = 6

# Devices that left duty, or whose silence is announced by now, leave their faults.
_LEAVE = """
UPDATE datahub_faultmember m SET until = %(at)s FROM datahub_device d
LEFT JOIN datahub_devicespell s ON s.device_id = d.id AND s.until IS NULL
WHERE d.id = m.device_id AND m.until IS NULL
    AND (d.state IN ('suspended', 'retired') OR s.state = 'planned')
RETURNING m.device_id
"""
# Heard again (or no longer): what counts depends on what the fault was.
_BACK = """
WITH now AS (
    SELECT m.id, m.device_id, m.back_at, CASE f.cause
        WHEN 'reported' THEN CASE WHEN s.state = 'online' AND p.trouble = ''
            THEN COALESCE(m.back_at, %(at)s) END
        WHEN 'flapping' THEN CASE WHEN s.state = 'online' AND s.since <= %(steady)s THEN s.since END
        ELSE CASE WHEN s.state = 'online' THEN s.since END END AS back
    FROM datahub_faultmember m JOIN datahub_fault f ON f.id = m.fault_id
    JOIN datahub_pulse p ON p.device_id = m.device_id
    LEFT JOIN datahub_devicespell s ON s.device_id = m.device_id AND s.until IS NULL
    WHERE m.until IS NULL
)
UPDATE datahub_faultmember m SET back_at = now.back FROM now
WHERE m.id = now.id AND now.back IS DISTINCT FROM now.back_at
RETURNING m.device_id
"""
_STANDING = """
SELECT f.id, count(m.id), count(m.back_at), max(m.back_at) FROM datahub_fault f
LEFT JOIN datahub_faultmember m ON m.fault_id = f.id AND m.until IS NULL
WHERE f.state <> 'closed' GROUP BY f.id ORDER BY f.id
"""
# Silent, in trouble, or coming and going, and in no fault yet.
_LOOSE = """
WITH fallen AS MATERIALIZED (SELECT unnest(%(fallen)s::bigint[]) AS id), often AS MATERIALIZED (
    SELECT o.device_id, count(*) AS times FROM fallen JOIN datahub_devicespell o ON o.device_id = fallen.id
    WHERE o.state = 'offline' AND o.since >= %(day)s GROUP BY o.device_id
), bound AS MATERIALIZED (SELECT device_id FROM datahub_faultmember WHERE until IS NULL)
SELECT d.id, d.kind, d.owner_code, d.area_code, d.feed, p.gap_s, s.state, s.since, p.trouble,
    COALESCE(often.times, 0)
FROM datahub_devicespell s JOIN datahub_device d ON d.id = s.device_id
JOIN datahub_pulse p ON p.device_id = d.id
LEFT JOIN often ON often.device_id = d.id
LEFT JOIN bound ON bound.device_id = d.id
WHERE s.until IS NULL AND d.state IN ('online', 'offline', 'fault') AND bound.device_id IS NULL
    AND (s.state = 'offline' OR (s.state = 'online' AND (p.trouble <> '' OR often.times > 0)))
ORDER BY d.id
"""
_JOIN = """
INSERT INTO datahub_faultmember (fault_id, device_id, since)
SELECT %s, * FROM unnest(%s::bigint[], %s::timestamptz[])
ON CONFLICT (fault_id, device_id) DO UPDATE SET since = excluded.since, back_at = NULL, until = NULL
"""


@dataclass(frozen=True, slots=True)
class Loose:
    """A device that may need a fault."""

    pk: int
    kind: str
    owner_code: str
    area_code: str
    feed: str
    gap: timedelta
    spell: str
    since: datetime
    trouble: str
    outages: int

    @property
    def silent(self) -> bool:
        return self.spell == "offline"


def follow_spells(at: datetime, fallen: set[int], numbers: dict[str, int], done: "Round") -> set[int]:
    """Move the faults that stand, then open those that are due. Returns the devices concerned.

    fallen: devices that fell silent in this round, which may be once too often.
    """
    concerned: set[int] = set()
    steady = timedelta(minutes=numbers[Setting.STEADY_MINUTES])
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, {"at": at})
        concerned |= {pk for (pk,) in cursor.fetchall()}
        cursor.execute(_BACK, {"at": at, "steady": at - STEADY_TIMES * steady})
        concerned |= {pk for (pk,) in cursor.fetchall()}
        cursor.execute(_STANDING)
        standing = cursor.fetchall()
    watch = _Watch(at, numbers, done)
    faults = Fault.objects.standing().in_bulk()
    for fault_id, members, back, last_back in standing:
        concerned |= watch.judge(faults[fault_id], members, back, last_back)
    concerned |= watch.open_new(_loose(at, fallen))
    watch.tell_stewards()
    return concerned


def _loose(at: datetime, fallen: set[int]) -> list[Loose]:
    with connection.cursor() as cursor:
        cursor.execute(_LOOSE, {"fallen": sorted(fallen), "day": at - timedelta(days=1)})
        rows = cursor.fetchall()
    return [
        Loose(pk, kind, owner, area, feed, timedelta(seconds=gap_s), spell, since, trouble, outages)
        for pk, kind, owner, area, feed, gap_s, spell, since, trouble, outages in rows
    ]


class _Watch:
    """One round over the faults."""

    def __init__(self, at: datetime, numbers: dict[str, int], done: "Round") -> None:
        self.at, self.numbers, self.done = at, numbers, done
        self.limits = limits()
        self.steady = timedelta(minutes=numbers[Setting.STEADY_MINUTES])
        self.window = timedelta(minutes=numbers[Setting.GROUP_WINDOW])
        self.raised: dict[str, Fault] = {}
        self.ended: set[str] = set()

    # ------------------------------------------------------------ those that stand

    def decide(self, fault: Fault, members: int, back: int, last_back: datetime | None) -> str:
        """The step that is due, '' for none."""
        away = members - back
        if fault.state == FaultState.CLOSED:
            return ""
        if members == 0:
            return "withdraw"
        if fault.state in WAITING:
            if away == 0 or (fault.is_group and back >= MOSTLY_BACK * members):
                return "confirm"
            return "contradict" if fault.state == FaultState.REPAIRED and self._grace_is_over(fault) else ""
        if self._away_again(fault, members, away):
            return "reopen"
        return "close" if self._is_steady(fault, last_back) else ""

    def judge(self, fault: Fault, members: int, back: int, last_back: datetime | None) -> set[int]:
        """Take the step that is due; most faults have none, and are not even locked."""
        if not self.decide(fault, members, back, last_back):
            return set()
        fault = m.locked(fault.pk)  # somebody may have moved it since
        inside = set(fault.members.filter(until=None).values_list("device_id", flat=True))
        match self.decide(fault, members, back, last_back):
            case "withdraw":
                self._end(fault, "withdraw", 0)
            case "confirm":
                m.move(fault, "confirm", at=self.at, confirmed_at=self.at, body={"back": back, "of": members})
                self.done.confirmed += 1
            case "contradict":
                m.move(fault, "contradict", at=self.at, repaired_at=None, body={"away": members - back})
            case "reopen":
                self._reopen(fault, body={"away": members - back})
            case "close":
                fault.members.filter(until=None).update(until=self.at)
                self._end(fault, "close", len(inside))
                self.done.closed += 1
        return inside

    def _grace_is_over(self, fault: Fault) -> bool:
        grace = timedelta(minutes=self.numbers[Setting.REPAIR_GRACE])
        return fault.repaired_at is not None and self.at - fault.repaired_at > grace

    def _away_again(self, fault: Fault, members: int, away: int) -> bool:
        if not fault.is_group:
            return away > 0
        least = max(self.numbers[Setting.GROUP_LEAST], members * self.numbers[Setting.GROUP_SHARE] / 100)
        return away >= min(least, members)

    def _is_steady(self, fault: Fault, last_back: datetime | None) -> bool:
        since = max(filter(None, (fault.confirmed_at, last_back if not fault.is_group else None)))
        return self.at - since >= self.steady

    def _end(self, fault: Fault, action: str, devices: int) -> None:
        m.move(fault, action, at=self.at, closed_at=self.at, body={"devices": devices})
        self.ended.add(fault.owner_code)
        if action == "close" and fault.confirmed_at and fault.due_at:
            late = fault.confirmed_at > fault.due_at
            record_fact(
                kind="datahub.device_fault",
                subject_ref=fault.ref,
                org_code=fault.owner_code,
                area_code=fault.area_code,
                happened_at=fault.confirmed_at,
                due_at=fault.due_at,
                outcome="late" if late else "on_time",
                value=round((fault.confirmed_at - fault.silent_since).total_seconds() / 60, 1),
                body={"cause": fault.cause, "devices": fault.devices, "reopened": fault.reopened},
            )

    def _reopen(self, fault: Fault, *, body: dict[str, Any], **values: Any) -> None:
        """The same fault again. A clock that never ended runs on; a closed one starts anew."""
        if fault.state == FaultState.CLOSED:
            values |= {"clock_since": self.at, "due_at": add_working_minutes(self.at, self._minutes(fault))}
        m.move(
            fault, "reopen", at=self.at, body=body, reopened=fault.reopened + 1, acknowledged_at=None,
            repaired_at=None, confirmed_at=None, closed_at=None, **values,
        )  # fmt: skip
        self.done.reopened += 1
        self.raised[fault.owner_code] = fault

    def _minutes(self, fault: Fault) -> int:
        kinds = Counter(fault.members.values_list("device__kind", flat=True))
        return (
            self.limits[kinds.most_common(1)[0][0]].repair_minutes
            if kinds
            else self._limit([]).repair_minutes
        )

    # ------------------------------------------------------------ new ones

    def open_new(self, loose: list[Loose]) -> set[int]:
        concerned: set[int] = set()
        by_owner: dict[str, list[Loose]] = defaultdict(list)
        for one in loose:
            by_owner[one.owner_code].append(one)
        for owner_code, devices in by_owner.items():
            silent = [one for one in devices if one.silent]
            others = [one for one in devices if not one.silent]
            silent, joined = self._join_groups(owner_code, silent)
            silent, grouped = self._make_groups(owner_code, silent)
            due = [(one, cause) for one in [*silent, *others] if (cause := self._cause(one))]
            self._open_singles(due)
            concerned |= joined | grouped | {one.pk for one, _cause in due}
        return concerned

    def _cause(self, one: Loose) -> Cause | None:
        """What is wrong with a device long enough, or often enough, to be a fault."""
        limit = self.limits[one.kind]
        if one.silent and self.at - one.since >= one.gap + timedelta(seconds=limit.fault_s):
            return Cause.OUTAGE
        if one.outages >= self.numbers[Setting.FLAP_TIMES]:
            return Cause.FLAPPING
        return Cause.REPORTED if one.trouble and not one.silent else None

    def _join_groups(self, owner_code: str, silent: list[Loose]) -> tuple[list[Loose], set[int]]:
        """Devices that fell silent with a group, and were noticed later, belong to it."""
        if not silent:
            return silent, set()
        joined: set[int] = set()
        groups = Fault.objects.select_for_update().filter(
            owner_code=owner_code, is_group=True, state__in=WAITING
        )
        for fault in groups:
            fitting = [
                one
                for one in silent
                if one.area_code.startswith(fault.area_code)
                and abs(one.since - fault.silent_since) <= self.window + one.gap
            ]
            if not fitting:
                continue
            self._add(fault, fitting)
            fault.devices = fault.members.filter(until=None).count()
            fault.title = m.title_of(fault.cause, fault.area_code, fault.devices, None)
            fault.save(update_fields=["devices", "title"])
            m.write(fault, JOINED, fault.state, at=self.at, body={"devices": len(fitting)})
            joined |= {one.pk for one in fitting}
            silent = [one for one in silent if one.pk not in joined]
        return silent, joined

    def _make_groups(self, owner_code: str, silent: list[Loose]) -> tuple[list[Loose], set[int]]:
        """One fault where many of an owner's devices, or of those in a county, fell silent at once."""
        grouped: set[int] = set()
        counties = sorted({one.area_code[:COUNTY] for one in silent if len(one.area_code) >= COUNTY})
        for scope in ["", *counties]:
            while True:
                inside = [one for one in silent if one.area_code.startswith(scope)]
                together = _together(inside, self.window)
                if len(together) < self._least(owner_code, scope, len(together)):
                    break
                self._group(owner_code, together)
                grouped |= {one.pk for one in together}
                silent = [one for one in silent if one.pk not in grouped]
        return silent, grouped

    def _least(self, owner_code: str, scope: str, found: int) -> float:
        """How many devices make a group here; asked of the database only where it can matter."""
        least = self.numbers[Setting.GROUP_LEAST]
        if found < max(least, 2):
            return float("inf")
        watched = Device.objects.in_duty().filter(
            owner_code=owner_code, area_code__startswith=scope, pulse__seen_at__isnull=False
        )
        return max(least, 2, watched.count() * self.numbers[Setting.GROUP_SHARE] / 100)

    def _group(self, owner_code: str, together: list[Loose]) -> None:
        area = common_area(one.area_code for one in together)
        since = min(one.since for one in together)
        back = self.at - timedelta(hours=self.numbers[Setting.FLAP_HOURS])
        fault = (
            Fault.objects.select_for_update()
            .filter(owner_code=owner_code, is_group=True, area_code=area, state=FaultState.CLOSED)
            .filter(closed_at__gte=back)
            .order_by("-pk")
            .first()
        )
        if fault is not None:
            self._add(fault, together)
            title = m.title_of(fault.cause, area, len(together), None)
            self._reopen(
                fault, body={"devices": len(together)}, silent_since=since, devices=len(together), title=title
            )
            return
        fault = m.create(
            cause=Cause.OUTAGE,
            owner_code=owner_code,
            area_code=area,
            feed=Counter(one.feed for one in together).most_common(1)[0][0],
            silent_since=since,
            limit=self._limit(together),
            at=self.at,
            devices=len(together),
        )
        self._add(fault, together)
        m.begin(fault, at=self.at)
        self.done.grouped += 1
        self.raised[owner_code] = fault

    def _open_singles(self, due: Sequence[tuple[Loose, Cause]]) -> None:
        if not due:
            return
        devices = Device.objects.in_bulk([one.pk for one, _cause in due])
        recent = self._closed_lately(list(devices))
        for one, cause in due:
            fault = recent.get(one.pk)
            if fault is not None:
                self._add(fault, [one])
                self._reopen(fault, body={"cause": cause}, cause=cause, silent_since=one.since)
                continue
            fault = m.create(
                cause=cause, owner_code=one.owner_code, area_code=one.area_code, feed=one.feed,
                silent_since=one.since, limit=self.limits[one.kind], at=self.at, device=devices[one.pk],
            )  # fmt: skip
            self._add(fault, [one])
            m.begin(fault, at=self.at)
            self.done.opened += 1
            self.raised[one.owner_code] = fault

    def _closed_lately(self, ids: list[int]) -> dict[int, Fault]:
        """The newest single fault of each device that ended within the time in which it is the same one."""
        since = self.at - timedelta(hours=self.numbers[Setting.FLAP_HOURS])
        members = (
            FaultMember.objects.filter(
                device_id__in=ids,
                fault__is_group=False,
                fault__state=FaultState.CLOSED,
                fault__closed_at__gte=since,
            )
            .select_related("fault")
            .order_by("fault_id")
        )
        return {one.device_id: one.fault for one in members}

    def _add(self, fault: Fault, devices: Iterable[Loose]) -> None:
        listed = list(devices)
        with connection.cursor() as cursor:
            cursor.execute(_JOIN, [fault.pk, [one.pk for one in listed], [one.since for one in listed]])

    def _limit(self, together: Sequence[Loose]) -> Limit:
        kinds = Counter(one.kind for one in together)
        return self.limits[kinds.most_common(1)[0][0] if kinds else "other"]

    # ------------------------------------------------------------ the steward's side

    def tell_stewards(self) -> None:
        """One incident per owner while faults of his wait; it ends with the last of them."""
        for owner_code, fault in self.raised.items():
            raise_incident(
                kind="device_fault",
                key=owner_code,
                reason=fault.cause,
                detail=fault.title,
                ref=fault.ref,
                org_code=owner_code,
                at=self.at,
            )
        for owner_code in self.ended - set(self.raised):
            if not Fault.objects.standing().filter(owner_code=owner_code).exists():
                clear_incident(kind="device_fault", key=owner_code, at=self.at)


def _together(silent: list[Loose], window: timedelta) -> list[Loose]:
    """The most devices whose silence began within one window."""
    listed = sorted(silent, key=lambda one: one.since)
    best: tuple[int, int] = (0, 0)
    first = 0
    for last, one in enumerate(listed):
        while one.since - listed[first].since > window:
            first += 1
        if last + 1 - first > best[1] - best[0]:
            best = (first, last + 1)
    return listed[best[0] : best[1]]


def common_area(codes: Iterable[str]) -> str:
    """The deepest area that holds all of them; '' where none does."""
    listed = list(codes)
    for length in sorted(LENGTHS, reverse=True):
        heads = {code[:length] for code in listed}
        if len(heads) == 1 and len(head := heads.pop()) == length:
            return head
    return ""
