"""What screens read: one snapshot with its position, and series for charts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Sum

from city.selectors import children
from commandcenter.core import clock
from commandcenter.core.times import shanghai_day
from commandcenter.journal.selectors import FOLD_CURSOR

from .figures import GAUGE_DAY, SEALED, family_of
from .models import Summary

# Of the areas below the one on screen only what colours the map is sent.
MAP_FIGURES = ("orders.open", "tickets.taken", "alerts.open", "reports.open")
SMALLEST_SEALED_COUNT = 5


@dataclass
class Snapshot:
    """Figures of an area and of the areas below it, after exactly the events up to `position`."""

    position: int
    area: str
    day: date
    at: datetime
    figures: dict[str, int] = field(default_factory=dict)
    children: dict[str, dict[str, int]] = field(default_factory=dict)

    def as_message(self) -> dict[str, Any]:
        return {
            "type": "snapshot",
            "position": self.position,
            "area": self.area,
            "day": self.day.isoformat(),
            "at": self.at.isoformat(),
            "figures": self.figures,
            "children": self.children,
        }


def snapshot(area_code: str, families: Iterable[str]) -> Snapshot:
    """Today's sums and the gauges of one area, with the journal position they belong to.

    One statement, hence one snapshot of the database: sums and position cannot disagree.
    Figures that are zero are absent. Sealed sums never appear.
    """
    at = clock.now()
    day, allowed = shanghai_day(at), frozenset(families)
    below = [child.code for child in children(area_code)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT position FROM journal_cursor WHERE name = %s), NULL, NULL, NULL"
            " UNION ALL SELECT NULL, area_code, figure, value FROM dashboards_summary"
            " WHERE day IN (%s, %s) AND value <> 0"
            " AND (area_code = %s OR (area_code = ANY(%s) AND figure = ANY(%s)))",
            [FOLD_CURSOR, day, GAUGE_DAY, area_code, below, list(MAP_FIGURES)],
        )
        rows = cursor.fetchall()
    seen = Snapshot(position=rows[0][0] or 0, area=area_code, day=day, at=at)
    seen.children = {code: {} for code in below}
    for _position, code, figure, value in rows[1:]:
        if figure.startswith(SEALED) or family_of(figure) not in allowed:
            continue
        (seen.figures if code == area_code else seen.children[code])[figure] = value
    return seen


def series(area_code: str, figures: Iterable[str], *, since: date, until: date) -> dict[str, dict[date, int]]:
    """Daily sums per figure, both days included; days without a sum are absent."""
    found: dict[str, dict[date, int]] = {figure: {} for figure in figures}
    rows = Summary.objects.filter(area_code=area_code, figure__in=list(found), day__range=(since, until))
    for figure, day, value in rows.values_list("figure", "day", "value"):
        found[figure][day] = value
    return found


def period_sums(area_code: str, *, since: date, until: date, prefix: str = "") -> dict[str, int]:
    """Sums over days, both included, of the figures whose names start with `prefix`."""
    rows = Summary.objects.filter(area_code=area_code, day__range=(since, until), figure__startswith=prefix)
    return dict(rows.order_by().values_list("figure").annotate(total=Sum("value")))


def sealed_count(area_code: str, day: date) -> int | None:
    """How many sealed tickets were taken, or None below five: fewer could point at a person."""
    row = Summary.objects.filter(area_code=area_code, day=day, figure=f"{SEALED}tickets").first()
    return row.value if row is not None and row.value >= SMALLEST_SEALED_COUNT else None


def category_ranking(area_code: str, *, day: date, most: int = 10) -> list[dict[str, Any]]:
    """The categories most asked about on a day, with yesterday's and last week's same day beside them."""
    before = {
        name: {
            row.figure: row.value
            for row in Summary.objects.filter(
                area_code=area_code, day=when, figure__startswith="tickets.cat."
            )
        }
        for name, when in (
            ("now", day),
            ("yesterday", day - timedelta(days=1)),
            ("week", day - timedelta(days=7)),
        )
    }
    order = sorted(before["now"].items(), key=lambda pair: (-pair[1], pair[0]))[:most]
    return [
        {
            "code": figure.rpartition(".")[2],
            "figure": figure,
            "n": n,
            "yesterday": before["yesterday"].get(figure, 0),
            "week": before["week"].get(figure, 0),
        }
        for figure, n in order
    ]
