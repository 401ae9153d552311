"""The doorbell of the live feed."""

from celery import shared_task
from django.conf import settings

from commandcenter.schedule import SCHEDULE

from .feed import tick
from .seed import seeded_at


@shared_task(name="demo.live_feed")
def live_feed() -> None:
    """A few seconds of the demo city; nothing outside a demo."""
    if settings.DEMO and seeded_at():
        tick(seconds=SCHEDULE["live feed"]["schedule"])
