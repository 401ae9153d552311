"""Shaped reads for the pages and upper floors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, F
from django.utils import translation
from django.utils.translation import gettext as _

from commandcenter.core.errors import DomainError
from commandcenter.core.times import shanghai_day
from datahub import selectors as hub

from . import rows
from .models import Alert, AlertEvidence, Detector
from .patterns.threshold import ThresholdParams, measured
from .states import Verdict

if TYPE_CHECKING:
    from city.models import User

CHART_BEFORE = timedelta(hours=48)
CHART_AFTER = timedelta(hours=24)
CHART_LONGEST = timedelta(days=21)


@dataclass(frozen=True)
class Precision:
    """What people said of a detector's alerts. share: true or partly true among those judged."""

    true: int
    partly: int
    false: int
    unknown: int
    alerts: int

    @property
    def judged(self) -> int:
        return self.true + self.partly + self.false

    @property
    def share(self) -> float | None:
        return (self.true + self.partly) / self.judged if self.judged else None


def precisions(detectors: list[Detector]) -> dict[int, Precision]:
    """Verdicts per detector, present versions, trial and live together."""
    found = {d.pk: {"": 0, **dict.fromkeys(Verdict.values, 0)} for d in detectors}
    counted = (
        Alert.objects.filter(detector__in=detectors, version=F("detector__version"))
        .order_by()
        .values_list("detector_id", "verdict")
        .annotate(n=Count("pk"))
    )
    for pk, verdict, n in counted:
        found[pk][verdict] = n
    return {
        pk: Precision(n["true"], n["partly"], n["false"], n["unknown"], sum(n.values()))
        for pk, n in found.items()
    }


def alerts_by_level(user: User, *, trial: bool) -> dict[int, int]:
    """Open alerts that one may see, per level."""
    rows_of = Alert.objects.visible_to(user).open().filter(trial=trial).order_by()
    counts = dict(rows_of.values_list("level").annotate(n=Count("pk")))
    return {level: counts.get(level, 0) for level in (1, 2, 3, 4)}


def recount(area_code: str, *, day: date | None = None) -> dict[str, Any]:
    """Real alerts of an area from the rows: open per level, and raised on a day. Trials are not counted."""
    found = Alert.objects.live().filter(area_code__startswith=area_code).order_by()
    opened = dict(found.open().values_list("level").annotate(n=Count("pk")))
    raised = sum(1 for at in found.values_list("recorded_at", flat=True) if day and shanghai_day(at) == day)
    return {"open_by_level": opened, "raised": raised}


def subject_history(alert: Alert, user: User, limit: int = 10) -> list[Alert]:
    """Other alerts of the same subject by the same detector, newest first."""
    found = Alert.objects.visible_to(user).filter(detector_id=alert.detector_id, subject=alert.subject)
    return list(found.exclude(pk=alert.pk).order_by("-started_at")[:limit])


def column_words(dataset_code: str, column: str) -> str:
    """What people call a column, in the reader's language; its code where the catalogue has no such."""
    english = (translation.get_language() or "").startswith("en")
    try:
        spec = hub.spec_of(dataset_code).column(column)
    except (DomainError, StopIteration):
        return column
    return (spec.name_en if english else spec.name) or column


def sentence(detector: Detector) -> str:
    """What a detector says, in one sentence."""
    p = detector.parameters
    worst_last = sorted(p.steps, key=lambda s: -s.level)
    bounds = "、".join(f"{step.bound:g}" for step in worst_last)
    named = column_words(detector.dataset_code, p.column)
    subject = column_words(detector.dataset_code, detector.subject_column)
    what = (
        _("the mean of %(column)s over %(hours)s h") % {"column": named, "hours": p.window_hours}
        if p.aggregate == "mean"
        else named
    )
    side = _("above") if p.direction == "above" else _("below")
    text = _("When %(what)s of a %(subject)s is %(side)s %(bounds)s %(unit)s (level %(from)s to %(to)s)") % {
        "what": what, "subject": subject, "side": side, "bounds": bounds, "unit": p.unit,
        "from": worst_last[0].level, "to": worst_last[-1].level,
    }  # fmt: skip
    if p.hold_readings > 1 or p.hold_minutes:
        text += _(", for %(n)s readings in a row") % {"n": p.hold_readings}
        if p.hold_minutes:
            text += _(" spanning %(minutes)s minutes") % {"minutes": p.hold_minutes}
    text += _("; back to normal at %(clear)s %(unit)s") % {"clear": f"{p.clears_at:g}", "unit": p.unit}
    if p.cooldown_minutes:
        text += _("; silent for %(hours)s h afterwards unless graver") % {
            "hours": f"{p.cooldown_minutes / 60:g}"
        }
    return text + _(".")


@dataclass(frozen=True)
class Series:
    """What a chart draws. points: (milliseconds, value, measure); from_lake: or the evidence alone."""

    points: list[tuple[int, float, float | None]]
    from_lake: bool


def chart_span(alert: Alert) -> tuple[datetime, datetime]:
    end = alert.cleared_at or alert.resolved_at or alert.raised_at + CHART_AFTER
    end = min(end + CHART_AFTER, alert.started_at + CHART_LONGEST)
    return alert.started_at - CHART_BEFORE, end


def series(alert: Alert) -> Series:
    """The subject's readings around an alert, by the same expression that judged them."""
    detector = alert.detector
    p = detector.parameters
    since, until = chart_span(alert)
    first = shanghai_day(since - timedelta(hours=p.window_hours))
    try:
        columns = [detector.subject_column, detector.time_column, p.column, "_delivery", "_row"]
        table = rows.of_days(detector.dataset_code, columns, first, shanghai_day(until))
        table = table.filter(table[detector.subject_column] == alert.subject)
        points = _points(table, p, detector, since, until)
    except (DomainError, OSError, LookupError):
        points = []
    if points:
        return Series(points, True)
    kept = AlertEvidence.objects.filter(alert=alert).order_by("at").values_list("at", "value", "measure")
    return Series([(int(at.timestamp() * 1000), value, measure) for at, value, measure in kept], False)


def _points(
    table: Any, p: ThresholdParams, detector: Detector, since: datetime, until: datetime
) -> list[tuple[int, float, float | None]]:
    judged = measured(
        table,
        p.model_copy(update={"min_readings": 1}),
        subject=detector.subject_column,
        time=detector.time_column,
    )
    judged = judged.filter(judged.t.between(int(since.timestamp()), int(until.timestamp()))).order_by("t")
    got = rows.run(judged.select("t", "value", "measure", "readings")).to_pylist()
    return [
        (r["t"] * 1000, r["value"], r["measure"] if r["readings"] >= p.min_readings else None) for r in got
    ]
