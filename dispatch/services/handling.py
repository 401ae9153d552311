"""签收, 联系, 办结, 核查, 重办, 撤销: the straight way of an order."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from city.calendar import working_minutes_between
from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from dispatch import policies
from dispatch.models import Order
from dispatch.states import CancelGround, ContactOutcome

from . import _moving as m

if TYPE_CHECKING:
    from city.models import User


@transaction.atomic
def sign_order(*, order_id: int, by: "User") -> Order:
    """签收: the unit takes the order. Of several who try at once, one succeeds."""
    order = m.locked(order_id)
    require(policies.may_handle(by, order))
    at = clock.now()
    on_time = m.met(order.sign_due_at, at)
    order.signed_at = at
    m.move(order, "sign", by=by, at=at, on_time=on_time, minutes_used=_used(order, at))
    m.score(order, "dispatch.sign", at=at, due_at=order.sign_due_at, on_time=on_time)
    return order


@transaction.atomic
def contact_caller(
    *, order_id: int, by: "User", outcome: str = ContactOutcome.REACHED, note: str = ""
) -> Order:
    """首次联系: an attempt to reach the citizen; only the first success meets the clock.

    An attempt without answer is a move of its own: three of them excuse the unit (XW-10).
    """
    order = m.locked(order_id)
    require(policies.may_handle(by, order))
    at = clock.now()
    outcome = ContactOutcome(outcome)
    first = outcome == ContactOutcome.REACHED and order.contacted_at is None
    on_time = m.met(order.contact_due_at, at) if first else None
    if first:
        order.contacted_at = at
    m.move(order, "contact", by=by, at=at, note=note, on_time=on_time, body={"outcome": str(outcome)})
    m.score(order, "dispatch.contact", at=at, due_at=order.contact_due_at, on_time=on_time)
    return order


@transaction.atomic
def handle_order(*, order_id: int, by: "User", result: str, solved: str = "") -> Order:
    """办结反馈: the unit says what it did. solved: yes, partly, no as the unit sees it, or empty."""
    order = m.locked(order_id)
    require(policies.may_handle(by, order))
    result = m.words(result, _("the result"))
    m.refuse_if_held(order)
    at = clock.now()
    on_time = m.met(order.due_at, at)
    order.handled_at, order.handled_by, order.result = at, by, result
    m.drop_requests(order, at=at)
    m.move(
        order,
        "handle",
        by=by,
        at=at,
        note=result,
        on_time=on_time,
        minutes_used=_used(order, at),
        body={"solved": solved} if solved else {},
    )
    m.score(order, "dispatch.handle", at=at, due_at=order.due_at, on_time=on_time)
    return order


@transaction.atomic
def check_order(*, order_id: int, by: "User", passed: bool, note: str = "") -> Order:
    """核查: close the order, or send it back. The clock never stopped: it runs from dispatch."""
    order = m.locked(order_id)
    require(policies.may_check(by, order))
    at = clock.now()
    if not passed:
        note = m.words(note, _("what is missing"))
        order.handled_at = order.handled_by = None
        m.move(order, "send_back", by=by, at=at, note=note)
        return order
    if still := m.open_children(order):
        raise DomainError(
            _("%(count)d assisting order(s) are still open: %(numbers)s.")
            % {"count": len(still), "numbers": ", ".join(child.number for child in still)},
            code="assist_open",
        )
    order.closed_at = at
    m.move(order, "close", by=by, at=at, note=note)
    return order


@transaction.atomic
def redo_order(*, order_id: int, by: "User | None", reason: str) -> Order:
    """重办: the citizen says it is not done; back to the unit in a new round with a new handling clock.

    by: None where the platform itself acts.
    """
    order = m.locked(order_id)
    require(by is None or policies.may_redo(by, order))
    reason = m.words(reason, _("a reason"))
    at = clock.now()
    order.round += 1
    order.round_started_at = at
    order.handled_at = order.handled_by = order.closed_at = None
    order.extended_days = order.extensions = 0
    order.holds = []
    m.set_deadlines(order)
    m.move(order, "redo", by=by, at=at, note=reason)
    return order


@transaction.atomic
def cancel_order(
    *, order_id: int, by: "User | None", reason: str, ground: str = CancelGround.WITHDRAWN
) -> Order:
    """撤销: the duty is withdrawn, with everything that hangs on it."""
    order = m.locked(order_id)
    require(by is None or policies.may_cancel(by, order))
    reason = m.words(reason, _("a reason"))
    ground = CancelGround(ground)
    at = clock.now()
    for each in [*_descendants(order), order]:
        each.held_at = None
        m.drop_requests(each, at=at)
        m.move(each, "cancel", by=by, at=at, note=reason, body={"ground": str(ground)})
    return order


def _descendants(order: Order) -> list[Order]:
    """Open orders below this one, deepest first."""
    found: list[Order] = []
    for child in m.open_children(order):
        found += [*_descendants(child), child]
    return found


def _used(order: Order, at: datetime) -> int:
    """Working minutes since dispatch."""
    return working_minutes_between(order.dispatched_at, at)
