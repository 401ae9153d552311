"""Shaped reads of the register: lists, a device's days, faults, availability."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.utils.functional import cached_property

from city.selectors import areas_at, organisations
from commandcenter.core.times import SHANGHAI, shanghai_day, start_of_day

from .models import Availability, Device, DeviceRefusal, DeviceSpell, Fault
from .querysets import seen_by
from .states import DeviceState, Spell
from .tiles import chosen

COUNTED = 10_000  # a reader who looks further narrows his question
STRIP_DAYS = 7


class CappedPaginator(Paginator):  # no subscript: Django has none at runtime
    """Pages of a list that may have 240,000 rows: nobody turns to the ten-thousandth."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED].count())


def searched(found: QuerySet[Device], text: str) -> QuerySet[Device]:
    """By the beginning of a code, or any part of name and place."""
    text = text.strip()[:60].replace("\x00", "")
    if not text:
        return found
    return found.filter(Q(code__startswith=text) | Q(name__contains=text) | Q(place__contains=text))


def listed(user: Any, asked: Any) -> QuerySet[Device]:
    """The list that a person asked for; retired devices only when asked for."""
    found = searched(chosen(Device.objects.visible_to(user), asked), str(asked.get("q", "")))
    if asked.get("state") != DeviceState.RETIRED:
        found = found.exclude(state=DeviceState.RETIRED)
    if asked.get("heard") == "never":
        found = found.filter(pulse__seen_at__isnull=True)
    return found


def state_counts(found: QuerySet[Device]) -> dict[str, int]:
    return dict(found.order_by().values_list("state").annotate(n=Count("pk")))


def owner_names(codes: Iterable[str]) -> dict[str, str]:
    rows = organisations().filter(code__in=set(codes)).values_list("code", "short_name", "name")
    return {code: short or name for code, short, name in rows}


def owners_of(user: Any) -> list[tuple[str, str]]:
    """Owners whose devices a person sees, by name."""
    codes = Device.objects.visible_to(user).order_by().values_list("owner_code", flat=True).distinct()
    names = owner_names(codes)
    return sorted(((code, names.get(code, code)) for code in codes), key=lambda one: one[1])


def counties() -> list[tuple[str, str]]:
    return [(one.code, one.name) for one in areas_at("county")]


# ---------------------------------------------------------------- one device


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch within one day: from and width in minutes."""

    state: str
    label: str
    start: int
    width: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class DayStrip:
    day: date
    bars: list[Bar]
    heard: float | None  # share of the day's duty that it was heard


def strips(device: Device, at: datetime, days: int = STRIP_DAYS) -> list[DayStrip]:
    """The last days, newest first, as stretches of what was and was not heard."""
    today = shanghai_day(at)
    first = start_of_day(today - timedelta(days=days - 1))
    rows = list(DeviceSpell.objects.filter(device=device).filter(Q(until=None) | Q(until__gt=first)))
    return [_strip(today - timedelta(days=n), rows, at) for n in range(days)]


def _strip(day: date, rows: list[DeviceSpell], at: datetime) -> DayStrip:
    start = start_of_day(day)
    end = min(start + timedelta(days=1), at)
    bars, heard, duty = [], 0.0, 0.0
    for row in rows:
        since, until = max(row.since, start), min(row.until or at, end)
        if until <= since:
            continue
        seconds = (until - since).total_seconds()
        if row.state in (Spell.ONLINE, Spell.OFFLINE):
            duty += seconds
            heard += seconds if row.state == Spell.ONLINE else 0
        left = int((since - start).total_seconds() // 60)
        bars.append(
            Bar(
                row.state,
                str(row.get_state_display()),
                left,
                max(2, round(seconds / 60)),
                row.since,
                row.until,
            )
        )
    return DayStrip(day, bars, heard / duty if duty else None)


def outages(device: Device, limit: int = 20) -> QuerySet[DeviceSpell]:
    return DeviceSpell.objects.filter(device=device, state=Spell.OFFLINE).order_by("-since")[:limit]


def faults_of(device: Device, limit: int = 20) -> list[Fault]:
    return list(Fault.objects.filter(members__device=device).order_by("-pk")[:limit])


# ---------------------------------------------------------------- availability


@dataclass(frozen=True, slots=True)
class Rate:
    key: str
    name: str
    devices: int
    online: float | None
    intact: float | None
    should_s: int
    online_s: int
    intact_s: int


def rates(user: Any, *, by: str, days: int, at: datetime, asked: Any) -> list[Rate]:
    """Rates by `owner`, `area` or `day` over the last days, of what a person may see; worst first."""
    found = _counted(user, at, days, asked)
    field = {"owner": "owner_code", "area": "area_code", "day": "day", "kind": "kind"}[by]
    rows = list(
        found.values(field).annotate(
            should=Sum("should_s"), online=Sum("online_s"), intact=Sum("intact_s"), most=Sum("devices")
        )
    )
    span = max(1, found.values("day").distinct().count())
    names = _names(by, [row[field] for row in rows])
    made = [
        Rate(
            str(row[field]),
            names.get(row[field], str(row[field])),
            round(row["most"] / (1 if by == "day" else span)),
            row["online"] / row["should"] if row["should"] else None,
            row["intact"] / row["should"] if row["should"] else None,
            row["should"],
            row["online"],
            row["intact"],
        )
        for row in rows
    ]
    return sorted(made, key=(lambda one: one.key) if by == "day" else (lambda one: one.online or 0.0))


def _counted(user: Any, at: datetime, days: int, asked: Any) -> QuerySet[Availability]:
    """Rows of the copy; rights go by the same question as for devices."""
    seen = seen_by(user)
    if seen is None:
        return Availability.objects.none()
    found = Availability.objects.filter(seen, day__gt=shanghai_day(at) - timedelta(days=days))
    if asked.get("kind"):
        found = found.filter(kind=str(asked["kind"])[:12])
    if asked.get("owner"):
        found = found.filter(owner_code=str(asked["owner"])[:40].replace("\x00", ""))
    return found


def _names(by: str, keys: list[Any]) -> dict[Any, str]:
    if by == "owner":
        return owner_names(keys)
    if by == "area":
        return dict(counties())
    if by == "day":
        return {key: f"{key:%m-%d}" for key in keys}
    from .states import DeviceKind

    return {value: str(label) for value, label in DeviceKind.choices}


# ---------------------------------------------------------------- the register


def refusals(limit: int = 50) -> QuerySet[DeviceRefusal]:
    return DeviceRefusal.objects.order_by("-delivery_id", "row_number")[:limit]


def local_time(moment: datetime | None) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" if moment else ""
