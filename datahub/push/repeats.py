"""How a message that the broker sends twice is known.

With QoS 1 the broker sends a message again when our acknowledgement did not reach it; a broker that came
back from an older copy of itself may send again what was acknowledged. Neither may become a second row.

by content: where the dataset's key, with its time, stands in the message itself, the same bytes on the same
    topic within KEEP are the same message, however they come. A correction differs, and is taken.
by packet: everywhere else (a bare number whose time is ours, a register) equal messages may be two readings.
    Only one that the broker marks as a repeat (DUP), of the packet number, topic and bytes that we have
    from this session, is a repeat. MQTT has the broker repeat a message under its own packet number.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from datahub.declare import DatasetSpec

from .models import SeenMessage
from .states import Payload

KEEP = timedelta(hours=6)


@dataclass(frozen=True)
class Arrived:
    """A message as the broker sent it. at: when it came here; no two came at once."""

    at: datetime
    mid: int
    dup: bool
    qos: int
    topic: str
    body: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.topic.encode("utf-8", "replace") + b"\0" + self.body).hexdigest()[:32]


def by_content(spec: DatasetSpec, mapping: Mapping[str, str], payload: str) -> bool:
    """Whether the message itself says which row it is."""
    if not spec.time_column or spec.time_column not in spec.key_columns:
        return False
    if not mapping:
        return payload == Payload.JSON
    at = mapping.get(spec.time_column, "")
    return at[:1] == "$" or at[:3] == "csv" or at[:5] == "topic"


def fresh(subscription_id: int, messages: list[Arrived], *, content: bool, at: datetime) -> list[bool]:
    """Which of these messages came for the first time; remembers them, in the caller's transaction."""
    return (_by_content if content else _by_packet)(subscription_id, messages, at)


def _by_content(subscription_id: int, messages: list[Arrived], at: datetime) -> list[bool]:
    marks = {message.digest: n for n, message in reversed(list(enumerate(messages)))}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO datahub_seenmessage (subscription_id, mark, digest, at)"
            " SELECT %s, mark, '', %s FROM unnest(%s::text[]) AS given(mark)"
            " ON CONFLICT (subscription_id, mark) DO NOTHING RETURNING mark",
            [subscription_id, at, sorted(marks)],
        )
        first = {marks[mark] for (mark,) in cursor.fetchall()}
    return [n in first for n in range(len(messages))]


def _by_packet(subscription_id: int, messages: list[Arrived], at: datetime) -> list[bool]:
    numbers = sorted({f"p{message.mid}" for message in messages if message.qos})
    held = dict(
        SeenMessage.objects.filter(subscription=subscription_id, mark__in=numbers).values_list(
            "mark", "digest"
        )
    )
    found = []
    for message in messages:
        mark = f"p{message.mid}"
        found.append(not (message.qos and message.dup and held.get(mark) == message.digest))
        if message.qos:
            held[mark] = message.digest
    if numbers:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO datahub_seenmessage (subscription_id, mark, digest, at)"
                " SELECT %s, mark, digest, %s FROM unnest(%s::text[], %s::text[]) AS given(mark, digest)"
                " ON CONFLICT (subscription_id, mark)"
                " DO UPDATE SET digest = EXCLUDED.digest, at = EXCLUDED.at",
                [subscription_id, at, numbers, [held[mark] for mark in numbers]],
            )
    return found


def forget_packets(subscription_id: int) -> None:
    """The broker began a new session: its packet numbers begin anew."""
    SeenMessage.objects.filter(subscription=subscription_id, mark__startswith="p").delete()


def sweep(at: datetime) -> int:
    """Forget what is older than any repeat may be. Packet numbers stay as long as the session does."""
    return SeenMessage.objects.filter(at__lt=at - KEEP).exclude(mark__startswith="p").delete()[0]
