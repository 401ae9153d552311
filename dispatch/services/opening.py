"""派单, 协办, 转派: how an order comes into being."""

from typing import TYPE_CHECKING

from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from city.selectors import organisations
from commandcenter.core import clock
from commandcenter.core.codes import within
from commandcenter.core.errors import DomainError, require
from commandcenter.core.times import shanghai_day
from commandcenter.journal.services import link
from dispatch import clocks
from dispatch.models import Order
from dispatch.policies import may_share
from dispatch.states import OPENED, OrderKind, OrderRole, OrderState, Urgency

from . import _moving as m

if TYPE_CHECKING:
    from datetime import datetime

    from city.models import Organisation, User


@transaction.atomic
def open_order(
    *,
    kind: str,
    case_ref: str,
    title: str,
    content: str = "",
    area_code: str,
    org_id: int,
    urgency: str = Urgency.NORMAL,
    level: int | None = None,
    request_type: str = "",
    place: str = "",
    location: Point | None = None,
    confidential: bool = False,
    contact_needed: bool = False,
    accused_org_id: int | None = None,
    parent_id: int | None = None,
    role: str = OrderRole.LEAD,
    by: "User | None" = None,
    history: bool = False,
    not_after: "datetime | None" = None,
    ruled: bool = False,
) -> Order:
    """派单: lay a duty on a unit; its clocks run from now.

    The app that owns the case asks its own policy first. `history` opens an order of the imported
    past: no clock, no notice, no fact, no score. A unit never receives a report about itself, nor
    does one that stands under it; such an order is always confidential.

    not_after: the latest end of the handling clock. ruled: a ruling named this unit, so it cannot
    return the order.
    """
    at = clock.now()
    org = organisations().select_related("parent").get(pk=org_id)
    accused = organisations().get(pk=accused_org_id) if accused_org_id else None
    _refuse_the_accused(org, accused)
    if not org.active:
        raise DomainError(_("%(unit)s is no longer active.") % {"unit": org.name}, code="unit_inactive")
    parent = Order.objects.select_related("org").get(pk=parent_id) if parent_id else None
    order = Order(
        kind=OrderKind(kind),
        case_ref=case_ref,
        title=title[:200],
        content=content,
        request_type=request_type,
        place=place[:300],
        location=location,
        area_code=area_code,
        org=org,
        accused_org=accused,
        role=OrderRole(role),
        parent=parent,
        urgency=Urgency(urgency),
        level=level,
        confidential=confidential or accused is not None,
        contact_needed=contact_needed,
        history=history,
        dispatched_at=at,
        round_started_at=at,
        ruled=ruled or _was_ruled(case_ref, org_id),
    )
    if not history:
        order.clocks = clocks.clocks_for(order)
        m.set_deadlines(order)
        _shorten(order, not_after, at=at)
    order.pk = _next_id()
    order.number = f"{shanghai_day(at):%Y%m%d}{order.pk:06d}"
    order.save(force_insert=True)
    link(from_ref=case_ref, to_ref=order.ref, kind="dispatched" if parent is None else str(order.role))
    m.write_move(order, OPENED, from_state="", by=by, at=at, body=_as_opened(order))
    return order


@transaction.atomic
def open_assist(*, order_id: int, by: "User", org_id: int, task: str) -> Order:
    """协办: call in another unit for a part of the work; the parent cannot close before it has."""
    return _share(order_id=order_id, by=by, org_id=org_id, task=task, action="assist", role=OrderRole.ASSIST)


@transaction.atomic
def pass_down(*, order_id: int, by: "User", org_id: int, task: str) -> Order:
    """转派: lay the duty on a unit of a smaller area (city → county → town); both clocks run.

    The child's clock is shorter than what is left of the parent's: see `_before_parent`.
    """
    return _share(order_id=order_id, by=by, org_id=org_id, task=task, action="pass_down", role=OrderRole.LEAD)


def _share(*, order_id: int, by: "User", org_id: int, task: str, action: str, role: str) -> Order:
    order = m.locked(order_id)
    require(may_share(by, order))
    task = m.words(task, _("what the unit has to do"))
    m.refuse_if_held(order)
    at = clock.now()
    other = organisations().get(pk=org_id)
    if other.pk == order.org_id or any(child.org_id == org_id for child in m.open_children(order)):
        raise DomainError(
            _("%(unit)s already works on this order.") % {"unit": other.name}, code="already_there"
        )
    if action == "pass_down" and not (
        within(other.area_code, order.org.area_code) and other.area_code != order.org.area_code
    ):
        raise DomainError(_("An order is passed down to a unit of a smaller area."), code="not_below")
    m.move(order, action, by=by, at=at, note=task, body={"org_code": other.code, "org_name": other.name})
    # The child's case is the parent order: whoever waits for the end of the case must wait for the parent.
    return open_order(
        kind=order.kind,
        case_ref=order.ref,
        title=order.title,
        content=f"{task}\n\n{order.content}",
        area_code=order.area_code,
        org_id=org_id,
        urgency=order.urgency,
        level=order.level,
        request_type=order.request_type,
        place=order.place,
        location=order.location,
        confidential=order.confidential,
        accused_org_id=order.accused_org_id,
        parent_id=order.pk,
        role=role,
        by=by,
        history=order.history,
        not_after=_before_parent(order, at=at),
    )


def _before_parent(parent: Order, *, at: "datetime") -> "datetime | None":
    """A child must be done before its parent: nine tenths of what the parent has left.

    Nine tenths is a configurable default without a source. A parent that is already late leaves
    the child its own clock.
    """
    if parent.due_at is None or parent.due_at <= at:
        return None
    return at + (parent.due_at - at) * 0.9


def _shorten(order: Order, not_after: "datetime | None", *, at: "datetime") -> None:
    """Let the handling clock end at `not_after` where its rule would let it run longer."""
    if not_after is None or order.due_at is None or order.due_at <= not_after:
        return
    minutes = max(1, int((not_after - at).total_seconds() // 60))
    order.clocks["handle"] = {"amount": minutes, "unit": "minutes"}
    m.set_deadlines(order)


def _refuse_the_accused(org: "Organisation", accused: "Organisation | None") -> None:
    if accused is None:
        return
    above: Organisation | None = org
    for _step in range(10):
        if above is None:
            return
        if above.pk == accused.pk:
            raise DomainError(
                _("A unit never receives a report about itself. Choose another unit."), code="accused_unit"
            )
        above = above.parent


def _was_ruled(case_ref: str, org_id: int) -> bool:
    """A unit that returned this case before, or was fixed by ruling, cannot return it again."""
    before = Order.objects.filter(case_ref=case_ref, org_id=org_id)
    return before.filter(Q(ruled=True) | Q(state=OrderState.RETURNED)).exists()


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('dispatch_order', 'id'))")
        return int(cursor.fetchone()[0])


def _as_opened(order: Order) -> dict[str, object]:
    """What scores and readers of the log need to know of the order as it was on dispatch."""
    return {
        "kind": order.kind,
        "role": order.role,
        "urgency": order.urgency,
        "level": order.level,
        "request_type": order.request_type,
        "contact_needed": order.contact_needed,
        "clocks": order.clocks,
    }
