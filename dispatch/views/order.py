"""One order: the citizen's words, what happened, the next step."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from city.selectors import area_path_name
from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from commandcenter.journal.services import audit
from dispatch.forms import ACTIONS, ActionForm
from dispatch.models import Order
from dispatch.states import ACTION_WORDS, RequestState
from dispatch.steps import steps_for

PARTS = {"timeline": "dispatch/_timeline.html", "steps": "dispatch/_steps.html"}


def visible_order(request: HttpRequest, pk: int) -> Order:
    """The order, or 404 where one may not see it: whether it exists is nobody else's business."""
    orders = Order.objects.visible_to(request.user).select_related(
        "org", "parent__org", "accused_org", "handled_by"
    )
    return get_object_or_404(orders.prefetch_related("requests__asked_by"), pk=pk)


@login_required
@require_GET
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; with ?part= only that part, when htmx asks because the order moved."""
    found = visible_order(request, pk)
    part = PARTS.get(request.GET.get("part", ""))
    if found.confidential and part is None:
        audit(
            actor=request.user,  # type: ignore[arg-type]
            action="dispatch.open_confidential",
            target_ref=found.ref,
            ip=request.META.get("REMOTE_ADDR"),
        )
    context = _context(request, found)
    return render(request, part or "dispatch/order.html", context)


@login_required
@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Run one action. A rule that says no is a sentence on the page; an invalid form is shown again."""
    found = visible_order(request, pk)
    chosen = ACTIONS.get(action)
    if chosen is None:
        raise Http404
    form = chosen.form(request.POST, order=found, prefix=chosen.name)
    if not form.is_valid():
        context = _context(request, found) | {"opened": action}
        context["forms"] = _forms(request, found, filled=(action, form))
        return render(request, "dispatch/order.html", context, status=422)
    try:
        chosen.run(order=found, by=request.user, form=form)  # type: ignore[arg-type]
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{found.number}: {chosen.done}")
    return redirect(_back(request, found))


def _back(request: HttpRequest, order: Order) -> str:
    """Where one came from, if it is ours; an order that one sees no more leads to the inbox."""
    to = request.POST.get("next", "")
    if to and url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()}):
        return to
    if Order.objects.visible_to(request.user).filter(pk=order.pk).exists():
        return order.get_absolute_url()
    return reverse("dispatch:inbox")


def _context(request: HttpRequest, order: Order) -> dict[str, Any]:
    at = clock.now()
    steps = steps_for(request.user, order, at=at)  # type: ignore[arg-type]
    visible = Order.objects.visible_to(request.user).select_related("org")
    return {
        "order": order,
        "at": at,
        "area_path": area_path_name(order.area_code),
        "steps": steps,
        "primary": ACTIONS.get(steps.primary),
        "others": [ACTIONS[name] for name in steps.others],
        "forms": _forms(request, order),
        "moves": _moves(order),
        "children": visible.filter(parent=order).order_by("pk"),
        "parent": visible.filter(pk=order.parent_id).first() if order.parent_id else None,
        "pending": [asked for asked in order.requests.all() if asked.state == RequestState.PENDING],
        "waits_for": _waits_for(order),
    }


def _forms(
    request: HttpRequest, order: Order, filled: tuple[str, ActionForm] | None = None
) -> dict[str, ActionForm]:
    steps = steps_for(request.user, order, at=clock.now())  # type: ignore[arg-type]
    names = [name for name in [steps.primary, *steps.others] if name]
    forms = {name: ACTIONS[name].form(order=order, prefix=name) for name in names}
    return forms | ({filled[0]: filled[1]} if filled else {})


def _moves(order: Order) -> list[dict[str, Any]]:
    """The thread, oldest first, each with the time since the one before."""
    rows: list[dict[str, Any]] = []
    for move in order.moves.order_by("pk"):
        gap = (move.at - rows[-1]["move"].at).total_seconds() if rows else None
        rows.append({"move": move, "words": ACTION_WORDS.get(move.action, move.action), "gap": gap})
    return rows


def _waits_for(order: Order) -> str:
    """Who has to act, for a reader who cannot."""
    return {
        "dispatched": _("%(unit)s has to sign.") % {"unit": order.org.name},
        "signed": _("%(unit)s is handling it.") % {"unit": order.org.name},
        "handled": _("The dispatchers have to check the result."),
        "return_review": _("The dispatchers have to rule on the return."),
        "closed": _("This order is closed."),
        "returned": _("This order left the unit."),
        "cancelled": _("This order was cancelled."),
    }[order.state]
