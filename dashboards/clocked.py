"""Figures that change because time passes, not because something happens: overdue, late, blind.

They cannot be sums of events, so each screen's tick asks for them; one answer serves all screens of an
area for a few seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.core.cache import cache

from city.querysets import within_areas
from commandcenter.core import clock
from commandcenter.core.codes import level_of

FRESH_S = 10


def clocked_figures(area_code: str, families: Iterable[str]) -> dict[str, Any]:
    """Overdue orders and late sources of an area; only of the families that may be sent."""
    allowed = frozenset(families)
    key = f"clocked:{area_code}:{'-'.join(sorted(allowed))}"
    known = cache.get(key)
    if known is None:
        known = _count(area_code, allowed)
        cache.set(key, known, FRESH_S)
    return known


def _count(area_code: str, allowed: frozenset[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "orders" in allowed:
        orders = apps.get_model("dispatch", "Order").objects.filter(
            within_areas([area_code]), confidential=False, history=False
        )
        found["orders.overdue"] = orders.overdue(at=clock.now()).count()
    if "data" in allowed and level_of(area_code) == "city":  # sources are watched over for the whole city
        found["data.late"] = late_sources()
    return found


def late_sources() -> list[str]:
    """Names of the datasets whose next delivery is overdue."""
    from datahub.selectors import late_datasets

    return [dataset.name for dataset in late_datasets()]
