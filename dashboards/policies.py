"""Who may look at which area's figures."""

from __future__ import annotations

from typing import Any

from city.selectors import area, areas_of, roots, watch_groups
from commandcenter.core.codes import within

from .figures import FAMILIES, families_for

COCKPIT_ROLES = ("leader", "supervisor", "dispatcher", "analyst")


def may_open_cockpit(user: Any) -> bool:
    return bool(user.is_authenticated) and user.has_role(*COCKPIT_ROLES)


def cockpit_areas(user: Any) -> list[str]:
    """The topmost areas whose cockpit this person may see."""
    return areas_of(user, *COCKPIT_ROLES)


def may_see_area(user: Any, code: str) -> bool:
    """An area at or under one of the person's own, and known to the active generation."""
    return any(within(code, top) for top in cockpit_areas(user)) and area(code) is not None


def families_of(user: Any, code: str) -> frozenset[str]:
    """The families of figures this person may see for an area."""
    return families_for(audience for top, audience in watch_groups(user) if within(code, top))


def home_area(user: Any) -> str:
    """The first area this person's cockpit opens with."""
    tops = cockpit_areas(user) or roots()
    return tops[0] if tops else ""


ALL_FAMILIES = frozenset(FAMILIES)
