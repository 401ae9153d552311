"""回访: ask the caller how it went; the answer is scored and decides between closing and redoing."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from commandcenter.journal.services import record_fact
from dispatch.services import redo_order
from hotline.models import Ticket
from hotline.policies import may_call_back
from hotline.states import Satisfied, Solved

from . import _moving as m

if TYPE_CHECKING:
    from city.models import User

MOST_TRIES = 3  # platform default, no source claimed: a caller who cannot be reached thrice is let be


@transaction.atomic
def record_call_back(
    *,
    ticket_id: int,
    by: "User",
    contacted: bool,
    solved: str = "",
    satisfied: str = "",
    note: str = "",
) -> Ticket:
    """Write one call-back down.

    Not reached: it stays in the queue, and is closed after the third try. Not solved or
    dissatisfied: the order is done again. Otherwise the ticket is closed. Only a caller who
    was reached counts for the unit's score (XW-17, XW-18).
    """
    ticket = m.locked(ticket_id)
    require(may_call_back(by, ticket))
    if contacted and (solved not in Solved.values or satisfied not in Satisfied.values):
        raise DomainError(
            _("Please say whether it is solved and how satisfied the caller is."), code="answer_missing"
        )
    if not contacted:
        solved = satisfied = ""
    again = solved == Solved.NO or satisfied == Satisfied.DISSATISFIED
    if again:
        note = m.words(note, _("what is still wrong"))
    at = clock.now()
    ticket.called_back_at, ticket.contacted = at, contacted
    ticket.solved, ticket.satisfied, ticket.call_back_note = solved, satisfied, note
    fields = ["called_back_at", "contacted", "solved", "satisfied", "call_back_note"]
    m.move(
        ticket,
        "call_back",
        by=by,
        at=at,
        fields=fields,
        note=note,
        contacted=contacted,
        solved=solved,
        satisfied=satisfied,
    )
    if contacted:
        _score(ticket)
    if again and ticket.order_id:
        m.move(ticket, "redo", by=by, at=at, note=note)
        redo_order(order_id=ticket.order_id, by=by, reason=note)
    elif contacted or _tries(ticket) >= MOST_TRIES:
        ticket.closed_at = at
        m.move(
            ticket, "close", by=by, at=at, fields=["closed_at"], note="" if contacted else _("not reached")
        )
    return ticket


def _score(ticket: Ticket) -> None:
    """The fact that the unit's items are counted from; linked to the order, and from the ticket too."""
    if not ticket.is_live or ticket.order is None or ticket.org is None or ticket.called_back_at is None:
        return
    record_fact(
        kind="hotline.call_back",
        subject_ref=ticket.order.ref,
        org_code=ticket.org.code,
        area_code=ticket.area_code,
        happened_at=ticket.called_back_at,
        outcome=ticket.satisfied,
        body={
            "solved": ticket.solved,
            "satisfied": ticket.satisfied,
            "ticket_ref": ticket.ref,
            "request_type": ticket.request_type,
        },
    )


def _tries(ticket: Ticket) -> int:
    """Calls of this round that reached nobody, since the unit last handled it."""
    last = ticket.moves.filter(action="handled").order_by("-pk").values_list("pk", flat=True).first() or 0
    return int(ticket.moves.filter(action="call_back", pk__gt=last).count())
