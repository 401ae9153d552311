"""Which incidents and correction requests, and who may see them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from city.querysets import within_areas
from city.roles import Role
from city.selectors import areas_of
from datahub.sharing.querysets import officer_orgs

from .states import ALIVE, RUNNING, WAITING

if TYPE_CHECKING:
    from .models import CorrectionRequest, Incident  # noqa: F401  named in the strings below


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, user: Any) -> Self:
        """The stewards of its area, and the officers of the organisation that owns it. Nobody else."""
        if not user.is_authenticated:
            return self.none()
        seen = Q(pk__in=())
        tops = areas_of(user, Role.STEWARD)
        if tops:
            seen |= Q(area_code="") | within_areas(tops, "area_code")
        orgs = officer_orgs(user)
        if orgs:
            seen |= Q(org_code__in=orgs)
        return self.filter(seen)

    def alive(self) -> Self:
        return self.filter(state__in=ALIVE)

    def overdue(self, *, at: datetime) -> Self:
        return self.filter(state__in=RUNNING, due_at__lt=at)


class CorrectionQuerySet(models.QuerySet["CorrectionRequest"]):
    def visible_to(self, user: Any) -> Self:
        """Who asked, the owner, and the stewards of the area."""
        if not user.is_authenticated:
            return self.none()
        seen = Q(asked_by=user)
        tops = areas_of(user, Role.STEWARD)
        if tops:
            seen |= Q(dataset__area_code="") | within_areas(tops, "dataset__area_code")
        orgs = officer_orgs(user)
        if orgs:
            seen |= Q(requester_org__in=orgs) | Q(dataset__provider__in=orgs)
        return self.filter(seen)

    def waiting(self) -> Self:
        return self.filter(state__in=WAITING)

    def overdue(self, *, at: datetime) -> Self:
        return self.waiting().filter(due_at__lt=at)
