"""What the hotline's pages have in common: who may come in, and how a refusal is said."""

import json
from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse

from commandcenter.core.errors import require
from commandcenter.core.paging import COUNT_LIMIT
from hotline.models import Ticket
from hotline.policies import uses_intake
from hotline.selectors import visible_ticket

View = Callable[..., HttpResponse]


def desk_only(view: View) -> View:
    """For those who take calls; others are refused."""

    @login_required
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require(uses_intake(request.user))  # type: ignore[arg-type]
        return view(request, *args, **kwargs)

    return inner


def ticket_or_404(request: HttpRequest, pk: int) -> Ticket:
    """A row you may not see is not there."""
    ticket = visible_ticket(request.user, pk)  # type: ignore[arg-type]
    if ticket is None:
        raise Http404
    return ticket


def is_fragment(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def with_toast(
    response: HttpResponse, words: Any, *, tone: str = "success", news: dict[str, Any] | None = None
) -> HttpResponse:
    """Let the page say what happened. Header values are ASCII, so Chinese is escaped.

    The news goes to the body: the element that asked may be gone when it arrives.
    """
    told = {"toast": {"words": str(words), "tone": tone}, **(news or {})}
    response["HX-Trigger"] = json.dumps({name: {**detail, "target": "body"} for name, detail in told.items()})
    return response


def address_of(request: HttpRequest) -> str | None:
    return request.META.get("REMOTE_ADDR") or None


class CappedPaginator(Paginator):
    """Counts only as far as a reader looks, so that a list of millions opens as fast as a short one."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return min(int(rows.order_by()[: COUNT_LIMIT + 1].count()), COUNT_LIMIT)

    @property
    def capped(self) -> bool:
        return self.count >= COUNT_LIMIT
