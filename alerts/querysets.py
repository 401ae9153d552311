"""Questions about detectors and alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from city.grants import areas_of, org_ids_of
from city.querysets import within_areas
from city.roles import Role

from .states import OPEN, WATCHING

if TYPE_CHECKING:
    from city.models import User

    from .models import Alert, Detector  # noqa: F401 (the generics below name them as strings)


class DetectorQuerySet(models.QuerySet["Detector"]):
    def watching(self, dataset_code: str | None = None) -> Self:
        """Detectors that look at rows, in trial or live."""
        rows = self.filter(state__in=WATCHING)
        return rows if dataset_code is None else rows.filter(dataset_code=dataset_code)

    def visible_to(self, user: User) -> Self:
        """Analysts and supervisors work with detectors; nobody else needs their insides."""
        return self if areas_of(user, Role.ANALYST, Role.SUPERVISOR) else self.none()


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def live(self) -> Self:
        return self.filter(trial=False)

    def trial(self) -> Self:
        return self.filter(trial=True)

    def visible_to(self, user: User) -> Self:
        """Analysts: all of their areas, trials too. Command, leaders: real ones of their areas.

        An officer sees the alerts that were sent to his own organisations.
        """
        mine = within_areas(areas_of(user, Role.ANALYST))
        command = within_areas(areas_of(user, Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR))
        orgs = Q(receiver_id__in=org_ids_of(user, Role.OFFICER))
        return self.filter(mine | (Q(trial=False) & (command | orgs)))
