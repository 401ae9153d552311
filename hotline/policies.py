"""Who may do what with a ticket."""

from typing import TYPE_CHECKING

from city.roles import Role
from city.selectors import areas_of, org_ids_of
from commandcenter.core.codes import within

from .models import OpeningRequest, Ticket

if TYPE_CHECKING:
    from datetime import datetime

    from city.models import User


def _covers(user: "User", area_code: str, *roles: Role) -> bool:
    return any(within(area_code, top) for top in areas_of(user, *roles))


def may_take(user: "User", area_code: str) -> bool:
    """Take a request of this area in."""
    return _covers(user, area_code, Role.OPERATOR, Role.DISPATCHER)


def may_triage(user: "User", ticket: Ticket) -> bool:
    """Answer at once, refuse, hand over or dispatch."""
    return _covers(user, ticket.area_code, Role.OPERATOR, Role.DISPATCHER)


def may_call_back(user: "User", ticket: Ticket) -> bool:
    return _covers(user, ticket.area_code, Role.OPERATOR)


def may_open_caller(user: "User", ticket: Ticket, at: "datetime") -> bool:
    """See the caller in plain text, for a reason that is written down.

    Unsealed: the desk, and officers of the unit that has the order. Sealed: only with a
    grant that a second person gave and that has not run out.
    """
    if ticket.anonymous and not ticket.caller_phone:
        return False
    desk = _covers(user, ticket.area_code, Role.OPERATOR, Role.DISPATCHER)
    if ticket.sealed:
        return (
            desk
            and OpeningRequest.objects.filter(
                ticket=ticket, asked_by=user, granted=True, until__gt=at
            ).exists()
        )
    return desk or (ticket.org_id in org_ids_of(user, Role.OFFICER) and ticket.contact_allowed)


def may_ask_to_open(user: "User", ticket: Ticket) -> bool:
    return ticket.sealed and _covers(user, ticket.area_code, Role.OPERATOR, Role.DISPATCHER)


def may_decide_opening(user: "User", request: OpeningRequest) -> bool:
    """Another person than the one who asked, with the duty to supervise the desk."""
    return request.asked_by_id != user.pk and _covers(
        user, request.ticket.area_code, Role.DISPATCHER, Role.SUPERVISOR
    )


def may_export(user: "User") -> bool:
    return user.has_role(Role.OPERATOR, Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR)


def uses_intake(user: "User") -> bool:
    return user.has_role(Role.OPERATOR, Role.DISPATCHER)
