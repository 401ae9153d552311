"""Shaped reads: what became of a batch, how keys and subscriptions are used."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.db.models.functions import TruncHour

from datahub.models import DeliveryBlob, Reject
from datahub.states import OPEN, DeliveryState

from .models import PushKey, PushUse, SubscriptionUse
from .states import BatchState

MAX_REJECTS = 20
HOURS = 24


def senders_of(org_code: str) -> list[str]:
    """Whoever changes his key still asks for what came with the old one."""
    return [f"push:{pk}" for pk in PushKey.objects.filter(org_code=org_code).values_list("pk", flat=True)]


def batch(*, dataset_id: int, batch_id: int, org_code: str) -> dict[str, Any] | None:
    """What became of a batch of this organisation; None when there is none (or no longer)."""
    found = (
        DeliveryBlob.objects.filter(pk=batch_id, dataset_id=dataset_id, sender__in=senders_of(org_code))
        .select_related("delivery", "dataset")
        .defer("body")
        .first()
    )
    if found is None:
        return None
    answer: dict[str, Any] = {
        "dataset": found.dataset.code,
        "batch": found.pk,
        "rows": found.rows,
        "received_at": found.received_at,
        "state": BatchState.WAITING,
        "delivery": None,
        "rows_committed": None,
        "rows_rejected": None,
        "reason": "",
        "rejects": [],
    }
    delivery = found.delivery
    if delivery is None:
        return answer
    answer |= {"delivery": delivery.pk, "state": BatchState.FOLDING}
    if delivery.state in OPEN or found.first_row is None:
        return answer
    rejects = Reject.objects.filter(
        delivery=delivery, row_number__gte=found.first_row, row_number__lt=found.first_row + found.rows
    )
    if delivery.state == DeliveryState.COMMITTED:
        rejected = rejects.count()
        answer["state"] = BatchState.FOLDED
    else:
        rejected = found.rows
        answer |= {"state": BatchState.REFUSED, "reason": delivery.reason}
    shown = rejects.order_by("row_number")[:MAX_REJECTS]
    return answer | {
        "rows_committed": found.rows - rejected,
        "rows_rejected": rejected,
        "rejects": [
            {"row": one.row_number - found.first_row + 1, "field": one.column, "reason": one.reason}
            for one in shown
        ],
    }


def is_live(key: PushKey, at: datetime) -> bool:
    return key.stopped_at is None and (key.until is None or key.until > at)


def key_uses(keys: list[PushKey], *, at: datetime) -> dict[int, dict[str, Any]]:
    """Rows, batches and refusals of the last 24 hours, by hour, and when the key was last used."""
    since = (at - timedelta(hours=HOURS - 1)).replace(minute=0, second=0, microsecond=0)
    empty = {"rows": 0, "batches": 0, "refused": 0, "last": None}
    found: dict[int, dict[str, Any]] = {key.pk: {**empty, "hours": [0] * HOURS} for key in keys}
    rows = (
        PushUse.objects.filter(key__in=keys, minute__gte=since)
        .annotate(hour=TruncHour("minute"))
        .order_by()
        .values_list("key_id", "hour")
        .annotate(rows=Sum("rows"), batches=Sum("batches"), refused=Sum("refused"))
    )
    for key_id, hour, n, batches, refused in rows:
        use = found[key_id]
        place = min(max(int((hour - since).total_seconds() // 3600), 0), HOURS - 1)
        use["hours"][place] += n
        use["rows"] += n
        use["batches"] += batches
        use["refused"] += refused
    for key_id, last in (
        PushUse.objects.filter(key__in=keys)
        .order_by("key_id", "-minute")
        .distinct("key_id")
        .values_list("key_id", "minute")
    ):
        found[key_id]["last"] = last
    return found


def link_uses(ids: list[int], *, at: datetime) -> dict[int, dict[str, Any]]:
    """Messages by hour of the last 24, and of the last five whole minutes, by subscription."""
    since = (at - timedelta(hours=HOURS - 1)).replace(minute=0, second=0, microsecond=0)
    minute = at.replace(second=0, microsecond=0)
    found: dict[int, dict[str, Any]] = {pk: {"hours": [0] * HOURS, "day": 0, "recent": 0} for pk in ids}
    for use in SubscriptionUse.objects.filter(subscription__in=ids, minute__gte=since):
        one = found[use.subscription_id]
        place = min(max(int((use.minute - since).total_seconds() // 3600), 0), HOURS - 1)
        one["hours"][place] += use.messages
        one["day"] += use.messages
        if minute - timedelta(minutes=5) <= use.minute < minute:
            one["recent"] += use.messages
    for one in found.values():
        one["a_minute"] = round(one["recent"] / 5, 1)
    return found
