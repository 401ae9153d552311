"""Doorbells of the device register."""

from dataclasses import asdict
from typing import Any

from celery import shared_task

from . import services


@shared_task(name="datahub.patrol_devices")
def patrol_devices() -> dict[str, Any]:
    """Each minute: who fell silent, who is heard again; now and then the day is counted."""
    done = asdict(services.patrol())
    services.count_availability()
    done.pop("owners"), done.pop("named")
    return done


def follow_order(payload: dict[str, Any]) -> None:
    """Listener of `dispatch.order.moved`; returns at once where the order is no fault's."""
    if str(payload.get("case_ref", "")).startswith("datahub.fault:"):
        services.follow_order(payload=payload)
