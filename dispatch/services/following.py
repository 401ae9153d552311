"""What orders follow without being asked: a published calendar, a new generation of areas."""

from datetime import datetime

from django.db import transaction

from city.selectors import current_code
from commandcenter.core import clock
from dispatch.models import Order
from dispatch.states import RECOMPUTED, RELOCATED

from . import _moving as m


def recompute_deadlines() -> int:
    """Compute the provisional deadlines of all open orders again; returns how many moved.

    Each order in its own transaction, each change a move with the old and the new deadlines. A
    deadline is never brought back before the present: nobody becomes late by a publication.
    """
    moved = 0
    waiting = Order.objects.open().filter(provisional_due=True, history=False).order_by("pk")
    for order_id in waiting.values_list("pk", flat=True).iterator():
        moved += _recompute(order_id)
    return moved


@transaction.atomic
def _recompute(order_id: int) -> bool:
    order = m.locked(order_id)
    at = clock.now()
    before = (order.sign_due_at, order.contact_due_at, order.due_at)
    m.set_deadlines(order)
    order.sign_due_at = _kept(before[0], order.sign_due_at, at)
    order.contact_due_at = _kept(before[1], order.contact_due_at, at)
    order.due_at = _kept(before[2], order.due_at, at)
    after = (order.sign_due_at, order.contact_due_at, order.due_at)
    order.save(update_fields=["sign_due_at", "contact_due_at", "due_at", "provisional_due"])
    if before == after:
        return False
    names = ("sign", "contact", "handle")
    m.write_move(
        order,
        RECOMPUTED,
        from_state=order.state,
        by=None,
        at=at,
        body={
            "before": {n: d.isoformat() if d else None for n, d in zip(names, before, strict=True)},
            "after": {n: d.isoformat() if d else None for n, d in zip(names, after, strict=True)},
        },
    )
    return True


def _kept(old: datetime | None, new: datetime | None, at: datetime) -> datetime | None:
    """The new deadline, or the old one where the new would already have passed."""
    return old if old and new and new < at < old else new


def relocate_orders() -> int:
    """Open orders follow their area's code into a new generation of areas; each change is a move."""
    moved = 0
    codes = Order.objects.open().order_by().values_list("area_code", flat=True).distinct()
    for old in list(codes):
        new = current_code(old)
        if new == old:
            continue
        for order_id in Order.objects.open().filter(area_code=old).values_list("pk", flat=True):
            _relocate(order_id, old=old, new=new)
            moved += 1
    return moved


@transaction.atomic
def _relocate(order_id: int, *, old: str, new: str) -> None:
    order = m.locked(order_id)
    order.area_code = new
    order.save(update_fields=["area_code"])
    body = {"before": old, "after": new}
    m.write_move(order, RELOCATED, from_state=order.state, by=None, at=clock.now(), body=body)
