"""The panel behind a figure: value, definition, formula, as of, source, and the rows one may open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from city.querysets import within_areas
from commandcenter.core import clock
from commandcenter.core.templatetags.words import big_number, percent
from commandcenter.core.times import shanghai_day, start_of_day

from . import rows, selectors
from .catalogue import NO_SEALED, Passport
from .clocked import clocked_figures
from .policies import families_of

MOST_ROWS = 20


def passport_of(user: Any, passport: Passport, code: str) -> dict[str, Any]:
    """What the panel shows; the caller has checked that the user may see the area and the family."""
    families = families_of(user, code)
    seen = selectors.snapshot(code, families)
    at = clock.now()
    since = start_of_day(shanghai_day(at))
    found, total = _rows(user, passport, code, since=since, at=at, late=clocked_figures(code, families))
    shown = [_row(passport.rows, row) for row in found]
    definition = str(passport.definition)
    if passport.key.startswith("tickets."):
        definition += " " + str(NO_SEALED)
        if passport.key == "tickets.taken" and (sealed := selectors.sealed_count(code, seen.day)):
            definition += " " + _("Confidential ones today: %(n)s.") % {"n": sealed}
    return {
        "key": passport.key,
        "label": passport.label,
        "value": _value(passport, seen.figures, clocked_figures(code, families)),
        "unit": "" if passport.rate else passport.unit,
        "definition": definition,
        "formula": passport.formula,
        "as_of": seen.at,
        "source": passport.source,
        "rows": shown,
        "more": max(0, total - len(shown)),
    }


def _value(passport: Passport, figures: dict[str, int], clocked: dict[str, Any]) -> str:
    if passport.key == "data.late":
        return str(len(clocked.get("data.late", [])))
    if passport.key == "orders.overdue":
        return big_number(clocked.get("orders.overdue", 0))
    parts = [figures.get(part, 0) for part in passport.parts]
    if passport.rate:
        whole = sum(parts) if passport.key == "tickets.direct" else parts[1]
        return f"{percent(parts[0] / whole)} ({parts[0]:,} ÷ {whole:,})" if whole else _("none yet")
    return big_number(parts[0])


def _rows(
    user: Any, passport: Passport, code: str, *, since: datetime, at: datetime, late: dict[str, Any]
) -> tuple[list[Any], int]:
    """The newest rows behind the figure that this user may open, and how many there are."""
    if passport.rows == "dataset":
        found = rows.visible("dataset", user).late(at=at)  # type: ignore[attr-defined]
        return list(found[:MOST_ROWS]), found.count()
    if passport.rows == "delivery":
        found = rows.visible("delivery", user).filter(state="committed", finished_at__gte=since)
        found = found.filter(rows_rejected__gt=0) if passport.key == "data.rows_rejected" else found
        return list(found.select_related("dataset").order_by("-pk")[:MOST_ROWS]), found.count()
    found = rows.visible(passport.rows, user).filter(within_areas([code]), _which(passport, since))
    if passport.key == "orders.overdue":
        found = found.overdue(at=at)  # type: ignore[attr-defined]
    return list(found.distinct().order_by("-pk")[:MOST_ROWS]), _count(found)


def _count(found: QuerySet[Any]) -> int:
    """The exact number up to a thousand; beyond, nobody reads on."""
    return found.order_by()[:1_000].count()


def _which(passport: Passport, since: datetime) -> Q:
    """The condition on the rows of one figure."""
    key = passport.key
    if key.startswith("alerts.open"):
        open_ones = Q(trial=False, state__in=["raised", "verified", "dispatched"])
        level = key.rpartition(".")[2]
        return open_ones & Q(level=int(level)) if level.isdigit() else open_ones
    moved = Q(moves__at__gte=since)
    return {
        "tickets.taken": Q(sealed=False, source="live", taken_at__gte=since),
        "tickets.direct": Q(sealed=False, answered_at__gte=since, state="answered"),
        "tickets.dispatched": Q(sealed=False) & moved & Q(moves__action="dispatch"),
        "tickets.open": Q(
            sealed=False, state__in=["new", "awaiting_dispatch", "dispatched", "awaiting_callback"]
        ),
        "calls.satisfied": Q(sealed=False, called_back_at__gte=since, contacted=True),
        "calls.solved": Q(sealed=False, called_back_at__gte=since, contacted=True),
        "orders.signed_rate": Q(confidential=False)
        & moved
        & Q(moves__action="sign", moves__on_time__isnull=False),
        "orders.handled_rate": Q(confidential=False)
        & moved
        & Q(moves__action="handle", moves__on_time__isnull=False),
        "orders.open": Q(confidential=False, history=False)
        & Q(state__in=["dispatched", "signed", "handled", "return_review"]),
        "orders.overdue": Q(confidential=False, history=False),
        "orders.dispatched": Q(confidential=False, history=False, dispatched_at__gte=since),
        "orders.closed": Q(confidential=False, history=False, closed_at__gte=since),
        "alerts.raised": Q(trial=False, raised_at__gte=since),
        "reports.made": Q(kind__confidential=False, reported_at__gte=since),
    }[key]


def _row(kind: str, row: Any) -> dict[str, Any]:
    title, at = {
        "ticket": lambda: (f"{row.number} {row.title}", row.taken_at),
        "order": lambda: (f"{row.number} {row.title}", row.dispatched_at),
        "alert": lambda: (row.title, row.raised_at),
        "report": lambda: (f"{row.number} {row.title}", row.reported_at),
        "delivery": lambda: (
            _("%(name)s: %(n)s rows") % {"name": row.dataset.name, "n": f"{row.rows_committed:,}"},
            row.finished_at,
        ),
        "dataset": lambda: (row.name, row.fresh_at),
    }[kind]()
    return {"title": title, "at": at, "url": rows.page_of(kind, row)}
