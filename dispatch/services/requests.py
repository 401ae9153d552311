"""退单, 延期, 挂起: what a unit may ask and the centre decides."""

from datetime import date
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from commandcenter.core.moves import next_state
from commandcenter.core.times import shanghai_day
from dispatch import clocks, policies
from dispatch.models import Order, UnitRequest
from dispatch.states import MOVES, OrderKind, RequestKind, RequestState

from . import _moving as m
from .handling import sign_order
from .opening import open_order

if TYPE_CHECKING:
    from city.models import User

# Source: domain facts 1.3, platform defaults [D]: at most two extensions, ten working days in all
# (the ten days are also one province's rule). Configurable by setting.
MAX_EXTENSIONS = 2
MAX_EXTENDED_DAYS = 10


def _limit(name: str, default: int) -> int:
    return int(getattr(settings, name, default))


@transaction.atomic
def request_return(*, order_id: int, by: "User", reason: str) -> Order:
    """退单: the unit says that the duty is not its own. Its clock runs on until the ruling.

    Only within the return window, once per unit and case, and never by a unit fixed by ruling.
    An order that was not signed is signed by this: who returns it has received it.
    """
    order = m.locked(order_id)
    require(policies.may_handle(by, order))
    reason = m.words(reason, _("a reason"))
    m.refuse_if_held(order)
    at = clock.now()
    if order.ruled:
        raise DomainError(_("The unit was fixed by ruling and cannot return the order."), code="ruled")
    window = order.clocks.get("return")
    if window and at > clocks.run(order.dispatched_at, window["amount"], window["unit"]):
        raise DomainError(_("The time for a return has passed."), code="return_window")
    if m.open_children(order):
        raise DomainError(_("Units called in are still working on it."), code="assist_open")
    if order.signed_at is None:
        sign_order(order_id=order_id, by=by)
        order = m.locked(order_id)
    m.drop_requests(order, at=at)
    m.move(order, "request_return", by=by, at=at, note=reason)
    return order


@transaction.atomic
def rule_return(
    *, order_id: int, by: "User", accepted: bool, note: str, to_org_id: int | None = None
) -> Order:
    """退单审核: accept the return, or fix the unit by ruling. Returns the order ruled on.

    to_org_id: the unit that the ruling names instead. It gets a new order for the same case at once
    and cannot return it. Without one, a ticket goes back to be dispatched anew.
    """
    order = m.locked(order_id)
    require(policies.may_rule(by, order))
    note = m.words(note, _("the ground of the ruling"))
    at = clock.now()
    if not accepted:
        order.ruled = True
        m.move(order, "refuse_return", by=by, at=at, note=note)
        return order
    if not to_org_id and order.parent_id is None and order.kind != OrderKind.TICKET:
        # A ticket goes back to the desk; nobody else waits to dispatch a report, an alert, an instruction.
        raise DomainError(_("Name the unit that gets it instead."), code="unit_missing")
    if to_org_id == order.org_id:
        raise DomainError(_("Name another unit, or refuse the return."), code="same_unit")
    next_state(MOVES, "return", order.state)  # refused before another unit is given anything
    successor = _hand_over(order, to_org_id=to_org_id, by=by) if to_org_id else None
    m.move(
        order,
        "return",
        by=by,
        at=at,
        note=note,
        body={"successor_id": successor.pk, "org_name": successor.org.name} if successor else {},
    )
    return order


def _hand_over(order: Order, *, to_org_id: int, by: "User") -> Order:
    return open_order(
        kind=order.kind,
        case_ref=order.case_ref,
        title=order.title,
        content=order.content,
        area_code=order.area_code,
        org_id=to_org_id,
        urgency=order.urgency,
        level=order.level,
        request_type=order.request_type,
        place=order.place,
        location=order.location,
        confidential=order.confidential,
        contact_needed=order.contact_needed,
        accused_org_id=order.accused_org_id,
        parent_id=order.parent_id,
        role=order.role,
        by=by,
        history=order.history,
        ruled=True,
    )


@transaction.atomic
def request_extension(*, order_id: int, by: "User", days: int, reason: str) -> UnitRequest:
    """延期申请: more working days, asked before the deadline."""
    order = m.locked(order_id)
    require(policies.may_handle(by, order))
    reason = m.words(reason, _("a reason"))
    m.refuse_if_held(order)
    at = clock.now()
    most, total = _limit("MAX_EXTENSIONS", MAX_EXTENSIONS), _limit("MAX_EXTENDED_DAYS", MAX_EXTENDED_DAYS)
    if days < 1 or order.extended_days + days > total:
        raise DomainError(
            _("An order can be extended by %(days)d working days in all.") % {"days": total}, code="too_long"
        )
    if order.extensions >= most:
        raise DomainError(
            _("The order was extended %(times)d times already.") % {"times": most}, code="too_often"
        )
    if order.due_at is not None and at > order.due_at:
        raise DomainError(_("The deadline has passed; it cannot be extended any more."), code="overdue")
    return _ask(order, RequestKind.EXTENSION, by=by, reason=reason, days=days, body={"days": days})


@transaction.atomic
def request_hold(
    *, order_id: int, by: "User", reason: str, release_condition: str, review_on: date, evidence: str = ""
) -> UnitRequest:
    """挂起申请: an objective reason, its evidence, what ends the hold, and a day to look again."""
    order = m.locked(order_id)
    require(policies.may_handle(by, order))
    reason = m.words(reason, _("a reason"))
    release_condition = m.words(release_condition, _("what ends the hold"))
    m.refuse_if_held(order)
    if review_on <= shanghai_day(clock.now()):
        raise DomainError(_("The day to look again must lie ahead."), code="review_past")
    return _ask(
        order,
        RequestKind.HOLD,
        by=by,
        reason=reason,
        evidence=evidence,
        release_condition=release_condition,
        review_on=review_on,
        body={"release_condition": release_condition, "review_on": review_on.isoformat()},
    )


@transaction.atomic
def decide_extension(*, order_id: int, by: "User", granted: bool, note: str = "") -> Order:
    """延期审批: the new deadline counts from the old one."""
    order, asked = _pending(order_id, RequestKind.EXTENSION, by=by)
    if granted:
        order.extended_days += asked.days or 0
        order.extensions += 1
        m.set_deadlines(order)
    else:
        note = m.words(note, _("a reason"))
    _answer(asked, granted=granted, by=by, note=note)
    m.move(
        order,
        "extend" if granted else "refuse_extension",
        by=by,
        at=clock.now(),
        note=note,
        body={"days": asked.days},
    )
    return order


@transaction.atomic
def decide_hold(*, order_id: int, by: "User", granted: bool, note: str = "") -> Order:
    """挂起审批: from the approval on the clock stands."""
    order, asked = _pending(order_id, RequestKind.HOLD, by=by)
    at = clock.now()
    if granted:
        order.held_at = at
    else:
        note = m.words(note, _("a reason"))
    _answer(asked, granted=granted, by=by, note=note)
    body = {"review_on": asked.review_on.isoformat() if asked.review_on else ""}
    m.move(order, "hold" if granted else "refuse_hold", by=by, at=at, note=note, body=body)
    return order


@transaction.atomic
def release_order(*, order_id: int, by: "User | None", note: str = "") -> Order:
    """解除挂起: the clock runs again with what was left of it. by: None on the review day's own act."""
    order = m.locked(order_id)
    require(by is None or policies.may_release(by, order))
    if order.held_at is None:
        raise DomainError(_("The order is not on hold."), code="not_held")
    at = clock.now()
    order.holds = [*order.holds, [order.held_at.isoformat(), at.isoformat()]]
    order.held_at = None
    m.set_deadlines(order)
    m.move(order, "release", by=by, at=at, note=note)
    return order


def _ask(
    order: Order, kind: str, *, by: "User", reason: str, body: dict[str, Any], **fields: Any
) -> UnitRequest:
    if UnitRequest.objects.filter(order=order, kind=kind, state=RequestState.PENDING).exists():
        raise DomainError(_("The same request already waits for a decision."), code="already_asked")
    at = clock.now()
    # The move first: it refuses what the state does not allow.
    m.move(order, f"request_{kind}", by=by, at=at, note=reason, body=body)
    return UnitRequest.objects.create(
        order=order, kind=kind, reason=reason, asked_by=by, asked_at=at, **fields
    )


def _pending(order_id: int, kind: str, *, by: "User") -> tuple[Order, UnitRequest]:
    order = m.locked(order_id)
    require(policies.may_rule(by, order))
    asked = UnitRequest.objects.filter(order=order, kind=kind, state=RequestState.PENDING).first()
    if asked is None:
        raise DomainError(_("No such request waits for a decision."), code="nothing_asked")
    return order, asked


def _answer(asked: UnitRequest, *, granted: bool, by: "User", note: str) -> None:
    asked.state = RequestState.GRANTED if granted else RequestState.REFUSED
    asked.decided_by, asked.decided_at, asked.answer = by, clock.now(), note
    asked.save(update_fields=["state", "decided_by", "decided_at", "answer"])
