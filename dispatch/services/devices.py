"""Faults of public devices (datahub.devices) as orders of their owners: news from below, never asked for."""

from typing import Any

from django.contrib.gis.geos import Point
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from city.selectors import organisation
from dispatch.models import Order
from dispatch.states import CancelGround, OrderKind, OrderRole, OrderState, Urgency

from .handling import cancel_order, redo_order
from .opening import open_order

ENDED_WITHOUT_RESULT = (OrderState.CANCELLED, OrderState.RETURNED)
BY_THE_FAULT = ("close", "withdraw")


@transaction.atomic
def follow_fault(*, payload: dict[str, Any]) -> None:
    """Open, redo or withdraw the owner's order as the fault opens, comes back or ends. Safe to run twice.

    An order that was signed is left to its unit, which says what it did; only one that nobody has taken up
    yet is withdrawn when the device is heard again by itself.
    """
    case_ref = f"datahub.fault:{payload['fault_id']}"
    order = (
        Order.objects.filter(case_ref=case_ref, role=OrderRole.LEAD)
        .exclude(state__in=ENDED_WITHOUT_RESULT)
        .order_by("-pk")
        .first()
    )
    action = payload["action"]
    if action in ("open", "reopen") and payload["to_state"] == "open":
        if order is None:
            if payload["wants_order"]:
                _open(payload, case_ref)
        elif action == "reopen" and _closed_before(order, payload["at"]):
            redo_order(order_id=order.pk, by=None, reason=_("The device is silent again."))
    elif action in BY_THE_FAULT and order is not None and order.state == OrderState.DISPATCHED:
        cancel_order(
            order_id=order.pk, by=None, reason=_("The device is heard again."), ground=CancelGround.WITHDRAWN
        )


def _closed_before(order: Order, moment: str) -> bool:
    at = parse_datetime(moment)
    return bool(order.state == OrderState.CLOSED and order.closed_at and at and order.closed_at < at)


def _open(payload: dict[str, Any], case_ref: str) -> None:
    org = organisation(payload["owner_code"])
    if org is None or not org.active:
        return
    placed = payload.get("lon") is not None
    open_order(
        kind=OrderKind.DEVICE,
        case_ref=case_ref,
        title=payload["title"],
        content=payload["content"],
        area_code=payload["area_code"],
        org_id=org.pk,
        urgency=Urgency.URGENT if payload["devices"] > 1 else Urgency.NORMAL,
        place=payload.get("place", ""),
        location=Point(payload["lon"], payload["lat"], srid=4490) if placed else None,
        not_after=parse_datetime(payload["due_at"]) if payload.get("due_at") else None,
    )
