"""Doorbells: the work is in services."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from django.core.cache import cache
from django.db import transaction
from kombu.exceptions import OperationalError

from . import services

log = logging.getLogger(__name__)
SOON_S = 5


@shared_task(name="alerts.run_windows", acks_late=True)
def run_windows() -> dict[str, dict[str, int]]:
    return services.run_windows()


def follow_order(*, payload: dict[str, Any]) -> None:
    """Listener of dispatch.order.moved; returns at once where the order is no alert's."""
    if str(payload.get("case_ref", "")).startswith("alerts.alert:"):
        services.follow_order(payload=payload)


def follow_grant(*, payload: dict[str, Any]) -> None:
    """Listener of datahub.agreement.moved; returns at once where the consumer is no detector."""
    if str(payload.get("consumer_ref", "")).startswith("alerts.detector:"):
        services.follow_grant(payload=payload)


def ring_windows() -> None:
    """Ask for a window run soon, once for many batches; the timetable comes by anyway."""
    transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    try:
        if cache.add("alerts.windows.rung", 1, timeout=SOON_S):
            run_windows.apply_async(countdown=SOON_S, queue="lake")
    except (OperationalError, OSError) as error:
        log.warning("no window run ordered, the timetable will: %s", error)
