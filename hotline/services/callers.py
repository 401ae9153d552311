"""Opening a caller: a reason, for a sealed ticket a second person too, and always an audit row."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from commandcenter.journal.services import audit
from datahub.vault.knowing import is_restricted
from hotline.models import OpeningRequest, Ticket
from hotline.policies import may_ask_to_open, may_decide_opening, may_open_caller

from . import _moving as m

if TYPE_CHECKING:
    from city.models import User

GRANT_LASTS = timedelta(hours=4)  # platform default, no source claimed
SHORTEST_REASON = 4


def _reason(text: str) -> str:
    text = m.words(text, _("a reason"))
    if len(text) < SHORTEST_REASON:
        raise DomainError(_("The reason is too short to be checked later."), code="reason_short")
    return text


def open_caller(*, ticket_id: int, reason: str, by: "User", ip: str | None = None) -> dict[str, str]:
    """The caller in plain text, once. No transaction here: a refusal must leave its audit row."""
    reason = _reason(reason)
    at = clock.now()
    ticket = Ticket.objects.get(pk=ticket_id)
    kept = is_restricted(ticket.caller_phone, ticket.caller_id_number)  # by law stored, and nothing else
    allowed = may_open_caller(by, ticket, at) and not kept
    audit(
        actor=by,
        action="hotline.open_caller",
        target_ref=ticket.ref,
        reason=reason,
        result="ok" if allowed else "refused",
        ip=ip,
    )
    require(allowed, _("You may not see this caller."))
    return {"name": ticket.caller_name, "phone": ticket.caller_phone, "id_number": ticket.caller_id_number}


@transaction.atomic
def ask_to_open_caller(*, ticket_id: int, reason: str, by: "User") -> OpeningRequest:
    """Ask to see the caller of a sealed ticket."""
    ticket = Ticket.objects.get(pk=ticket_id)
    require(may_ask_to_open(by, ticket))
    reason = _reason(reason)
    audit(actor=by, action="hotline.ask_to_open_caller", target_ref=ticket.ref, reason=reason)
    return OpeningRequest.objects.create(ticket=ticket, asked_by=by, reason=reason, asked_at=clock.now())


@transaction.atomic
def decide_opening(*, request_id: int, granted: bool, by: "User", note: str = "") -> OpeningRequest:
    """Grant or refuse, by another person than the one who asked."""
    request = (
        OpeningRequest.objects.select_for_update(of=("self",)).select_related("ticket").get(pk=request_id)
    )
    require(may_decide_opening(by, request))
    if request.decided_at is not None:
        raise DomainError(_("This was decided already."), code="decided")
    at = clock.now()
    request.decided_by, request.decided_at, request.granted = by, at, granted
    request.until = at + GRANT_LASTS if granted else None
    request.save(update_fields=["decided_by", "decided_at", "granted", "until"])
    audit(
        actor=by,
        action="hotline.decide_opening",
        target_ref=request.ticket.ref,
        reason=note,
        result="ok" if granted else "refused",
        body={"request": request.pk, "asked_by": request.asked_by_id},
    )
    return request
