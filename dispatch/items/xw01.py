"""XW-01 签收及时率: orders signed before their time.

Numerator: sign moves on time. Denominator: orders dispatched to the unit in the period that were
signed or whose time to sign has passed. Alert orders have their own item (XW-25).
Excluded: sent twice, system fault, force majeure (ground of the cancel move).
Source: accountability.csv XW-01; interval inferred, weight and target proposed, configurable.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from .reading import Period, Row, signing


def rows(units: Collection[str], period: Period, as_of: datetime) -> list[Row]:
    return signing(units, period, as_of, ~Q(body__kind="alert"))
