"""The inbox of faults, one fault, availability."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from city.selectors import area_path_name
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, DomainError
from commandcenter.core.moves import actions_from

from .. import selectors, services
from ..models import Fault
from ..policies import may_work_fault
from ..states import ACTION_WORDS, BY_PEOPLE, FAULT_MOVES, WAITING, DeviceKind, FaultState
from .devices import frame, seen, with_tones, with_words

ROWS = 30
VIEWS: dict[str, tuple[Any, ...]] = {
    "waiting": tuple(WAITING),
    "confirmed": (FaultState.CONFIRMED,),
    "closed": (FaultState.CLOSED,),
}
DAYS = (1, 7, 30)
BY = ("owner", "area", "kind")


@login_required
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits, by time left; groups first among equals, since one trip mends many."""
    seen(request)
    found = Fault.objects.visible_to(request.user)
    at = clock.now()
    view = request.GET.get("view", "waiting")
    if view not in (*VIEWS, "overdue"):
        view = "waiting"
    rows = found.overdue(at=at) if view == "overdue" else found.filter(state__in=VIEWS[view])
    if owner := request.GET.get("owner", "")[:40].replace("\x00", ""):
        rows = rows.filter(owner_code=owner)
    rows = rows.order_by("-pk") if view == "closed" else rows.order_by("due_at", "-devices", "-pk")
    page = Paginator(rows, ROWS).get_page(request.GET.get("page"))
    page.object_list = with_tones(list(page.object_list))
    labels = {
        "waiting": (_("To mend"), found.waiting().count()),
        "overdue": (_("Overdue"), found.overdue(at=at).count()),
        "confirmed": (_("Heard again"), found.filter(state=FaultState.CONFIRMED).count()),
        "closed": (_("Closed"), None),
    }
    context = {
        **frame(request, "faults"),
        "page_obj": page,
        "view": view,
        "views": [(name, *words) for name, words in labels.items()],
    }
    template = (
        "datahub/devices/_faults.html" if request.headers.get("HX-Request") else "datahub/devices/faults.html"
    )
    return render(request, template, context)


@login_required
@require_GET
def fault(request: HttpRequest, pk: int) -> HttpResponse:
    seen(request)
    found = get_object_or_404(Fault.objects.visible_to(request.user), pk=pk)
    with_tones([found])
    members = list(found.members.select_related("device")[:200])
    with_words([one.device for one in members])
    moves = list(found.moves.all())
    for move in moves:
        move.words = ACTION_WORDS.get(move.action, move.action)  # type: ignore[attr-defined]
    allowed = may_work_fault(request.user, found)
    context = {
        **frame(request, "faults"),
        "fault": found,
        "place": area_path_name(found.area_code),
        "members": members,
        "moves": moves,
        "actions": [name for name in actions_from(FAULT_MOVES, found.state) if allowed and name in BY_PEOPLE],
        "by_order": found.order_id is not None,
    }
    return render(request, "datahub/devices/fault.html", context)


@login_required
@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    seen(request)
    found = get_object_or_404(Fault.objects.visible_to(request.user), pk=pk)
    user: Any = request.user
    note = request.POST.get("note", "")
    try:
        if action == "acknowledge":
            services.acknowledge_fault(fault_id=found.pk, by=user, note=note)
        elif action == "repair":
            services.repair_fault(fault_id=found.pk, by=user, note=note)
        else:
            raise Http404
    except (BadInput, DomainError) as error:
        problems = getattr(error, "problems", None)
        messages.error(request, "; ".join(str(p.reason) for p in problems) if problems else str(error))
    return redirect("datahub:fault", pk=found.pk)


@login_required
@require_GET
def availability(request: HttpRequest) -> HttpResponse:
    """Online and intact rates by owner, area or kind, and day by day."""
    seen(request)
    at = clock.now()
    text = request.GET.get("days", "7")
    days = int(text) if text in {str(n) for n in DAYS} else 7
    by = request.GET.get("by", "owner")
    by = by if by in BY else "owner"
    asked = {"kind": request.GET.get("kind", ""), "owner": request.GET.get("owner", "")}
    series = selectors.rates(request.user, by="day", days=30, at=at, asked=asked)
    whole = selectors.rates(request.user, by="day", days=days, at=at, asked=asked)
    should = sum(one.should_s for one in whole)
    context = {
        **frame(request, "availability"),
        "rates": selectors.rates(request.user, by=by, days=days, at=at, asked=asked),
        "by": by,
        "days": days,
        "choices": DAYS,
        "bys": [("owner", _("Owner")), ("area", _("Area")), ("kind", _("Kind"))],
        "asked": asked,
        "kinds": DeviceKind.choices,
        "owners": selectors.owners_of(request.user),
        "online": sum(one.online_s for one in whole) / should if should else None,
        "intact": sum(one.intact_s for one in whole) / should if should else None,
        "line": _line(series),
        "first": series[0].name if series else "",
        "last": series[-1].name if series else "",
    }
    return render(request, "datahub/devices/availability.html", context)


WIDE, HIGH, FLOOR = 600, 120, 0.95


def _line(series: list[selectors.Rate]) -> dict[str, Any]:
    """The two rates over thirty days as points of an SVG; the scale ends at the lowest value, at most 95%."""
    values = [rate for one in series for rate in (one.online, one.intact) if rate is not None]
    low = min([FLOOR, *values])
    low = int(low * 20) / 20
    step = WIDE / max(1, len(series) - 1)

    def points(name: str) -> str:
        return " ".join(
            f"{n * step:.1f},{HIGH - (getattr(one, name) - low) / (1 - low) * HIGH:.1f}"
            for n, one in enumerate(series)
            if getattr(one, name) is not None
        )

    return {"online": points("online"), "intact": points("intact"), "low": low, "n": len(series)}
