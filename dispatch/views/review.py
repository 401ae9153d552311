"""审核: what waits for a dispatcher: results to check, returns to rule on, requests to decide."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from city.roles import Role
from commandcenter.core import clock
from commandcenter.core.errors import require
from commandcenter.core.paging import PAGE_SIZE
from dispatch.filters import CappedPaginator
from dispatch.forms import ACTIONS
from dispatch.models import Order, UnitRequest
from dispatch.states import OrderState, RequestKind, RequestState

TABS = ("check", "returns", "requests")


@login_required
@require_GET
@vary_on_headers("HX-Request")
def review(request: HttpRequest) -> HttpResponse:
    require(request.user.has_role(Role.DISPATCHER))  # type: ignore[union-attr]
    tab = request.GET.get("tab", "check")
    tab = tab if tab in TABS else "check"
    seen = Order.objects.visible_to(request.user)
    to_check = seen.filter(state=OrderState.HANDLED).order_by("handled_at")
    returns = seen.filter(state=OrderState.RETURN_REVIEW).order_by("due_at")
    asked = UnitRequest.objects.filter(state=RequestState.PENDING, order__in=seen).order_by("asked_at")
    counts = {"check": to_check.count(), "returns": returns.count(), "requests": asked.count()}
    chosen: Any = {
        "check": to_check.select_related("org", "handled_by"),
        "returns": returns.select_related("org").prefetch_related("moves"),
        "requests": asked.select_related("order__org", "asked_by"),
    }[tab]
    page = CappedPaginator(chosen, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "tab": tab,
        "counts": counts,
        "page_obj": page,
        "rows": _rows(tab, page.object_list),
        "at": clock.now(),
    }
    part = "dispatch/_review_list.html" if request.headers.get("HX-Request") else "dispatch/review.html"
    return render(request, part, context)


def _rows(tab: str, found: Any) -> list[dict[str, Any]]:
    """Each row with the form that decides it."""
    if tab == "requests":
        names = {RequestKind.EXTENSION: "decide_extension", RequestKind.HOLD: "decide_hold"}
        rows = [
            {"order": asked.order, "asked": asked, "action": ACTIONS[names[asked.kind]]} for asked in found
        ]
    elif tab == "returns":
        rows = [
            {"order": order, "asked": _last(order, "request_return"), "action": ACTIONS["rule"]}
            for order in found
        ]
    else:
        rows = [{"order": order, "asked": None, "action": ACTIONS["check"]} for order in found]
    for row in rows:
        action = row["action"]
        auto_id = f"id_{row['order'].pk}_%s"
        form = row["form"] = action.form(order=row["order"], prefix=action.name, auto_id=auto_id)
        # Another unit is named on the order's own page: a list of all units in each row helps nobody.
        form.fields.pop("to_org", None)
    return rows


def _last(order: Order, action: str) -> object | None:
    found = [move for move in order.moves.all() if move.action == action]
    return found[-1] if found else None
