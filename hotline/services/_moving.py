"""The one place that moves a ticket: asks the table, saves, writes the move, announces."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from commandcenter.core.errors import DomainError
from commandcenter.core.moves import next_state
from commandcenter.journal.live import announce
from hotline.events import TicketMoved, audiences
from hotline.models import Ticket, TicketMove
from hotline.states import MOVES

if TYPE_CHECKING:
    from city.models import User


def locked(ticket_id: int) -> Ticket:
    return Ticket.objects.locked().select_related("category", "org", "accused_org").get(pk=ticket_id)


def words(text: str, what: Any) -> str:
    """A text that says something; refused where empty."""
    text = (text or "").strip()
    if not text:
        raise DomainError(_("Please give %(what)s.") % {"what": what}, code="text_missing")
    return text


def move(
    ticket: Ticket,
    action: str,
    *,
    by: "User | None",
    at: datetime,
    fields: list[str] | None = None,
    note: str = "",
    cause: int | None = None,
    **told: Any,
) -> TicketMove:
    """Take one step of the table and save `fields`, which the caller has set. The caller holds the lock."""
    from_state = ticket.state
    ticket.state = next_state(MOVES, action, ticket.state)
    ticket.save(update_fields=["state", *(fields or [])])
    return write_move(ticket, action, from_state=from_state, by=by, at=at, note=note, cause=cause, **told)


def write_move(
    ticket: Ticket,
    action: str,
    *,
    from_state: str,
    by: "User | None",
    at: datetime,
    note: str = "",
    cause: int | None = None,
    **told: Any,
) -> TicketMove:
    """Write what happened, and say it. The move keeps the event's body: figures are recounted from it."""
    event = TicketMoved(
        ticket_id=ticket.pk,
        number=ticket.number,
        title="" if ticket.sealed else ticket.title,
        action=action,
        from_state=from_state,
        to_state=ticket.state,
        category_code=ticket.category.level1 if ticket.category and not ticket.sealed else "",
        channel=ticket.channel,
        request_type=ticket.request_type,
        urgency=ticket.urgency,
        confidential=ticket.sealed,
        org_code=ticket.org.code if ticket.org and not ticket.sealed else "",
        area_code=ticket.area_code,
        audiences=audiences(sealed=ticket.sealed),
        at=at,
        **told,
    )
    row = TicketMove.objects.create(
        ticket=ticket,
        action=action,
        from_state=from_state,
        to_state=ticket.state,
        at=at,
        by=by,
        by_name=by.get_full_name() if by else "",
        note=note,
        area_code=ticket.area_code,
        body=event.model_dump(mode="json", exclude={"audiences"}),
        cause=cause,
    )
    announce(event)
    return row
