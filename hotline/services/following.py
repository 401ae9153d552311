"""What a ticket does when its order moves."""

from datetime import datetime
from typing import Any

from django.db import transaction

from commandcenter.core.moves import actions_from
from commandcenter.core.refs import id_of
from hotline.models import Ticket, TicketMove
from hotline.states import MOVES, TicketState

from . import _moving as m

# The order's action -> the ticket's.
FOLLOWS = {"close": "handled", "return": "come_back", "cancel": "come_back", "redo": "redo"}


@transaction.atomic
def follow_order(*, case_ref: str, order_id: int, action: str, at: datetime, event_id: int) -> Ticket | None:
    """Move the ticket with its own order; safe to run twice, and deaf to orders that are not its own.

    A redo that the call-back itself asked for finds the ticket already with the unit, so
    the table has nothing to do, and nothing is written.
    """
    ticket_id = id_of(case_ref, "hotline.ticket")
    step = FOLLOWS.get(action)
    if ticket_id is None or (step is None and action != "open"):
        return None
    ticket = Ticket.objects.locked().select_related("category", "org").filter(pk=ticket_id).first()
    if ticket is not None and ticket.is_live and action == "open":
        return _take_successor(ticket, order_id)
    if step is None or ticket is None or ticket.order_id != order_id or not ticket.is_live:
        return None
    if TicketMove.objects.filter(ticket=ticket, cause=event_id).exists():
        return None
    if step not in actions_from(MOVES, ticket.state):
        return None
    if step == "redo":
        m.move(ticket, "redo", by=None, at=at, cause=event_id)
    elif step == "handled":
        ticket.reply, ticket.answered_at = _result(ticket), at
        m.move(ticket, "handled", by=None, at=at, fields=["reply", "answered_at"], cause=event_id)
    else:
        m.move(ticket, "come_back", by=None, at=at, cause=event_id)
    return ticket


def _take_successor(ticket: Ticket, order_id: int) -> Ticket | None:
    """A ruling gave the case to another unit by a new order: the ticket follows that one from now on.

    Order ids only grow, so news that comes twice never leads back to an older order.
    """
    if ticket.state != TicketState.DISPATCHED or ticket.order_id is None or order_id <= ticket.order_id:
        return None
    ticket.order_id = order_id
    ticket.org = ticket.order.org if ticket.order else ticket.org
    ticket.save(update_fields=["order", "org"])
    return ticket


def _result(ticket: Any) -> str:
    return str(ticket.order.result) if ticket.order else ""
