"""Doorbell of the cascade."""

from typing import Any

from celery import shared_task

from . import services


@shared_task(name="datahub.sync_cascade")
def sync_cascade() -> dict[str, Any]:
    """Each minute: fetch from every peer what is new since the last batch."""
    return services.sync_all(once=False)
