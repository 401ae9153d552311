"""Doorbells: each calls one service and may ring twice."""

from datetime import datetime
from typing import Any

from celery import shared_task

from .services import follow_order as follow
from .services.publishing import publish_tickets as publish


def follow_order(payload: dict[str, Any]) -> None:
    """Called by the journal loop for every `dispatch.order.moved`, in order."""
    if not str(payload.get("case_ref", "")).startswith("hotline.ticket:"):
        return
    follow(
        case_ref=payload["case_ref"],
        order_id=int(payload["order_id"]),
        action=str(payload["action"]),
        at=datetime.fromisoformat(str(payload["at"])),
        event_id=int(payload["event_id"]),
    )


@shared_task(name="hotline.publish_tickets", acks_late=True)
def publish_tickets() -> int:
    return publish()
