"""Doorbells of push."""

from celery import shared_task

from . import services


@shared_task(name="datahub.watch_subscriptions")
def watch_subscriptions() -> int:
    """Each minute: a subscription that no process reads becomes an incident."""
    return services.watch_subscriptions()
