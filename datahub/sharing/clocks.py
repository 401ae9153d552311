"""How long a step may take: working days from a table, on the city's calendar."""

from datetime import datetime

from city.calendar import add_working_days

from .models import ShareClock
from .states import DEFAULT_DAYS, Clock


def days_for(clock: str) -> int:
    found = ShareClock.objects.filter(pk=clock).values_list("working_days", flat=True).first()
    return DEFAULT_DAYS[clock] if found is None else found


def check_due(since: datetime) -> datetime:
    return add_working_days(since, days_for(Clock.CHECK))


def decision_due(since: datetime, *, mounted: bool) -> datetime:
    return add_working_days(since, days_for(Clock.DECIDE_MOUNTED if mounted else Clock.DECIDE_UNMOUNTED))
