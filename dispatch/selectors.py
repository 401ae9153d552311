"""Shaped reads for upper floors and our own pages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from commandcenter.core import clock
from commandcenter.core.refs import id_of

from .items import ITEMS, ItemScore, Period, rows_of, score_of
from .models import Order
from .states import OPEN, WITH_UNIT


def order_by_ref(ref: str) -> Order | None:
    """The order behind `dispatch.order:12`, or None."""
    order_id = id_of(ref, "dispatch.order")
    return Order.objects.select_related("org").filter(pk=order_id).first() if order_id else None


def orders_of_case(case_ref: str) -> list[Order]:
    """Orders opened for a case, first to last, without the joint ones below them."""
    return list(Order.objects.select_related("org").filter(case_ref=case_ref).order_by("pk"))


@dataclass(frozen=True)
class OrderCounts:
    open: int
    unsigned: int
    overdue: int
    to_check: int


def order_counts(orders: "object | None" = None, *, at: datetime | None = None) -> OrderCounts:
    """Counts over a queryset of orders, one query."""
    at = at or clock.now()
    found = Order.objects.all() if orders is None else orders
    late = Q(state="dispatched", sign_due_at__lt=at) | Q(state__in=WITH_UNIT, due_at__lt=at, held_at=None)
    counts = found.aggregate(  # type: ignore[attr-defined]
        open=Count("pk", filter=Q(state__in=OPEN)),
        unsigned=Count("pk", filter=Q(state="dispatched")),
        overdue=Count("pk", filter=late),
        to_check=Count("pk", filter=Q(state="handled")),
    )
    return OrderCounts(**counts)


def open_order_counts(area_codes: Collection[str]) -> dict[str, int]:
    """Open orders per exact area code; an area with none is absent."""
    rows = Order.objects.open().filter(area_code__in=area_codes).order_by()
    return dict(rows.values_list("area_code").annotate(n=Count("pk")))


def score_items(
    org_codes: Collection[str], period: Period | str | None = None, as_of: datetime | None = None
) -> dict[str, list[ItemScore]]:
    """Every item of each unit, in the order of their codes; computed from moves and facts only."""
    as_of = as_of or clock.now()
    period = _period(period, as_of)
    scores: dict[str, list[ItemScore]] = {code: [] for code in org_codes}
    for code, item in ITEMS.items():
        by_unit: dict[str, list] = {org: [] for org in org_codes}
        for row in rows_of(code, list(org_codes), period, as_of):
            by_unit[row.org_code].append(row)
        for org, rows in by_unit.items():
            scores[org].append(score_of(item, org, rows))
    return scores


def score_item(
    org_code: str, code: str, period: Period | str | None = None, as_of: datetime | None = None
) -> ItemScore:
    """One item of one unit with the rows behind it. Raises KeyError for an unknown code."""
    as_of = as_of or clock.now()
    rows = rows_of(code, [org_code], _period(period, as_of), as_of)
    return score_of(ITEMS[code], org_code, rows)


@dataclass(frozen=True)
class UnitScore:
    """A unit's total in percent of the weights that could be scored; None when none could."""

    org_code: str
    total: float | None
    scored: int
    sample: int
    items: list[ItemScore]


def unit_scores(
    org_codes: Collection[str], period: Period | str | None = None, as_of: datetime | None = None
) -> list[UnitScore]:
    """Units with their totals, best first; units without enough rows last, never ranked."""
    found = []
    for org, scores in score_items(org_codes, period, as_of).items():
        counted = [score for score in scores if score.score is not None]
        whole = sum(score.full_score for score in counted)
        total = 100 * sum(score.score or 0 for score in counted) / whole if counted else None
        sample = max((score.denominator for score in scores), default=0)
        found.append(UnitScore(org, total, len(counted), sample, scores))
    return sorted(found, key=lambda unit: (unit.total is None, -(unit.total or 0), unit.org_code))


def _period(period: Period | str | None, as_of: datetime) -> Period:
    if isinstance(period, Period):
        return period
    return Period.parse(period) if period else Period.of(as_of)
