"""Working time: clocks of orders run on office hours of working days, 调休 included.

All arithmetic is done on Shanghai wall time; moments come and go as aware UTC.
Years that nobody has published yet count weekdays and are provisional.
"""

from __future__ import annotations

import threading
import time as stopwatch
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from city.models import WorkDay, WorkSpan
from commandcenter.core.times import SHANGHAI, shanghai_day

# A configurable default: rows of WorkSpan replace it.
DEFAULT_SPANS: tuple[tuple[time, time], ...] = ((time(9), time(12)), (time(13, 30), time(17, 30)))
FRESH_SECONDS = 5.0
_LONGEST_SEARCH = 3_660  # days; a calendar without working days is an error, not an endless loop


@dataclass(frozen=True, slots=True)
class _Calendar:
    spans: tuple[tuple[time, time], ...] = DEFAULT_SPANS
    days: dict[date, tuple[bool, bool]] = field(default_factory=dict)
    read: float = float("-inf")

    def is_work(self, day: date) -> bool:
        known = self.days.get(day)
        return known[0] if known else day.weekday() < 5

    def provisional(self, day: date) -> bool:
        known = self.days.get(day)
        return known[1] if known else True


_known = _Calendar()
_lock = threading.Lock()


def forget() -> None:
    """Read the table again at the next question; for the process that changed it, and for tests."""
    global _known
    with _lock:
        _known = _Calendar()


def _calendar() -> _Calendar:
    global _known
    if stopwatch.monotonic() - _known.read < FRESH_SECONDS:
        return _known
    with _lock:
        rows = WorkDay.objects.values_list("date", "is_work", "provisional")
        spans = tuple(WorkSpan.objects.values_list("starts", "ends"))
        _known = _Calendar(
            spans=spans or DEFAULT_SPANS,
            days={day: (is_work, provisional) for day, is_work, provisional in rows},
            read=stopwatch.monotonic(),
        )
        return _known


def _wall(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("working time needs an aware moment")
    return at.astimezone(SHANGHAI).replace(tzinfo=None)


def _aware(wall: datetime) -> datetime:
    return wall.replace(tzinfo=SHANGHAI).astimezone(UTC)


def is_work_day(day: date) -> bool:
    return _calendar().is_work(day)


def is_provisional(at: datetime) -> bool:
    """Whether the day of this moment has only been guessed to be worked or not."""
    return _calendar().provisional(shanghai_day(at))


def add_working_minutes(at: datetime, minutes: int | float) -> datetime:
    """The moment by which so many office minutes have passed since `at`.

    A clock started outside office hours begins with the next ones; one that ends
    with a span ends there, not at the start of the next. Zero minutes: `at` itself.
    """
    if minutes < 0:
        raise ValueError("working time runs forward only")
    if minutes == 0:
        return at
    calendar = _calendar()
    wall, left = _wall(at), timedelta(minutes=minutes)
    day = wall.date()
    for _ in range(_LONGEST_SEARCH):
        if calendar.is_work(day):
            for starts, ends in calendar.spans:
                begin = max(wall, datetime.combine(day, starts))
                end = datetime.combine(day, ends)
                if begin >= end:
                    continue
                if left <= end - begin:
                    return _aware(begin + left)
                left -= end - begin
        day += timedelta(days=1)
        wall = max(wall, datetime.combine(day, time()))
    raise ValueError("no working days within ten years")


def add_working_days(at: datetime, days: int) -> datetime:
    """The close of office hours on the n-th working day after the day of `at`.

    The first day does not count and the last ends with business hours.
    Source: 民法典 (Civil Code) articles 201 and 203. Zero days: `at` itself.
    """
    if days < 0:
        raise ValueError("working time runs forward only")
    if days == 0:
        return at
    calendar = _calendar()
    day, left = _wall(at).date(), days
    for _ in range(_LONGEST_SEARCH + 2 * days):
        day += timedelta(days=1)
        if calendar.is_work(day):
            left -= 1
            if left == 0:
                return _aware(datetime.combine(day, calendar.spans[-1][1]))
    raise ValueError("no working days within ten years")


def working_minutes_between(a: datetime, b: datetime) -> int:
    """Whole office minutes from `a` to `b`; negative when `b` comes first."""
    if b < a:
        return -working_minutes_between(b, a)
    calendar = _calendar()
    begin, end = _wall(a), _wall(b)
    total = timedelta()
    day = begin.date()
    while day <= end.date():
        if calendar.is_work(day):
            for starts, ends in calendar.spans:
                since = max(begin, datetime.combine(day, starts))
                until = min(end, datetime.combine(day, ends))
                if until > since:
                    total += until - since
        day += timedelta(days=1)
    return int(total // timedelta(minutes=1))
