"""The inbox's filters, as the page, the export and the API read them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from city.querysets import within_areas

from .models import Order
from .states import ENDED, OPEN, WITH_UNIT, OrderKind, OrderState, Urgency

# What the tabs of the inbox show. "todo" is what the unit itself still has to do.
VIEWS = {
    "todo": _("To do"),
    "unsigned": _("To sign"),
    "overdue": _("Overdue"),
    "to_check": _("To check"),
    "held": _("On hold"),
    "open": pgettext_lazy("orders", "All open"),
    "ended": pgettext_lazy("orders", "Ended"),
}
SORTS = {"due": _("Shortest time first"), "new": _("Newest first"), "urgency": _("Most urgent first")}
COUNT_LIMIT = 10_000


@dataclass(frozen=True)
class Filters:
    view: str = "todo"
    q: str = ""
    kind: str = ""
    urgency: str = ""
    area: str = ""
    sort: str = "due"

    @classmethod
    def read(cls, data: Any) -> "Filters":
        """From a query string; what is not known is left out rather than refused."""

        def known(name: str, choices: Any, default: str = "") -> str:
            value = str(data.get(name, default))
            return value if value in choices else default

        area = str(data.get("area", ""))
        return cls(
            view=known("view", VIEWS, "todo"),
            q=str(data.get("q", "")).strip()[:60],
            kind=known("kind", OrderKind.values),
            urgency=known("urgency", Urgency.values),
            area=area if area.isdecimal() else "",
            sort=known("sort", SORTS, "due"),
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.kind or self.urgency or self.area)

    def apply(self, orders: QuerySet[Order], *, at: datetime) -> QuerySet[Order]:
        return self.narrow(orders.filter(view_of(self.view, at=at)))

    def narrow(self, orders: QuerySet[Order]) -> QuerySet[Order]:
        """All filters but the view."""
        if self.q:
            orders = orders.filter(
                Q(number__startswith=self.q) | Q(title__icontains=self.q) | Q(place__icontains=self.q)
            )
        if self.kind:
            orders = orders.filter(kind=self.kind)
        if self.urgency:
            orders = orders.filter(urgency=self.urgency)
        if self.area:
            orders = orders.filter(within_areas([self.area]))
        return orders

    def sorted(self, orders: Any) -> Any:
        if self.sort == "new" or self.view == "ended":
            return orders.order_by("-pk")
        if self.sort == "urgency":
            return orders.with_next_due().order_by("-urgent", F("next_due").asc(nulls_last=True), "pk")
        return orders.with_next_due().order_by(F("next_due").asc(nulls_last=True), "pk")


def view_of(name: str, *, at: datetime) -> Q:
    return {
        "todo": Q(state__in=WITH_UNIT, held_at=None),
        "unsigned": Q(state=OrderState.DISPATCHED),
        "overdue": late(at),
        "to_check": Q(state=OrderState.HANDLED),
        "held": Q(held_at__isnull=False),
        "open": Q(state__in=OPEN),
        "ended": Q(state__in=ENDED),
    }[name]


def late(at: datetime) -> Q:
    """The clock that runs has run out."""
    return Q(state=OrderState.DISPATCHED, sign_due_at__lt=at) | Q(
        state__in=WITH_UNIT, due_at__lt=at, held_at=None
    )


def soon(at: datetime) -> Q:
    """The clock that runs has less than a day left; a configurable default."""
    return Q(state=OrderState.SIGNED, due_at__range=(at, at + timedelta(days=1)), held_at=None)


class CappedPaginator(Paginator):
    """Counts only as far as a reader looks."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNT_LIMIT].count())
