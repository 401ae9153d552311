"""Questions about devices and faults, cut to what a person may see."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from city.querysets import within_areas
from city.roles import Role
from city.selectors import areas_of
from datahub.sharing.querysets import officer_orgs

from .states import IN_DUTY, STANDING, WAITING, DeviceState

if TYPE_CHECKING:
    from .models import Device, Fault, Maintenance  # noqa: F401  named in the strings below

AREA_ROLES = (Role.STEWARD, Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR)


def seen_by(user: Any) -> Q | None:
    """Stewards, dispatchers and leaders: by area; officers: their organisation's. None: nothing at all."""
    if not user.is_authenticated:
        return None
    tops, orgs = areas_of(user, *AREA_ROLES), officer_orgs(user)
    if not tops and not orgs:
        return None
    seen = within_areas(tops) if tops else Q(pk__in=())
    return seen | Q(owner_code__in=sorted(orgs)) if orgs else seen


class DeviceQuerySet(models.QuerySet["Device"]):
    def visible_to(self, user: Any) -> Self:
        seen = seen_by(user)
        return self.none() if seen is None else self.filter(seen)

    def in_duty(self) -> Self:
        return self.filter(state__in=IN_DUTY)

    def listed(self) -> Self:
        """All but what is gone for good."""
        return self.exclude(state=DeviceState.RETIRED)


class FaultQuerySet(models.QuerySet["Fault"]):
    def visible_to(self, user: Any) -> Self:
        seen = seen_by(user)
        return self.none() if seen is None else self.filter(seen)

    def waiting(self) -> Self:
        return self.filter(state__in=WAITING)

    def standing(self) -> Self:
        return self.filter(state__in=STANDING)

    def overdue(self, *, at: datetime) -> Self:
        return self.waiting().filter(due_at__lt=at)


class MaintenanceQuerySet(models.QuerySet["Maintenance"]):
    def visible_to(self, user: Any) -> Self:
        seen = seen_by(user)
        return self.none() if seen is None else self.filter(seen)

    def running(self, *, at: datetime) -> Self:
        return self.filter(starts_at__lte=at, ends_at__gt=at, cancelled_at=None)
