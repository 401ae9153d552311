"""Doorbell of the pulled sources."""

from celery import shared_task

from . import services


@shared_task(name="datahub.run_sources")
def run_sources() -> int:
    """Each ten seconds: what is due is fetched. Several workers share the work."""
    return services.run_due()
