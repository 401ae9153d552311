"""Paging that stays fast on the ten-thousandth page and counts only as far as a reader looks."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet
from rest_framework.pagination import CursorPagination

T = TypeVar("T")
PAGE_SIZE = 30
COUNT_LIMIT = 10_000


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list. total is exact up to COUNT_LIMIT, then `capped` is true."""

    rows: list[T]
    number: int
    size: int
    total: int
    capped: bool

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def has_next(self) -> bool:
        return self.number < self.pages

    @property
    def has_previous(self) -> bool:
        return self.number > 1


def page_of(queryset: QuerySet[Any], number: str | int | None, size: int = PAGE_SIZE) -> Page[Any]:
    """The page with this 1-based number; a number out of range gives the nearest page."""
    total = queryset.order_by()[: COUNT_LIMIT + 1].count()
    capped = total > COUNT_LIMIT
    total = min(total, COUNT_LIMIT)
    text = str(number or 1)
    wanted = int(text) if text.isdecimal() else 1
    wanted = min(max(wanted, 1), max(1, -(-total // size)))
    return Page(list(queryset[(wanted - 1) * size : wanted * size]), wanted, size, total, capped)


class ApiPagination(CursorPagination):
    """Newest first by primary key; a cursor does not slip while rows arrive."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
    ordering = "-pk"
