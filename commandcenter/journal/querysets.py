"""Questions about what happened."""

from datetime import datetime
from typing import Any

from django.db import models

_HORIZON = "xid < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint"


class EventQuerySet(models.QuerySet[Any]):
    def between(self, after: int, upto: int) -> "EventQuerySet":
        """Positioned events after one position and up to another, in order."""
        return (
            self.filter(place__position__gt=after, place__position__lte=upto)
            .order_by("place__position")
            .annotate(position=models.F("place__position"))
        )

    def unfolded(self, folded: int) -> "EventQuerySet":
        """Every visible event that the summaries do not hold yet, positioned or not."""
        return self.filter(models.Q(place__isnull=True) | models.Q(place__position__gt=folded))


class FactQuerySet(models.QuerySet[Any]):
    def in_period(self, since: datetime, until: datetime) -> "FactQuerySet":
        return self.filter(happened_at__gte=since, happened_at__lt=until)


def settled(
    queryset: models.QuerySet[Any], *, last_xid: int, last_id: int, floor_id: int
) -> models.QuerySet[Any]:
    """Rows after a cursor whose transactions, and all older ones, have ended; in that order.

    Taken in one statement with its own snapshot: whatever is below the snapshot's oldest open
    transaction is visible in it, and nothing can appear below it later.
    """
    table = queryset.model._meta.db_table
    return (
        queryset.filter(id__gt=floor_id)
        .extra(
            where=[f"({table}.xid, {table}.id) > (%s, %s)", f"{table}.{_HORIZON}"],
            params=[last_xid, last_id],
        )
        .order_by("xid", "id")
    )
