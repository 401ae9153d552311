"""The writers of the journal, and the loop that brings it forward."""

import time
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import connection

from commandcenter.core import clock

from .models import AuditEntry, Event, Fact, TraceLink

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def record_fact(
    *,
    kind: str,
    subject_ref: str,
    org_code: str,
    area_code: str = "",
    happened_at: datetime,
    due_at: datetime | None = None,
    outcome: str = "",
    value: Decimal | float | None = None,
    body: dict[str, Any] | None = None,
) -> Fact:
    """Record a scorable thing, linked to its subject, so that a score's rows can be walked to."""
    fact = Fact.objects.create(
        kind=kind,
        subject_ref=subject_ref,
        org_code=org_code,
        area_code=area_code,
        happened_at=happened_at,
        recorded_at=clock.now(),
        due_at=due_at,
        outcome=outcome,
        value=None if value is None else Decimal(str(value)),
        body=body or {},
    )
    link(from_ref=subject_ref, to_ref=f"journal.fact:{fact.pk}", kind="scored")
    return fact


def audit(
    *,
    actor: "AbstractBaseUser | None",
    action: str,
    target_ref: str = "",
    reason: str = "",
    result: str = "ok",
    ip: str | None = None,
    body: dict[str, Any] | None = None,
) -> AuditEntry:
    """Write who did or was refused what. result: ok or refused."""
    return AuditEntry.objects.create(
        at=clock.now(),
        actor_id=actor.pk if actor else None,
        actor=actor.get_username() if actor else "",
        action=action,
        target_ref=target_ref,
        reason=reason,
        result=result,
        ip=ip,
        body=body or {},
    )


def link(from_ref: str, to_ref: str, kind: str) -> TraceLink:
    """Say that one thing caused or joined another."""
    return TraceLink.objects.create(from_ref=from_ref, to_ref=to_ref, kind=kind, at=clock.now())


def unlink(from_ref: str, to_ref: str) -> TraceLink:
    """Take a link back by appending one."""
    return link(from_ref, to_ref, "undone")


def link_many(pairs: list[tuple[str, str]], kind: str) -> None:
    """Many links at once, for the evidence of alerts."""
    at = clock.now()
    TraceLink.objects.bulk_create(
        [TraceLink(from_ref=a, to_ref=b, kind=kind, at=at) for a, b in pairs], batch_size=1_000
    )


def pump(patience: float = 5.0) -> int:
    """Bring the journal forward here and now; returns the number of events.

    Production has the loop process; seeding and tests call this. An event waits while any older
    transaction of the whole cluster is open, so this looks again for up to `patience` seconds.
    """
    from .loop import one_round

    give_up = time.monotonic() + patience
    total = one_round()
    while not connection.in_atomic_block and Event.objects.filter(place__isnull=True).exists():
        if time.monotonic() > give_up:
            break
        time.sleep(0.02)
        total += one_round()
    return total
