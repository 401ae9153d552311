"""XW-07 按时办结率: rounds handled before their time, approved extensions and holds counted in.

One row per order and round (a redo is a new duty with its own time). The deadline is the one of the
round's last move. Numerator: the round's last hand-in, when it was not sent back, is on time.
Denominator: rounds whose deadline fell in the period and that are handled or past their deadline.
Excluded: sent twice, system fault, force majeure; orders returned with the centre's consent; orders
on an approved hold (their clock stands); orders withdrawn before their deadline.
Source: accountability.csv XW-07; interval inferred, weight and target proposed, configurable.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import OuterRef, Q, Subquery

from dispatch.models import OrderMove

from .reading import EXCLUDING_GROUNDS, Period, Row, last, move_refs


def _last_of(field: str, *actions: str) -> Subquery:
    moves = OrderMove.objects.filter(order=OuterRef("order"), round=OuterRef("round"), action__in=actions)
    return Subquery(moves.order_by("-pk").values(field)[:1])


def rows(units: Collection[str], period: Period, as_of: datetime) -> list[Row]:
    found = (
        OrderMove.objects.filter(
            history=False, org_code__in=units, due_at__gte=period.start, due_at__lt=period.end
        )
        .annotate(
            due=last("due_at", same_round=True),
            end_state=last("to_state", same_round=True),
            done=_last_of("action", "handle", "send_back"),
            done_id=_last_of("pk", "handle", "send_back"),
            done_on_time=_last_of("on_time", "handle", "send_back"),
            hold=_last_of("action", "hold", "release"),
            cancelled_at=_last_of("at", "cancel"),
            ground=_last_of("body__ground", "cancel"),
        )
        .filter(Q(due__gte=period.start, due__lt=period.end) & (Q(done="handle") | Q(due__lte=as_of)))
        .exclude(end_state="returned")
        .order_by("order_id", "round", "-pk")
        .distinct("order_id", "round")
        .values_list(
            "org_code",
            "order_id",
            "pk",
            "due",
            "done",
            "done_id",
            "done_on_time",
            "hold",
            "cancelled_at",
            "ground",
        )
    )
    counted = []
    for org, order_id, pk, due, done, done_id, on_time, hold, cancelled_at, ground in found:
        if cancelled_at is not None and (ground in EXCLUDING_GROUNDS or cancelled_at <= due):
            continue
        handled = done == "handle"
        if hold == "hold" and not handled:
            continue
        in_time = bool(handled and on_time)
        why = "in_time" if in_time else ("late" if handled else "missing")
        refs = move_refs(pk, done_id if done_id != pk else None)
        counted.append(Row(org, order_id, float(in_time), why, refs, due))
    return counted
