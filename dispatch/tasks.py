"""Doorbells: what news from elsewhere dispatch follows."""

from typing import Any

from celery import shared_task

from . import services


def follow_calendar(payload: dict[str, Any]) -> None:
    """Listener of `city.calendar.changed`: open clocks are set again. Safe to run twice."""
    services.recompute_deadlines()


@shared_task(name="dispatch.recompute_deadlines", acks_late=True)
def recompute_deadlines() -> None:
    services.recompute_deadlines()
