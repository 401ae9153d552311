"""Questions about reports and kinds of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.contrib.gis.db import models
from django.db.models import Q

from city.grants import areas_of, org_ids_of
from city.querysets import within_areas
from city.roles import Role

from .states import OPEN

if TYPE_CHECKING:
    from city.models import User


class EventKindQuerySet(models.QuerySet[Any]):
    def active(self) -> Self:
        return self.filter(active=True)

    def common(self) -> Self:
        """What a phone shows first, in its order."""
        return self.active().filter(common__gt=0).order_by("common")


class ReportQuerySet(models.QuerySet[Any]):
    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def visible_to(self, user: User) -> Self:
        """One's own; the command's of its areas; leaders' without confidential ones; the unit's in charge."""
        command = within_areas(areas_of(user, Role.DISPATCHER))
        leaders = within_areas(areas_of(user, Role.LEADER, Role.SUPERVISOR)) & Q(kind__confidential=False)
        orgs = Q(org_id__in=org_ids_of(user, Role.OFFICER))
        return self.filter(Q(reporter_id=user.pk) | command | leaders | orgs)
