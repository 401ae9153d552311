"""Shaped reads of the city for the upper floors.

The active generation does not change while it is active, so its areas are kept in
the process; a switch to another generation is noticed within AREAS_FRESH_SECONDS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q

from city.functions import Function
from city.grants import Grant, areas_of, forget_grants, grants_of, has_role, org_ids_of
from city.models import Area, AreaLineage, Generation, Organisation, User
from city.querysets import OrganisationQuerySet, within_areas
from city.roles import AUDIENCES, Role
from city.states import Level, OrganisationKind
from commandcenter.core.codes import ancestors, topmost

__all__ = [
    "AreaInfo",
    "Grant",
    "active_generation",
    "area",
    "area_name",
    "area_path",
    "area_path_name",
    "areas_at",
    "areas_of",
    "children",
    "current_code",
    "demo_logins",
    "descendants",
    "forget_areas",
    "forget_grants",
    "function_name",
    "grants_of",
    "has_role",
    "org_ids_of",
    "organisation",
    "organisations_in",
    "responsible_org",
    "responsible_orgs",
    "roots",
    "topmost",
    "user_with_role",
    "watch_groups",
]

AREAS_FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class AreaInfo:
    code: str
    name: str
    short_name: str
    level: str
    parent_code: str
    has_polygon: bool
    is_demo_boundary: bool

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class _Known:
    generation_id: int | None = None
    checked: float = float("-inf")
    areas: dict[str, AreaInfo] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)


_known = _Known()
_lock = threading.Lock()


def active_generation() -> Generation | None:
    return Generation.objects.active().first()


def active_generation_id() -> int | None:
    return _areas().generation_id


def forget_areas() -> None:
    """Read the areas again at the next question; for the process that changed them, and for tests."""
    global _known
    with _lock:
        _known = _Known()


def _areas() -> _Known:
    global _known
    known = _known
    if time.monotonic() - known.checked < AREAS_FRESH_SECONDS:
        return known
    active = Generation.objects.active().values_list("pk", flat=True).first()
    with _lock:
        if active == known.generation_id and known.checked > 0:
            known.checked = time.monotonic()
            return known
        fresh = _Known(generation_id=active, checked=time.monotonic())
        if active is not None:
            bare = ExpressionWrapper(Q(polygon__isnull=True), output_field=BooleanField())
            rows = (
                Area.objects.filter(generation_id=active)
                .annotate(bare=bare)
                .order_by("code")
                .values_list("code", "name", "short_name", "level", "parent_code", "bare", "is_demo_boundary")
            )
            for code, name, short_name, level, parent_code, no_polygon, demo in rows:
                fresh.areas[code] = AreaInfo(code, name, short_name, level, parent_code, not no_polygon, demo)
                fresh.children.setdefault(parent_code, []).append(code)
        _known = fresh
        return fresh


def area(code: str) -> AreaInfo | None:
    return _areas().areas.get(code)


def area_name(code: str) -> str:
    """The area's name, or its code when the active generation does not hold it."""
    found = _areas().areas.get(code)
    return found.name if found else code


def area_path(code: str) -> list[AreaInfo]:
    """From the city down to the area itself."""
    known = _areas().areas
    return [known[upper] for upper in ancestors(code) if upper in known] if code else []


def area_path_name(code: str) -> str:
    """南通市 › 崇川区 › …"""
    return " › ".join(step.name for step in area_path(code)) or code


def children(code: str) -> list[AreaInfo]:
    known = _areas()
    return [known.areas[child] for child in known.children.get(code, ())]


def descendants(code: str, level: str | None = None) -> list[AreaInfo]:
    """Areas under `code`, itself left out, in order of code."""
    return [
        found
        for found in _areas().areas.values()
        if found.code != code and found.code.startswith(code) and (level is None or found.level == level)
    ]


def areas_at(level: str) -> list[AreaInfo]:
    return [found for found in _areas().areas.values() if found.level == level]


def roots() -> list[str]:
    """Codes of the cities; one, as a rule."""
    return list(_areas().children.get("", ()))


def current_code(old_code: str) -> str:
    """Follow lineage from a code of an earlier generation to the one in force; itself when unchanged."""
    code = old_code
    for _step in range(8):
        if area(code) is not None:
            return code
        after = AreaLineage.objects.filter(old_code=code).order_by("-generation__number").first()
        if after is None:
            return old_code
        code = after.new_code
    return old_code


def organisation(code: str) -> Organisation | None:
    return Organisation.objects.filter(code=code).first()


def organisations() -> OrganisationQuerySet:
    """All of them, for the caller to narrow: choices of a form, one by its id."""
    return Organisation.objects.all()


def organisations_in(area_codes: Iterable[str]) -> list[Organisation]:
    return list(Organisation.objects.active().filter(within_areas(area_codes)))


def responsible_orgs(area_code: str, function: Function | str) -> list[Organisation]:
    """Those that answer for this matter here, nearest area first; public offices before enterprises."""
    found = Organisation.objects.answering_for(area_code).filter(function=function)
    return sorted(
        found, key=lambda org: (-len(org.area_code), org.kind == OrganisationKind.ENTERPRISE, org.code)
    )


def responsible_org(area_code: str, function: Function | str) -> Organisation | None:
    """The organisation of the nearest area, upwards, that answers for this matter."""
    found = responsible_orgs(area_code, function)
    return found[0] if found else None


def function_name(function: str) -> str:
    return str(Function(function).label) if function in Function.values else function


def user_with_role(
    role: Role | str, *, org_id: int | None = None, area_code: str | None = None
) -> User | None:
    """Any active holder of a role, as the first of its list; for automatic steps and the demo."""
    found = User.objects.holding(role)
    if org_id is not None:
        found = found.filter(grants__organisation_id=org_id, grants__role=role)
    if area_code is not None:
        found = found.filter(grants__area_code=area_code, grants__role=role)
    return found.order_by("pk").first()


def watch_groups(user: User) -> frozenset[tuple[str, str]]:
    """(area node, audience) pairs that the user's sockets may join.

    A role listens in the area of its grant. An organisation's and a person's own
    audiences are exact already, so they are joined at the top: an order that was
    placed only as "somewhere in the city" still reaches its officer.
    """
    grants = grants_of(user)
    if not grants:
        return frozenset()
    groups = {(grant.area_code, AUDIENCES[grant.role]) for grant in grants if grant.role in AUDIENCES}
    tops = roots() or topmost(grant.area_code[:4] for grant in grants)
    for top in tops:
        groups.add((top, f"user:{user.pk}"))
        groups.update(
            (top, f"org:{grant.org_code}")
            for grant in grants
            if grant.role == Role.OFFICER and grant.org_code
        )
    # A node under another one with the same audience would deliver the same event twice.
    return frozenset(
        (code, audience)
        for code, audience in groups
        if not any(other != code and code.startswith(other) and audience == heard for other, heard in groups)
    )


DEMO_USERNAMES = (
    "operator",
    "dispatcher",
    "officer",
    "officer_rudong",
    "officer_police",
    "officer_education",
    "grid",
    "analyst",
    "steward",
    "leader",
    "supervisor",
    "sysadmin",
    "secadmin",
    "auditor",
)


def demo_logins() -> list[dict[str, str]]:
    """Who may be tried on the login page; empty unless this is a demo."""
    if not getattr(settings, "DEMO", False):
        return []
    people = User.objects.filter(username__in=DEMO_USERNAMES, is_active=True).select_related("organisation")
    people = people.prefetch_related("grants")
    order = {username: n for n, username in enumerate(DEMO_USERNAMES)}
    rows = []
    for person in sorted(people, key=lambda one: order[one.username]):
        roles = [str(grant.get_role_display()) for grant in person.grants.all() if grant.until is None]
        rows.append(
            {
                "username": person.username,
                "name": person.display_name,
                "role": roles[0] if roles else "",
                "place": person.organisation.short_name
                if person.organisation
                else area_name(person.area_code),
            }
        )
    return rows


LEVELS = tuple(Level.values)
