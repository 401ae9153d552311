"""XW-02 平均签收时长: working time from dispatch to signing, as a median against extremes.

Only orders of normal urgency: the target of 2 working hours is theirs; urgent ones, whose target is
15 minutes, and alerts are judged by XW-01 and XW-25.
Source: accountability.csv XW-02; target, interval and the median are proposed, configurable.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Subquery

from .reading import Period, Row, move_refs, moves_of, opened


def rows(units: Collection[str], period: Period, as_of: datetime) -> list[Row]:
    found = (
        opened(units, period)
        .filter(body__urgency="normal")
        .exclude(body__kind="alert")
        .annotate(
            sign_id=Subquery(moves_of("sign").values("pk")[:1]),
            minutes=Subquery(moves_of("sign").values("minutes_used")[:1]),
        )
        .filter(minutes__isnull=False)
        .order_by("pk")
        .values_list("org_code", "order_id", "pk", "at", "sign_id", "minutes")
    )
    return [
        Row(org, order_id, 1.0, "measured", move_refs(open_id, sign_id), at, value=minutes / 60)
        for org, order_id, open_id, at, sign_id, minutes in found
    ]
