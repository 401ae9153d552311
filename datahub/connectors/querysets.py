"""Which sources there are for whom, and which are due."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from datahub.querysets import reach

if TYPE_CHECKING:
    from .models import Source  # noqa: F401 (the generic below names it as a string)


class SourceQuerySet(models.QuerySet["Source"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(reach(user, "dataset__area_code"))

    def due(self, *, at: datetime) -> Self:
        """Their time has come and nobody runs them, or whoever did is gone."""
        return self.filter(ready=True, paused=False, next_run_at__lte=at).filter(
            Q(lease="") | Q(lease_until__lt=at)
        )
