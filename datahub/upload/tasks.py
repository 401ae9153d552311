"""The doorbell of uploads that nobody came back to."""

from celery import shared_task

from . import services


@shared_task(name="datahub.sweep_uploads")
def sweep_uploads() -> int:
    """Each hour: files without a word for a day go."""
    return services.sweep_uploads()
