"""XW-17 解决率: call-backs that found the matter solved; partly solved counts half.

Denominator: valid call-backs (the citizen answered) on requests for help, complaints and reports.
Excluded: unreasonable or beyond duty after a double review, policy explained (fact dispatch.exclusion).
Source: accountability.csv XW-17; target, interval and weight proposed, configurable.
"""

from collections.abc import Collection
from datetime import datetime

from .calling_back import call_backs, request_types
from .reading import Period, Row

SHARES = {"yes": 1.0, "partly": 0.5, "no": 0.0}
TYPES = frozenset({"help", "complaint", "report"})


def rows(units: Collection[str], period: Period, as_of: datetime) -> list[Row]:
    found = [(fact, order_id) for fact, order_id in call_backs("XW-17", units, period)]
    types = request_types({order_id for _fact, order_id in found})
    return [
        Row(
            fact.org_code,
            order_id,
            SHARES[fact.body["solved"]],
            f"solved_{fact.body['solved']}",
            (f"journal.fact:{fact.pk}",),
            fact.happened_at,
        )
        for fact, order_id in found
        if fact.body.get("solved") in SHARES and types.get(order_id) in TYPES
    ]
