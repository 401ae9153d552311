"""Shaped reads for the phone pages and upper floors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Count

from city.grants import areas_of
from city.roles import Role
from city.selectors import AreaInfo, area, area_path, children

from .models import CellWorker, EventKind, Report
from .states import OPEN

if TYPE_CHECKING:
    from city.models import User

MOST_CHOICES = 300


def short_path(code: str) -> str:
    """The last two names of an area's path: what fits on a phone and a worker needs."""
    return " › ".join(step.name for step in area_path(code)[-2:])


def common_kinds(user: User, limit: int = 8) -> list[EventKind]:
    """What this worker reports most often, then the common ones of the list."""
    often = list(
        EventKind.objects.active()
        .filter(reports__reporter=user)
        .annotate(n=Count("reports"))
        .order_by("-n")[:3]
    )
    rest = [kind for kind in EventKind.objects.common() if kind not in often]
    return [*often, *rest][:limit]


def kinds_by_class() -> list[tuple[str, list[EventKind]]]:
    """All kinds under the words of their class, in order of code."""
    found: dict[str, list[EventKind]] = {}
    for kind in EventKind.objects.active():
        found.setdefault(kind.class_label, []).append(kind)
    return list(found.items())


def areas_to_choose(user: User) -> list[dict[str, str]]:
    """Own cells first; a worker without cells chooses among the areas of his duty."""
    cells = CellWorker.objects.filter(user=user).values_list("cell_code", flat=True)
    found = [info for code in cells if (info := area(code))]
    if not found:
        for top in areas_of(user, Role.GRID_WORKER):
            found += _deepest(top)
    return [{"code": info.code, "name": short_path(info.code)} for info in found[:MOST_CHOICES]]


def _deepest(top: str) -> list[AreaInfo]:
    below = children(top)
    if not below or len(below) > MOST_CHOICES:
        own = area(top)
        return [own] if own else []
    return [info for child in below for info in (_deepest(child.code) if len(child.code) < 16 else [child])]


def open_report_counts(area_codes: list[str]) -> dict[str, int]:
    """Open reports per area code; an area with none is absent."""
    rows = Report.objects.open().filter(area_code__in=area_codes).order_by()
    return dict(rows.values_list("area_code").annotate(n=Count("pk")))


def recount(area_code: str) -> dict[str, Any]:
    """Reports of an area by state, from the rows."""
    rows = Report.objects.filter(area_code__startswith=area_code).order_by()
    by_state = dict(rows.values_list("state").annotate(n=Count("pk")))
    return {"by_state": by_state, "open": sum(n for state, n in by_state.items() if state in OPEN)}
