"""XW-10 响应率: the citizen first contacted before the time (24 h, urgent 2 h).

Numerator: the first contact that reached the citizen is on time. Denominator: orders dispatched in
the period whose citizen was to be contacted, once reached or once the time has passed.
Excluded: the citizen asked not to be contacted; three attempts without answer (and never reached);
orders returned with the centre's consent or withdrawn before the time; usual grounds.
Source: accountability.csv XW-10 and domain facts 1.3; limits and weight proposed, configurable.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, Subquery

from dispatch.models import OrderMove

from .reading import Period, Row, last, move_refs, moves_of, opened

TRIES = 3  # attempts without answer that excuse the unit; source: XW-10, column exclusions


def rows(units: Collection[str], period: Period, as_of: datetime) -> list[Row]:
    reached = moves_of("contact").filter(on_time__isnull=False)
    tries = (
        OrderMove.objects.filter(order=OuterRef("order"), action="contact", body__outcome="no_answer")
        .order_by()
        .values("order")
        .annotate(n=Count("pk"))
        .values("n")
    )
    found = (
        opened(units, period)
        .filter(body__contact_needed=True)
        .annotate(
            contact_id=Subquery(reached.values("pk")[:1]),
            contact_on_time=Subquery(reached.values("on_time")[:1]),
            before=last("contact_due_at"),
            end_state=last("to_state"),
            cancelled_at=Subquery(moves_of("cancel").values("at")[:1]),
            tries=Subquery(tries, output_field=IntegerField()),
        )
        .filter(
            Q(contact_id__isnull=False)
            | Q(before__lte=as_of)
            & (Q(tries__isnull=True) | Q(tries__lt=TRIES))
            & (Q(cancelled_at__isnull=True) | Q(cancelled_at__gt=F("before")))
        )
        .exclude(Exists(moves_of("contact").filter(body__outcome="declined")))
        .exclude(end_state="returned")
        .order_by("pk")
        .values_list("org_code", "order_id", "pk", "at", "contact_id", "contact_on_time")
    )
    return [
        Row(
            org,
            order_id,
            float(bool(on_time)),
            "in_time" if on_time else ("late" if contact_id else "missing"),
            move_refs(open_id, contact_id),
            at,
        )
        for org, order_id, open_id, at, contact_id, on_time in found
    ]
