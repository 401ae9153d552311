"""Doorbells of erasing; on the lake queue, since the lake is rewritten."""

from typing import Any

from celery import shared_task

from . import erasing


@shared_task(name="datahub.run_erasures")
def run_erasures() -> int:
    """Each minute, and at once when one was approved."""
    return erasing.run_erasures()


@shared_task(name="datahub.preview_erasure")
def preview_erasure(request_id: int) -> dict[str, Any]:
    return erasing.preview(request_id)
