"""Doorbells of sharing."""

from celery import shared_task

from . import services


@shared_task(name="datahub.watch_agreements")
def watch_agreements() -> dict[str, int]:
    """Each minute: what ran out ends, and clocks that ran out are reported."""
    services.seed_previews()
    return services.watch_agreements()


@shared_task(name="datahub.carry_grants")
def carry_grants() -> dict[str, int]:
    """Every few seconds: webhooks and file drops that have something to carry."""
    return services.carry_all()
