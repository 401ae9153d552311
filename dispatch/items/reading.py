"""What every item reads: moves of a period, and what is left out of it. Moves and facts only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from commandcenter.core.refs import id_of
from commandcenter.core.times import shanghai_day, start_of_day
from commandcenter.journal.models import Fact
from dispatch.models import OrderMove
from dispatch.states import CancelGround

# The fact by which a supervisor takes an order out of items, after the review that the item asks for.
EXCLUSION = "dispatch.exclusion"
EXCLUDING_GROUNDS = (CancelGround.DUPLICATE, CancelGround.FAULT, CancelGround.FORCE_MAJEURE)


@dataclass(frozen=True)
class Period:
    """A calendar month in Shanghai, written 2026-11."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Raises ValueError for anything but year-month."""
        year, month = text.split("-")
        return cls(date(int(year), int(month), 1).year, int(month))

    @classmethod
    def of(cls, at: datetime) -> "Period":
        day = shanghai_day(at)
        return cls(day.year, day.month)

    @property
    def start(self) -> datetime:
        return start_of_day(date(self.year, self.month, 1))

    @property
    def end(self) -> datetime:
        return self.next().start

    def next(self) -> "Period":
        return Period(self.year + self.month // 12, self.month % 12 + 1)

    def previous(self) -> "Period":
        return Period(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"


@dataclass(frozen=True)
class Row:
    """One order in an item: `share` of 1 that counts in the numerator, and the moves that say so.

    value: the measured thing where it is not a yes or no (hours). why: a word for the page.
    """

    org_code: str
    order_id: int
    share: float
    why: str
    refs: tuple[str, ...]
    at: datetime
    value: float | None = None


def opened(units: Collection[str], period: Period) -> "QuerySet[OrderMove, Any]":
    """The move that opened each order of these units in the period, without those withdrawn on a
    ground that excuses the unit."""
    withdrawn = OrderMove.objects.filter(
        order=OuterRef("order"), action="cancel", body__ground__in=EXCLUDING_GROUNDS
    )
    return OrderMove.objects.filter(
        ~Exists(withdrawn),
        action="open",
        history=False,
        org_code__in=units,
        at__gte=period.start,
        at__lt=period.end,
    )


def moves_of(action: str) -> "QuerySet[OrderMove, Any]":
    """For a subquery: the moves of this kind of the same order, oldest first."""
    return OrderMove.objects.filter(order=OuterRef("order"), action=action).order_by("pk")


def last(field: str, *, same_round: bool = False) -> Subquery:
    """A column of the order's last move, as of today."""
    moves = OrderMove.objects.filter(order=OuterRef("order"))
    if same_round:
        moves = moves.filter(round=OuterRef("round"))
    return Subquery(moves.order_by("-pk").values(field)[:1])


def taken_out(code: str, units: Collection[str]) -> set[int]:
    """Orders that a recorded review takes out of this item."""
    facts = Fact.objects.filter(kind=EXCLUSION, org_code__in=units, body__items__contains=[code])
    found = (id_of(ref, "dispatch.order") for ref in facts.values_list("subject_ref", flat=True))
    return {order_id for order_id in found if order_id is not None}


def move_refs(*ids: int | None) -> tuple[str, ...]:
    return tuple(f"dispatch.move:{pk}" for pk in ids if pk is not None)


def signing(units: Collection[str], period: Period, as_of: datetime, which: Q) -> list[Row]:
    """Orders that were to be signed: signed ones, and those whose time to sign has passed.

    An order withdrawn or still unsigned before its time is neither.
    """
    found = (
        opened(units, period)
        .filter(which)
        .annotate(
            sign_id=Subquery(moves_of("sign").values("pk")[:1]),
            sign_on_time=Subquery(moves_of("sign").values("on_time")[:1]),
            sign_before=last("sign_due_at"),
            cancelled_at=Subquery(moves_of("cancel").values("at")[:1]),
        )
        .filter(Q(sign_id__isnull=False) | Q(sign_before__lte=as_of))
        .values_list(
            "org_code", "order_id", "pk", "at", "sign_id", "sign_on_time", "sign_before", "cancelled_at"
        )
    )
    rows = []
    for org, order_id, open_id, at, sign_id, on_time, before, cancelled_at in found.order_by("pk"):
        if sign_id is None and cancelled_at is not None and cancelled_at <= before:
            continue
        why = "in_time" if on_time else ("late" if sign_id else "missing")
        rows.append(Row(org, order_id, float(bool(on_time)), why, move_refs(open_id, sign_id), at))
    return rows
