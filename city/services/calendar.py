"""The working calendar as a table: filled from what is published, guessed otherwise, edited by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

import chinese_calendar
from django.db import transaction
from django.utils.translation import gettext as _

from city import calendar
from city.events import CalendarChanged
from city.models import WorkDay, WorkSpan
from city.policies import may_configure
from city.selectors import roots
from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from commandcenter.journal.live import announce
from commandcenter.journal.services import audit

GUESSED = "weekdays"
BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class YearFilled:
    year: int
    provisional: bool
    changed: int
    kept_by_hand: int


def days_of(year: int) -> tuple[dict[date, bool], str, bool]:
    """Every day of a year with whether it is worked; the source; whether that is a guess."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    try:
        published = {day: bool(chinese_calendar.is_workday(day)) for day in every}
    except NotImplementedError:
        return {day: day.weekday() < 5 for day in every}, GUESSED, True
    return published, f"chinesecalendar {_library_version()}", False


def _library_version() -> str:
    from importlib.metadata import version

    return version("chinesecalendar")


@transaction.atomic
def load_years(*, years: Iterable[int], by: Any = None) -> list[YearFilled]:
    """Fill the table. Days set by hand stay; a repeat changes nothing; publication replaces a guess."""
    require(by is None or may_configure(by))
    filled: list[YearFilled] = []
    touched: list[date] = []
    for year in sorted(set(years)):
        days, source, provisional = days_of(year)
        known = {row.date: row for row in WorkDay.objects.select_for_update().filter(date__year=year)}
        changed = kept = 0
        for day, is_work in days.items():
            row = known.get(day)
            if row is not None and row.source == BY_HAND:
                kept += 1
                continue
            wanted = (is_work, source, provisional)
            if row is not None and (row.is_work, row.source, row.provisional) == wanted:
                continue
            if row is not None and provisional and not row.provisional:
                continue  # an older library never takes a published year back
            if row is None or (row.is_work, row.provisional) != (is_work, provisional):
                touched.append(day)
            changed += 1
            WorkDay.objects.update_or_create(
                date=day, defaults={"is_work": is_work, "source": source, "provisional": provisional}
            )
        filled.append(YearFilled(year, provisional, changed, kept))
    if any(one.changed for one in filled):
        audit(actor=by, action="city.load_calendar", body={str(one.year): one.changed for one in filled})
    _tell(touched)
    return filled


@transaction.atomic
def set_work_day(*, day: date, is_work: bool, by: Any = None, reason: str = "") -> WorkDay:
    """Say by hand whether a day is worked, for instance when the city gives a day off."""
    require(by is None or may_configure(by))
    row, _made = WorkDay.objects.update_or_create(
        date=day, defaults={"is_work": is_work, "source": BY_HAND, "provisional": False}
    )
    audit(
        actor=by,
        action="city.set_work_day",
        target_ref=f"city.work_day:{day.isoformat()}",
        reason=reason,
        body={"is_work": is_work},
    )
    _tell([day])
    return row


@transaction.atomic
def set_work_spans(*, spans: list[tuple[time, time]], by: Any = None) -> None:
    """Replace the office hours. They must not overlap."""
    require(by is None or may_configure(by))
    ordered = sorted(spans)
    flat = [moment for span in ordered for moment in span]
    if not flat or any(a >= b for a, b in zip(flat, flat[1:], strict=False)):
        raise DomainError(_("Office hours must follow one another without overlap."), code="bad_office_hours")
    WorkSpan.objects.all().delete()
    WorkSpan.objects.bulk_create([WorkSpan(starts=a, ends=b) for a, b in ordered])
    audit(
        actor=by, action="city.set_work_spans", body={"spans": [f"{a:%H:%M}-{b:%H:%M}" for a, b in ordered]}
    )
    today = clock.now().date()
    _tell([today, today + timedelta(days=366)])


def _tell(days: list[date]) -> None:
    if not days:
        return
    calendar.forget()
    transaction.on_commit(calendar.forget)
    announce(
        CalendarChanged(
            area_code=next(iter(roots()), ""),
            audiences=["command", "steward"],
            at=clock.now(),
            first=min(days),
            last=max(days),
            days=len(days),
        )
    )
