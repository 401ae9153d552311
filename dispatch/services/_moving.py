"""The one place that moves an order: asks the table, saves, writes the move, announces."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from city.calendar import working_minutes_between
from commandcenter.core.errors import DomainError
from commandcenter.journal.live import announce
from commandcenter.journal.services import record_fact
from dispatch import clocks
from dispatch.events import OrderMoved
from dispatch.models import Order, OrderMove, UnitRequest
from dispatch.states import MOVES, OrderState, RequestState

if TYPE_CHECKING:
    from city.models import User

from commandcenter.core.moves import next_state


def locked(order_id: int) -> Order:
    return Order.objects.locked().get(pk=order_id)


def words(text: str, what: str) -> str:
    """A reason that says something; refused where empty."""
    text = (text or "").strip()
    if not text:
        raise DomainError(_("Please give %(what)s.") % {"what": what}, code="reason_missing")
    return text


def move(
    order: Order,
    action: str,
    *,
    by: "User | None",
    at: datetime,
    note: str = "",
    on_time: bool | None = None,
    minutes_used: int | None = None,
    body: dict[str, Any] | None = None,
) -> OrderMove:
    """Take one step of the table. The caller holds the lock and has set the fields that go with it."""
    from_state = order.state
    order.state = next_state(MOVES, action, order.state)
    order.save()
    return write_move(
        order,
        action,
        from_state=from_state,
        by=by,
        at=at,
        note=note,
        on_time=on_time,
        minutes_used=minutes_used,
        body=body,
    )


def write_move(
    order: Order,
    action: str,
    *,
    from_state: str,
    by: "User | None",
    at: datetime,
    note: str = "",
    on_time: bool | None = None,
    minutes_used: int | None = None,
    body: dict[str, Any] | None = None,
) -> OrderMove:
    row = OrderMove.objects.create(
        order=order,
        action=action,
        from_state=from_state,
        to_state=order.state,
        round=order.round,
        by=by,
        by_name=by.get_full_name() if by else "",
        org_code=order.org.code,
        at=at,
        note=note,
        on_time=on_time,
        minutes_used=minutes_used,
        sign_due_at=order.sign_due_at,
        contact_due_at=order.contact_due_at,
        due_at=order.due_at,
        history=order.history,
        body=body or {},
    )
    if not order.history:
        announce(
            OrderMoved(
                order_id=order.pk,
                number=order.number,
                title="" if order.confidential else order.title,
                action=action,
                from_state=from_state,
                to_state=order.state,
                round=order.round,
                order_kind=order.kind,
                case_ref=order.case_ref,
                org_code=order.org.code,
                org_name=order.org.short_name or order.org.name,
                area_code=order.area_code,
                urgency=order.urgency,
                level=order.level,
                role=order.role,
                parent_id=order.parent_id,
                successor_id=(body or {}).get("successor_id"),
                on_time=on_time,
                confidential=order.confidential,
                sign_due_at=order.sign_due_at,
                due_at=order.due_at,
                audiences=audiences(order),
                at=at,
            )
        )
    return row


def audiences(order: Order) -> list[str]:
    """Who may hear of this order; of a confidential one only its units and the dispatchers.

    Where a command centre itself is accused, its dispatchers hear nothing either.
    """
    hearers = [f"org:{order.org.code}"]
    if order.parent is not None:
        hearers.append(f"org:{order.parent.org.code}")
    if order.accused_org is None or order.accused_org.kind != "command_centre":
        hearers.append("command")
    if not order.confidential:
        hearers.append("leader")
    return list(dict.fromkeys(hearers))


def score(order: Order, kind: str, *, at: datetime, due_at: datetime | None, on_time: bool | None) -> None:
    """Record the scorable side of a move as a fact; history has none."""
    if order.history or on_time is None:
        return
    record_fact(
        kind=kind,
        subject_ref=order.ref,
        org_code=order.org.code,
        area_code=order.area_code,
        happened_at=at,
        due_at=due_at,
        outcome="on_time" if on_time else "late",
        value=working_minutes_between(order.dispatched_at, at),
        body={"round": order.round},
    )


def met(due_at: datetime | None, at: datetime) -> bool | None:
    """Whether a deadline was met; None where there is none."""
    return None if due_at is None else at <= due_at


def set_deadlines(order: Order) -> None:
    """Compute the clocks of the order from its own rules, extensions and holds. History has none."""
    if order.history:
        return
    due = clocks.deadlines(
        order.clocks,
        dispatched_at=order.dispatched_at,
        round_started_at=order.round_started_at,
        contact_needed=order.contact_needed,
        extended_days=order.extended_days,
        holds=past_holds(order),
    )
    if order.signed_at is None:
        order.sign_due_at = due.sign
    if order.contacted_at is None:
        order.contact_due_at = due.contact
    order.due_at = due.handle
    order.provisional_due = due.provisional


def past_holds(order: Order) -> list[tuple[datetime, datetime]]:
    return [
        (datetime.fromisoformat(held), datetime.fromisoformat(released)) for held, released in order.holds
    ]


def drop_requests(order: Order, *, at: datetime) -> None:
    """Requests that wait for a decision lapse when the order leaves the unit's hands."""
    UnitRequest.objects.filter(order=order, state=RequestState.PENDING).update(
        state=RequestState.WITHDRAWN, decided_at=at
    )


def refuse_if_held(order: Order) -> None:
    if order.held_at is not None:
        raise DomainError(_("The order is on hold. Release it first."), code="held")


def open_children(order: Order) -> list[Order]:
    ended = [OrderState.CLOSED, OrderState.RETURNED, OrderState.CANCELLED]
    return list(Order.objects.locked().filter(parent=order).exclude(state__in=ended).order_by("pk"))
