"""XW-25 预警签收及时率: alert orders signed before their time (red 5 min, orange 15 min, yellow 2 h,
blue 1 working day).

Counted like XW-01, for alert orders only. History and trial alerts open no order and cannot enter.
Source: accountability.csv XW-25; all numbers proposed, configurable.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from .reading import Period, Row, signing


def rows(units: Collection[str], period: Period, as_of: datetime) -> list[Row]:
    return signing(units, period, as_of, Q(body__kind="alert"))
