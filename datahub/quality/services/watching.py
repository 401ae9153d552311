"""The watch: late sources, deadlines, and what a day's calls say of accessibility."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q

from commandcenter.core import clock
from commandcenter.core.times import shanghai_day
from datahub.models import Dataset
from datahub.sharing.models import ShareCall
from datahub.sharing.states import Outcome

from ..models import DailyScore, Incident
from ..scoring import CALLS, CYCLE, Part
from ..states import Dimension, IncidentKind
from .ending import SOURCE, add_to_day
from .incidents import clear_incident, raise_incident, watch_incidents


def watch_quality() -> dict[str, int]:
    at = clock.now()
    done = watch_timeliness(at)
    count_calls(at)
    return {**done, "escalated": watch_incidents()}


def watch_timeliness(at: datetime) -> dict[str, int]:
    """A source that was heard once and is late has an incident; one that is not has none."""
    alive = Incident.objects.alive().filter(kind=IncidentKind.LATE, key=SOURCE)
    reported = set(alive.values_list("dataset_id", flat=True))
    late = {one.pk: one for one in Dataset.objects.late(at=at)}
    for pk in sorted(late.keys() - reported):
        _raise_late(late[pk], at)
    back = Dataset.objects.filter(pk__in=reported - late.keys())
    for one in back:
        clear_incident(kind=IncidentKind.LATE, key=SOURCE, dataset=one, at=at)
    _count_silence(set(late), at)
    return {"late": len(late.keys() - reported), "back": len(back)}


def _raise_late(dataset: Dataset, at: datetime) -> None:
    raise_incident(
        kind=IncidentKind.LATE,
        key=SOURCE,
        dataset=dataset,
        reason="late",
        detail=dataset.fresh_at.isoformat() if dataset.fresh_at else "",
        at=at,
    )


@transaction.atomic
def _count_silence(late: set[int], at: datetime) -> None:
    """A day on which a late source said nothing counts against its timeliness, once."""
    day = shanghai_day(at)
    there = DailyScore.objects.filter(dataset_id__in=late, day=day, rule=CYCLE)
    for pk in sorted(late - set(there.values_list("dataset_id", flat=True))):
        add_to_day(pk, day, {CYCLE: Part(Dimension.TIMELINESS, 1, 1)})


def count_calls(at: datetime) -> None:
    """Accessibility: of the day's calls that were allowed, those that failed. Counted anew each time."""
    day = shanghai_day(at)
    counted = (
        ShareCall.objects.filter(day=day)
        .exclude(outcome=Outcome.REFUSED)
        .order_by()
        .values("dataset_code")
        .annotate(calls=Count("pk"), failed=Count("pk", filter=Q(outcome=Outcome.FAILED)))
    )
    figures = {row["dataset_code"]: (row["calls"], row["failed"]) for row in counted}
    for pk, code in Dataset.objects.filter(code__in=figures).values_list("pk", "code"):
        calls, failed = figures[code]
        DailyScore.objects.update_or_create(
            dataset_id=pk,
            day=day,
            rule=CALLS,
            defaults={"dimension": Dimension.ACCESSIBILITY, "checked": calls, "failed": failed},
        )
