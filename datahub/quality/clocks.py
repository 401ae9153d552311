"""Limits from the table, else the stated default; deadlines on the city's calendar."""

from datetime import datetime

from city.calendar import add_working_days, add_working_minutes

from .models import QualityLimit
from .states import DEFAULTS, Dimension, Limit


def limit(name: str) -> int:
    found = QualityLimit.objects.filter(pk=name).values_list("value", flat=True).first()
    return DEFAULTS[name] if found is None else found


def limits() -> dict[str, int]:
    return {**DEFAULTS, **dict(QualityLimit.objects.values_list("limit", "value"))}


def weights(known: dict[str, int] | None = None) -> dict[str, int]:
    """Dimension -> weight. known: the limits, where somebody has read them already."""
    known = known or limits()
    return {dimension: known[f"w_{dimension}"] for dimension in Dimension.values}


def incident_due(since: datetime, severity: str) -> datetime:
    return add_working_minutes(since, limit(f"{severity}_hours") * 60)


def decision_due(since: datetime) -> datetime:
    return add_working_days(since, limit(Limit.DECIDE_DAYS))


def correction_due(since: datetime) -> datetime:
    return add_working_days(since, limit(Limit.CORRECT_DAYS))
