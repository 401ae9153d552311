"""Questions about what happened."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from .models import Event, Fact  # noqa: F401 (the generics below name them as strings)

# The oldest transaction still open in this database. A snapshot names the open ones of the whole cluster;
# one that is known to work in another database (it holds its own id as a lock) cannot write here, so its
# length does not hold us up. Whatever cannot be told apart counts as ours.
_HORIZON = """xid < (SELECT COALESCE(
    (SELECT min((open.id::text)::bigint) FROM pg_snapshot_xip(now.snapshot) AS open(id) WHERE NOT EXISTS (
        SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'transactionid' AND l.granted AND l.mode = 'ExclusiveLock'
          AND l.transactionid = open.id::xid AND a.datname <> current_database())),
    (pg_snapshot_xmax(now.snapshot)::text)::bigint)
    FROM (SELECT pg_current_snapshot() AS snapshot OFFSET 0) AS now)"""


class EventQuerySet(models.QuerySet["Event"]):
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


class FactQuerySet(models.QuerySet["Fact"]):
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
