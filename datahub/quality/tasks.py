"""Doorbells of quality."""

from celery import shared_task

from .services import arriving, watching


@shared_task(name="datahub.watch_quality")
def watch_quality() -> dict[str, int]:
    """Each minute: sources that fell silent or came back, deadlines that ran out, the day's calls."""
    return {**watching.watch_quality(), "corrections": arriving.watch_corrections()}
