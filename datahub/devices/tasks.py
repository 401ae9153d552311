"""Doorbells of the device register."""

from typing import Any

from celery import shared_task

from . import services


@shared_task(name="datahub.patrol_devices")
def patrol_devices() -> dict[str, Any]:
    """Each minute: who fell silent, who is heard again; now and then the day is counted."""
    done = services.patrol()
    services.count_availability()
    return {name: value for name, value in vars(done).items() if isinstance(value, int)}


def follow_order(payload: dict[str, Any]) -> None:
    """Listener of `dispatch.order.moved`; returns at once where the order is no fault's."""
    if str(payload.get("case_ref", "")).startswith("datahub.fault:"):
        services.follow_order(payload=payload)
