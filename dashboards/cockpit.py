"""What the cockpit asks for beside its live figures: names, series, scores, lists. All cut to rights."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from city.querysets import within_areas
from city.selectors import AreaInfo, area, area_name, area_path, children, organisations_in, watch_groups
from commandcenter.core import clock
from commandcenter.core.codes import ancestors, within
from commandcenter.core.templatetags.words import duration_words
from commandcenter.core.times import shanghai_day
from commandcenter.journal.models import Event
from dispatch.selectors import unit_scores

from . import rows, selectors
from .policies import families_of, may_see_area
from .words import line

DAYS = 30
EVENTS = 40
EVENTS_LOOKED_THROUGH = 20_000  # a quiet village must not make us read the whole journal
BEST_AND_WORST = 3
SCORES_FRESH_S = 60
OPEN_ALERTS = ("raised", "verified", "dispatched")


def cockpit_data(user: Any, code: str) -> dict[str, Any]:
    """Everything for one area; the caller has checked that the user may see it."""
    here, at = area(code), clock.now()
    assert here is not None
    day, families = shanghai_day(at), families_of(user, code)
    below = children(code)
    alerts = open_alerts(user, code) if "alerts" in families else []
    return {
        "area": area_row(here),
        "path": [{**area_row(step), "open": may_see_area(user, step.code)} for step in area_path(code)],
        "children": [area_row(child) for child in below],
        "drill": here.level in ("city", "county", "town"),
        "demo_boundaries": any(child.is_demo_boundary for child in [here, *below]),
        "has_map": any(child.has_polygon for child in [here, *below]),
        "trend": trend(code, day)
        if "tickets" in families
        else {"days": [], "taken": [], "closed": [], "last_year": []},
        "categories": categories(code, day) if "tickets" in families else [],
        "category_names": category_names() if "tickets" in families else {},
        "units": ranking(code) if "orders" in families else None,
        "alerts": alerts,
        "events": latest_events(user, code),
        "at": at.isoformat(),
    }


def area_row(info: AreaInfo) -> dict[str, Any]:
    return {"code": info.code, "name": info.name, "short": info.short_name, "level": info.level}


def trend(code: str, day: date) -> dict[str, Any]:
    """Thirty days of requests taken and closed; last year's same days where they were counted."""
    days = [day - timedelta(days=n) for n in range(DAYS - 1, -1, -1)]
    year = timedelta(days=364)  # the same weekday
    names = ["tickets.taken", "tickets.closed", "tickets.answered"]
    now = selectors.series(code, names, since=days[0], until=days[-1])
    before = selectors.series(code, names[:1], since=days[0] - year, until=days[-1] - year)["tickets.taken"]
    done = [now["tickets.closed"].get(d, 0) + now["tickets.answered"].get(d, 0) for d in days]
    return {
        "days": [d.isoformat() for d in days],
        "taken": [now["tickets.taken"].get(d, 0) for d in days],
        "closed": done,
        "last_year": [before.get(d - year) for d in days] if before else [None] * DAYS,
    }


def category_names() -> dict[str, str]:
    """Names of the categories of the first level."""
    return dict(rows.categories().values_list("code", "name"))


def categories(code: str, day: date) -> list[dict[str, Any]]:
    names = category_names()
    found = selectors.category_ranking(code, day=day, most=20)
    return [{**row, "name": names.get(row["code"], row["code"])} for row in found]


def ranking(code: str) -> dict[str, Any] | None:
    """Best and worst units of an area this month; those below the minimum sample are counted, not ranked."""
    key = f"ranking:{code}:{get_language()}"
    known = cache.get(key)
    if known is None:
        known = _ranking(code)
        cache.set(key, known, SCORES_FRESH_S)
    return known


def _ranking(code: str) -> dict[str, Any]:
    at = clock.now()
    period = f"{shanghai_day(at):%Y-%m}"
    units = {org.code: org for org in organisations_in([code]) if org.kind != "command_centre"}
    scored = unit_scores(list(units), period, at) if units else []
    ranked = [unit for unit in scored if unit.total is not None]
    shown = [
        {
            "code": unit.org_code,
            "name": units[unit.org_code].short_name or units[unit.org_code].name,
            "score": round(unit.total or 0, 1),
            "sample": unit.sample,
            "place": place,
        }
        for place, unit in enumerate(ranked, start=1)
    ]
    best = shown[:BEST_AND_WORST]
    worst = shown[max(BEST_AND_WORST, len(shown) - BEST_AND_WORST) :]
    minimum = min((score.item.min_sample for unit in scored for score in unit.items), default=0)
    return {
        "best": best,
        "worst": worst,
        "left_out": len(scored) - len(ranked),
        "minimum": minimum,
        "period": period,
    }


def open_alerts(user: Any, code: str) -> list[dict[str, Any]]:
    """Open alerts of an area, gravest first, newest first; without those of trials."""
    at = clock.now()
    found = (
        rows.visible("alert", user)
        .filter(within_areas([code]), trial=False, state__in=OPEN_ALERTS)
        .order_by("level", "-raised_at")[:300]
    )
    names = {1: _("Level 1"), 2: _("Level 2"), 3: _("Level 3"), 4: _("Level 4")}
    return [
        {
            "id": alert.pk,
            "ref": f"alerts.alert:{alert.pk}",
            "href": rows.page_of("alert", alert),
            "title": alert.title,
            "where": area_name(alert.area_code),
            "level": alert.level,
            "level_name": names[alert.level],
            "at": alert.raised_at.isoformat(),
            "since": duration_words((at - alert.raised_at).total_seconds()),
            "point": [round(alert.location.x, 5), round(alert.location.y, 5)] if alert.location else None,
        }
        for alert in found
    ]


def latest_events(user: Any, code: str, most: int = EVENTS) -> list[dict[str, Any]]:
    """The newest events of an area that this user may hear, as lines, newest first."""
    heard = Q(pk__in=())
    for top, audience in watch_groups(user):
        if within(code, top):
            heard |= Q(audiences__contains=[audience])
        elif within(top, code):
            heard |= Q(area_code__startswith=top, audiences__contains=[audience])
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    found = (
        Event.objects.filter(heard, area_code__startswith=code, pk__gt=newest - EVENTS_LOOKED_THROUGH)
        .filter(place__isnull=False)
        .select_related("place")
        .order_by("-place__position")[: 2 * most]
    )
    shown = []
    for event in found:
        words = line(event.kind, event.body)
        if words is not None:
            shown.append(
                {"position": event.place.position, "at": event.at.isoformat(), "line": words.as_dict()}
            )
    return shown[:most]


def city_name(code: str) -> str:
    """The short name of the city an area belongs to, for the title."""
    city = area(ancestors(code)[0]) if code else None
    return (city.short_name or city.name).removesuffix("市") if city else ""
