"""Messages of a subscription become one batch: rows, repeats and unusable ones, all in one transaction.

Only after it has committed may a message be acknowledged to the broker.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from commandcenter.core.masking import mask_text
from datahub.checks.guard import is_guarded
from datahub.selectors import spec_for
from datahub.services.blobs import push_rows
from datahub.states import DatasetStatus

from ..mapping import Unusable, rows_of
from ..models import MessageReject, Subscription
from ..repeats import Arrived, by_content, fresh
from ..states import BadMessage

SAMPLE = 120
KEEP_REJECTS = 1_000


class NotOpen(Exception):
    """The dataset takes nothing in now; the messages stay with the broker."""


@dataclass(frozen=True)
class Kept:
    messages: int
    rows: int
    repeats: int
    rejected: int
    first_fault: str = ""


@transaction.atomic
def keep_messages(sub: Subscription, messages: Sequence[Arrived], *, at: datetime) -> Kept:
    """Write messages down in the order they came. Raises NotOpen.

    What cannot be made into rows is kept as a MessageReject: it will not get better by being sent again,
    so it is acknowledged like the others.
    """
    dataset = type(sub.dataset).objects.get(pk=sub.dataset_id)
    if dataset.status != DatasetStatus.PUBLISHED:
        raise NotOpen(dataset.code)
    spec = spec_for(dataset)
    content = by_content(spec, sub.mapping, sub.payload)
    new = fresh(sub.pk, list(messages), content=content, at=at)
    rows: list[dict[str, Any]] = []
    rejects = []
    for message, first in zip(messages, new, strict=True):
        if not first:
            continue
        try:
            rows += rows_of(sub.mapping, sub.payload, message.topic, message.body, message.at)
        except Unusable as error:
            rejects.append(_reject(sub, message, error.reason, at, guarded=is_guarded(spec)))
    if rows:
        push_rows(dataset.code, rows, sender=sub.sender)
    MessageReject.objects.bulk_create(rejects)
    kept = Kept(
        messages=len(messages),
        rows=len(rows),
        repeats=new.count(False),
        rejected=len(rejects),
        first_fault=f"{rejects[0].topic}: {BadMessage(rejects[0].reason).label}" if rejects else "",
    )
    _count(sub, kept, at)
    return kept


@transaction.atomic
def keep_unusable(sub: Subscription, message: Arrived, *, at: datetime) -> Kept:
    """A message at which our own work broke: kept as unusable, so that the stream goes on."""
    _reject(sub, message, BadMessage.UNUSABLE, at, guarded=is_guarded(spec_for(sub.dataset))).save()
    kept = Kept(1, 0, 0, 1, f"{_clean(message.topic)}: {BadMessage.UNUSABLE.label}")
    _count(sub, kept, at)
    return kept


def _reject(
    sub: Subscription, message: Arrived, reason: BadMessage, at: datetime, *, guarded: bool
) -> MessageReject:
    said = "" if guarded else mask_text(_clean(message.body[: SAMPLE * 4].decode("utf-8", "replace")))
    return MessageReject(
        subscription=sub,
        topic=_clean(message.topic)[:300],
        reason=reason,
        sample=said[:SAMPLE],
        size=len(message.body),
        at=at,
    )


def _clean(text: str) -> str:
    return text.replace("\0", "␀").encode("utf-8", "replace").decode()


_USE = """
INSERT INTO datahub_subscriptionuse (subscription_id, minute, messages, rows, repeats, rejected)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (subscription_id, minute) DO UPDATE
SET messages = datahub_subscriptionuse.messages + EXCLUDED.messages,
    rows = datahub_subscriptionuse.rows + EXCLUDED.rows,
    repeats = datahub_subscriptionuse.repeats + EXCLUDED.repeats,
    rejected = datahub_subscriptionuse.rejected + EXCLUDED.rejected
"""


def _count(sub: Subscription, kept: Kept, at: datetime) -> None:
    Subscription.objects.filter(pk=sub.pk).update(
        messages=F("messages") + kept.messages,
        rows=F("rows") + kept.rows,
        repeats=F("repeats") + kept.repeats,
        rejected=F("rejected") + kept.rejected,
        last_message_at=at,
    )
    minute = at.replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_USE, [sub.pk, minute, kept.messages, kept.rows, kept.repeats, kept.rejected])
