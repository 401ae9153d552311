"""Shaped reads of quality: inbox, scores over time, worst first."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from city.selectors import organisations
from commandcenter.core.times import shanghai_day
from datahub.models import Column, Dataset, Delivery
from datahub.sharing.querysets import officer_orgs

from .clocks import weights
from .models import DailyScore, DeliveryScore, Incident
from .policies import may_see_quality
from .scoring import Part, Score, score_of
from .states import ALIVE, Dimension, IncidentState

WINDOW_DAYS = 30  # the score of a dataset: its checks of so many days, together
CHART_DAYS = 60


def incidents_shown(user: Any, asked: Any, *, at: datetime) -> tuple[QuerySet[Incident], dict[str, Any]]:
    """The inbox by its filters: view (open, mine, overdue, …), kind, severity, dataset, words."""
    seen = Incident.objects.visible_to(user).select_related("dataset", "delivery")
    views = {
        "open": seen.alive(),
        "mine": seen.alive().filter(org_code__in=officer_orgs(user) or [""]),
        "overdue": seen.overdue(at=at),
        "resolved": seen.filter(state=IncidentState.RESOLVED),
        "closed": seen.filter(state=IncidentState.CLOSED),
    }
    view = asked.get("view", "open")
    view = view if view in views else "open"
    rows = views[view]
    kind, severity = asked.get("kind", ""), asked.get("severity", "")
    words = asked.get("q", "").replace("\x00", "").strip()[:60]
    if kind:
        rows = rows.filter(kind=kind)
    if severity:
        rows = rows.filter(severity=severity)
    if code := asked.get("dataset", ""):
        rows = rows.filter(dataset__code=code.replace("\x00", ""))
    if words:
        rows = rows.filter(
            Q(number__icontains=words)
            | Q(dataset__name__icontains=words)
            | Q(dataset__name_en__icontains=words)
            | Q(dataset__code__icontains=words)
            | Q(org_code__icontains=words)
        )
    order = ("-closed_at",) if view == "closed" else ("due_at", "pk")
    filters = {"view": view, "kind": kind, "severity": severity, "q": words, "dataset": code}
    return rows.order_by(*order), {"filters": filters, "counts": {n: v.count() for n, v in views.items()}}


def org_names(codes: Iterable[str]) -> dict[str, str]:
    """Code -> short name, one query."""
    return dict(organisations().filter(code__in=set(codes)).values_list("code", "short_name"))


def open_incidents(dataset_ids: Iterable[int]) -> dict[int, int]:
    """Dataset -> incidents alive. One query."""
    alive = Incident.objects.filter(dataset_id__in=list(dataset_ids), state__in=ALIVE).order_by()
    return dict(alive.values_list("dataset").annotate(n=Count("pk")))


def alive_of(code: str) -> list[int]:
    """Incidents alive of a dataset, oldest first."""
    return list(
        Incident.objects.alive().filter(dataset__code=code).order_by("pk").values_list("pk", flat=True)
    )


# ---------------------------------------------------------------- scores


def scores_now(dataset_ids: Iterable[int], *, at: datetime, days: int = WINDOW_DAYS) -> dict[int, Score]:
    """Each dataset's score of the last days. One query for all; a dataset without checks is absent."""
    since = shanghai_day(at) - timedelta(days=days - 1)
    sums = (
        DailyScore.objects.filter(dataset_id__in=list(dataset_ids), day__gte=since)
        .order_by()
        .values_list("dataset_id", "rule", "dimension")
        .annotate(n=Sum("checked"), bad=Sum("failed"))
    )
    parts: dict[int, list[Part]] = {}
    for dataset_id, _rule, dimension, checked, failed in sums:
        parts.setdefault(dataset_id, []).append(Part(dimension, checked, failed))
    weight = weights()
    return {pk: score_of(found, weight) for pk, found in parts.items()}


def score_by_day(dataset: Dataset, *, at: datetime, days: int = CHART_DAYS) -> list[tuple[date, Score]]:
    """The days on which something was checked, oldest first."""
    since = shanghai_day(at) - timedelta(days=days - 1)
    found: dict[date, list[Part]] = {}
    rows = DailyScore.objects.filter(dataset=dataset, day__gte=since).order_by("day")
    for row in rows:
        found.setdefault(row.day, []).append(Part(row.dimension, row.checked, row.failed))
    weight = weights()
    return [(day, score_of(parts, weight)) for day, parts in found.items()]


def checks_now(dataset: Dataset, *, at: datetime, days: int = WINDOW_DAYS) -> list[dict[str, Any]]:
    """Check by check over the last days, worst first: what the total is made of."""
    since = shanghai_day(at) - timedelta(days=days - 1)
    sums = (
        DailyScore.objects.filter(dataset=dataset, day__gte=since)
        .order_by()
        .values("rule", "dimension")
        .annotate(n=Sum("checked"), bad=Sum("failed"))
    )
    rows = [
        {**row, "rate": 100 * Part(row["dimension"], row["n"], row["bad"]).rate} for row in sums if row["n"]
    ]
    return sorted(rows, key=lambda row: (row["rate"], row["rule"]))


def deliveries_of_day(dataset: Dataset, day: date) -> QuerySet[DeliveryScore]:
    return DeliveryScore.objects.filter(dataset=dataset, day=day).select_related("delivery").order_by("score")


def dimension_rows(score: Score | None) -> list[dict[str, Any]]:
    """All dimensions with their weight; one that was not measured has no value."""
    weight = weights()
    held = score.dimensions if score else {}
    return [
        {"code": one, "label": one.label, "weight": weight[one], "value": held.get(str(one))}
        for one in Dimension
    ]


# ---------------------------------------------------------------- the chart

WIDTH, HEIGHT = 720.0, 120.0
FLOORS = (90, 75, 50, 0)  # the axis begins at the first that lies below all points
GOOD = 95  # full marks of accountability item XW-46 begin here
FEWEST_DAYS = 14


def chart_of(days: list[tuple[date, Score]], *, at: datetime) -> dict[str, Any]:
    """Points and a line for an SVG: the days from the first that was measured, at least two weeks."""
    last = shanghai_day(at)
    held = [(day, score.total) for day, score in days if score.total is not None]
    span = max(FEWEST_DAYS, (last - held[0][0]).days + 1) if held else FEWEST_DAYS
    low = min((total for _day, total in held), default=100.0)
    floor = next(one for one in FLOORS if low >= one)
    points = [
        {
            "x": round(WIDTH * (span - 1 - (last - day).days) / (span - 1), 1),
            "y": _height(total, floor),
            "day": day,
            "score": total,
        }
        for day, total in held
    ]
    middle = (100 + floor) // 2
    marks = {100, GOOD, floor} | ({middle} if GOOD - middle > 4 else set())
    return {
        "points": points,
        "line": " ".join(f"{p['x']},{p['y']}" for p in points) if len(points) > 1 else "",
        "marks": [
            {"value": one, "y": _height(one, floor), "text": _height(one, floor) + 4, "good": one == GOOD}
            for one in sorted(marks, reverse=True)
        ],
        "first": last - timedelta(days=span - 1),
        "last": last,
    }


def _height(total: float, floor: int) -> float:
    return round(HEIGHT * (100 - total) / (100 - floor), 1)


def tone_of(total: float | None) -> str:
    """95 and more: full marks of item XW-46; below 75: none."""
    if total is None:
        return "grey"
    return "green" if total >= 95 else "orange" if total >= 75 else "red"


def score_of_delivery(delivery: Delivery) -> dict[str, Any] | None:
    """A delivery's own score for its page: total, dimensions, checks."""
    row = DeliveryScore.objects.filter(delivery=delivery).first()
    if row is None:
        return None
    parts = {code: Part(*part) for code, part in row.parts.items()}
    score = score_of(parts.values(), weights())
    return {
        "total": row.score,
        "tone": tone_of(row.score),
        "dimensions": dimension_rows(score),
        "checks": sorted(
            (
                {"rule": code, "n": p.checked, "bad": p.failed, "rate": 100 * p.rate}
                for code, p in parts.items()
            ),
            key=lambda one: one["rate"],
        ),
    }


# ---------------------------------------------------------------- parts of other pages


def dataset_part(dataset: Dataset, user: Any, *, at: datetime) -> dict[str, Any]:
    """For the dataset's page: the score, its curve, open incidents."""
    score = scores_now([dataset.pk], at=at).get(dataset.pk)
    total = score.total if score else None
    return {
        "total": total,
        "tone": tone_of(total),
        "window": WINDOW_DAYS,
        "chart": chart_of(score_by_day(dataset, at=at), at=at),
        "incidents": open_incidents([dataset.pk]).get(dataset.pk, 0),
        "rules": dataset.rules.filter(active=True).count(),
        "sees_incidents": may_see_quality(user),
    }


def overview_part(dataset_ids: list[int], *, at: datetime) -> dict[int, dict[str, Any]]:
    """For the overview: score and open incidents of each source. Two queries and the weights."""
    scores, incidents = scores_now(dataset_ids, at=at), open_incidents(dataset_ids)
    found = {}
    for pk in dataset_ids:
        total = scores[pk].total if pk in scores else None
        found[pk] = {"score": total, "score_tone": tone_of(total), "incidents": incidents.get(pk, 0)}
    return found


def worst_first(row: dict[str, Any]) -> tuple[bool, float]:
    """Sources that were not measured stand last: nobody knows how good they are."""
    return row["score"] is None, row["score"] or 0.0


def column_titles(dataset_ids: Iterable[int]) -> dict[tuple[int, str], str]:
    """(dataset, code of the column) → its name in the reader's language."""
    found = Column.objects.filter(dataset_id__in=set(dataset_ids))
    return {(one.dataset_id, one.code): one.title for one in found}
