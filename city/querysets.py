"""Questions about the city's own rows. Upper floors use `within_areas` for theirs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.models import UserManager
from django.db import models
from django.db.models import Q

from city.grants import areas_of, org_ids_of
from city.roles import Role
from city.states import GenerationState
from commandcenter.core import clock
from commandcenter.core.codes import ancestors, topmost

if TYPE_CHECKING:
    from city.models import User


def nothing() -> Q:
    return Q(pk__in=())


def within_areas(codes: Iterable[str], field: str = "area_code") -> Q:
    """Rows whose area is one of `codes` or lies under one; no codes, no rows.

    Codes are hierarchical digit strings, so "under" is a prefix and one index serves it.
    """
    chosen = nothing()
    for code in topmost(codes):
        chosen |= Q(**{f"{field}__startswith": code})
    return chosen


class GenerationQuerySet(models.QuerySet[Any]):
    def active(self) -> Self:
        return self.filter(state=GenerationState.ACTIVE)


class AreaQuerySet(models.QuerySet[Any]):
    def active(self) -> Self:
        return self.filter(generation__state=GenerationState.ACTIVE)

    def within(self, codes: Iterable[str]) -> Self:
        return self.filter(within_areas(codes, "code"))

    def with_polygon(self) -> Self:
        return self.filter(polygon__isnull=False)


class OrganisationQuerySet(models.QuerySet[Any]):
    def active(self) -> Self:
        return self.filter(active=True)

    def answering_for(self, area_code: str) -> Self:
        """Organisations of this area and of every area above it, nearest first by code length."""
        return self.active().filter(area_code__in=ancestors(area_code))

    def visible_to(self, user: User) -> Self:
        """Those of the areas in which the user holds any role, and his own organisation."""
        return self.filter(within_areas(areas_of(user)) | Q(pk__in=org_ids_of(user)))


class RoleGrantQuerySet(models.QuerySet[Any]):
    def active(self, at: datetime | None = None) -> Self:
        at = at or clock.now()
        return self.filter(since__lte=at).filter(Q(until__isnull=True) | Q(until__gt=at))


class DeputyQuerySet(models.QuerySet[Any]):
    def active(self, at: datetime | None = None) -> Self:
        at = at or clock.now()
        return self.filter(since__lte=at, until__gt=at)


class UserQuerySet(models.QuerySet[Any]):
    def holding(self, *roles: Role | str, at: datetime | None = None) -> Self:
        at = at or clock.now()
        open_ended = Q(grants__until__isnull=True) | Q(grants__until__gt=at)
        return self.filter(
            open_ended, is_active=True, grants__role__in=roles, grants__since__lte=at
        ).distinct()

    def visible_to(self, user: User) -> Self:
        """Staff whose own area or organisation lies within the asker's reach, and himself."""
        chosen = Q(pk=user.pk) | within_areas(areas_of(user)) | Q(organisation_id__in=org_ids_of(user))
        return self.filter(chosen)


class CityUserManager(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Django's user manager with our questions."""
