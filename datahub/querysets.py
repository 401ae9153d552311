"""Questions about deliveries and datasets."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import BigIntegerField, Count, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from city.querysets import within_areas
from city.roles import Role
from city.selectors import areas_of

from .states import FRESH, OPEN, DatasetStatus, DeliveryState

if TYPE_CHECKING:
    from .models import Dataset, Delivery  # noqa: F401 (the generics below name them as strings)

READERS = (Role.STEWARD, Role.ANALYST, Role.LEADER, Role.SUPERVISOR)


def reach(user: Any, field: str) -> Q:
    """Datasets of the whole city, which have no area, and those of the reader's areas."""
    if not user.is_authenticated or not user.has_role(*READERS):
        return Q(pk__in=())
    return Q(**{field: ""}) | within_areas(areas_of(user, *READERS), field)


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(reach(user, "area_code"))

    def published(self) -> Self:
        return self.filter(status=DatasetStatus.PUBLISHED)

    def with_today(self, *, since: datetime) -> Self:
        """Rows and failures since a moment, counted from its deliveries alone."""
        delivery = apps.get_model("datahub", "Delivery")  # models stand above querysets
        recent = delivery.objects.filter(dataset=OuterRef("pk"), received_at__gte=since).order_by()

        def total(of: Any) -> Coalesce:
            counted = recent.values("dataset").annotate(total=of).values("total")
            return Coalesce(Subquery(counted, output_field=BigIntegerField()), 0)

        return self.annotate(
            rows_today=total(Sum("rows_committed")),
            rejected_today=total(Sum("rows_rejected")),
            refused_today=total(Count("pk", filter=Q(state=DeliveryState.REFUSED))),
        )

    def late(self, *, at: datetime) -> Self:
        """Sources that were heard once and now not for longer than twice their cycle.

        One that is declared and not connected yet is no late source: nobody promised it for today.
        """
        return self.published().filter(update_cycle__isnull=False, fresh_at__lt=at - F("update_cycle") * 2)

    def silent(self, *, at: datetime) -> Self:
        """Late, or never heard at all: whoever reads them sees nothing."""
        return (
            self.published()
            .filter(update_cycle__isnull=False)
            .filter(Q(fresh_at__isnull=True) | Q(fresh_at__lt=at - F("update_cycle") * 2))
        )


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(reach(user, "dataset__area_code"))

    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def untapped(self) -> Self:
        return self.filter(state=DeliveryState.COMMITTED, tapped_at__isnull=True)

    def unfinished(self) -> Self:
        """Something is still to be done: the delivery itself or what follows its commit."""
        return self.filter(Q(state__in=OPEN) | Q(state=DeliveryState.COMMITTED, tapped_at__isnull=True))

    def proving_life(self) -> Self:
        return self.filter(state__in=FRESH)

    def same_identity(self, *, dataset_id: int, period: str, digest: str) -> Self:
        return self.filter(dataset_id=dataset_id, period=period, digest=digest).exclude(
            state=DeliveryState.REFUSED
        )
