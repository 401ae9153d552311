"""What a person may do, where, and for whom: his own grants and those he stands in for.

Works through related managers only, so that querysets and models can ask too.
Read once per user object; a request has one, a socket renews its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from city.roles import ADMIN_ROLES, Role
from commandcenter.core import clock
from commandcenter.core.codes import topmost


@dataclass(frozen=True, slots=True)
class Grant:
    role: str
    org_code: str
    org_id: int | None
    area_code: str
    for_user: int | None = None  # the absent person, when held as a deputy


def grants_of(user: Any) -> tuple[Grant, ...]:
    """The grants in force now, with those of the people this one deputises for.

    Administrators neither deputise nor are deputised for: their roles exclude all others.
    """
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return ()
    known: tuple[Grant, ...] | None = getattr(user, "_grants", None)
    if known is not None:
        return known
    at = clock.now()
    own = [
        Grant(
            role=row.role,
            org_code=row.organisation.code if row.organisation else "",
            org_id=row.organisation_id,
            area_code=row.area_code,
        )
        for row in user.grants.active(at).select_related("organisation").order_by("pk")
    ]
    if not any(grant.role in ADMIN_ROLES for grant in own):
        for stand_in in user.deputising.active(at).filter(absent__is_active=True).select_related("absent"):
            rows = stand_in.absent.grants.active(at).exclude(role__in=ADMIN_ROLES)
            own += [
                Grant(
                    role=row.role,
                    org_code=row.organisation.code if row.organisation else "",
                    org_id=row.organisation_id,
                    area_code=row.area_code,
                    for_user=stand_in.absent_id,
                )
                for row in rows.select_related("organisation").order_by("pk")
            ]
    found = tuple(own)
    user._grants = found
    return found


def forget_grants(user: Any) -> None:
    if hasattr(user, "_grants"):
        del user._grants


def has_role(user: Any, *roles: Role | str) -> bool:
    return any(grant.role in roles for grant in grants_of(user))


def areas_of(user: Any, *roles: Role | str) -> list[str]:
    """Topmost area codes in which the user holds one of the roles; any role when none is named."""
    return topmost(grant.area_code for grant in grants_of(user) if not roles or grant.role in roles)


def org_ids_of(user: Any, *roles: Role | str) -> set[int]:
    """The organisations for which the user holds one of the roles; any role when none is named."""
    return {
        grant.org_id
        for grant in grants_of(user)
        if grant.org_id is not None and (not roles or grant.role in roles)
    }
