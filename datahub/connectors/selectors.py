"""What the pages show of sources."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum

from commandcenter.core.times import shanghai_day, start_of_day

from .models import Source, SourceRun
from .states import RunOutcome

R = RunOutcome
TONES = {
    R.RUNNING: "accent",
    R.DELIVERED: "green",
    R.UNCHANGED: "green",
    R.NOTHING: "grey",
    R.FAILED: "red",
    R.INTERRUPTED: "orange",
}


def state_of(source: Source, at: datetime) -> str:
    """draft, paused, running, failing, waiting (never ran yet) or good."""
    if not source.ready:
        return "draft"
    if source.paused:
        return "paused"
    if source.lease and source.lease_until and source.lease_until > at:
        return "running"
    if source.failures:
        return "failing"
    return "good" if source.last_run_at else "waiting"


STATE_TONES = {
    "draft": "grey",
    "paused": "grey",
    "running": "accent",
    "failing": "red",
    "waiting": "grey",
    "good": "green",
}


def rows_today(source_ids: list[int], at: datetime) -> dict[int, int]:
    """Rows that came in since midnight, by source; a source without any is absent."""
    since = start_of_day(shanghai_day(at))
    found = SourceRun.objects.filter(source__in=source_ids, started_at__gte=since).order_by()
    return dict(found.values_list("source").annotate(n=Sum("rows")))


def overdue(source: Source, at: datetime) -> timedelta | None:
    """By how much nobody has run a source whose time has come; None while that is no wonder."""
    if not source.ready or source.paused or source.next_run_at is None:
        return None
    late = at - source.next_run_at
    return late if late > timedelta(minutes=5) and not source.lease else None


def counts(sources: list[Source], at: datetime) -> dict[str, Any]:
    states = [state_of(one, at) for one in sources]
    return {name: states.count(name) for name in STATE_TONES}
