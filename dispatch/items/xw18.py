"""XW-18 满意率: (satisfied + 0.8 × basically satisfied) ÷ valid ratings.

Excluded: malicious ratings after a review (fact dispatch.exclusion).
Source: accountability.csv XW-18; slope and floor inferred from published bulletins whose target was
95% and later 98%; the 0.8 and the weight are proposed, configurable.
"""

from collections.abc import Collection
from datetime import datetime

from .calling_back import call_backs
from .reading import Period, Row

SHARES = {"satisfied": 1.0, "basically": 0.8, "dissatisfied": 0.0}


def rows(units: Collection[str], period: Period, as_of: datetime) -> list[Row]:
    return [
        Row(
            fact.org_code,
            order_id,
            SHARES[fact.body["satisfied"]],
            str(fact.body["satisfied"]),
            (f"journal.fact:{fact.pk}",),
            fact.happened_at,
        )
        for fact, order_id in call_backs("XW-18", units, period)
        if fact.body.get("satisfied") in SHARES
    ]
