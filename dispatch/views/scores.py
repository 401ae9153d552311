"""问效: the items of a unit, each opening to the rows behind it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET

from city.querysets import within_areas
from city.roles import Role
from city.selectors import areas_of, org_ids_of, organisations
from commandcenter.core import clock
from commandcenter.core.errors import require
from dispatch.items import ITEMS, Period
from dispatch.models import Order, OrderMove
from dispatch.selectors import score_item, unit_scores
from dispatch.states import ACTION_WORDS

SEES_AREA = (Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR)
FIRST = Period(2020, 1)
WHYS = {
    "in_time": _("in time"),
    "late": _("late"),
    "missing": _("not done"),
    "measured": pgettext_lazy("score", "measured"),
    "solved_yes": pgettext_lazy("call-back", "Solved"),
    "solved_partly": _("Partly"),
    "solved_no": _("Not solved"),
    "satisfied": pgettext_lazy("call-back", "Satisfied"),
    "basically": _("Basically satisfied"),
    "dissatisfied": _("Dissatisfied"),
}
WHY_TONES = {
    "in_time": "green",
    "late": "red",
    "missing": "red",
    "solved_yes": "green",
    "solved_no": "red",
    "satisfied": "green",
    "dissatisfied": "red",
}


def visible_units(request: HttpRequest) -> Any:
    """An officer's own units; for those who answer for an area, its units."""
    areas = areas_of(request.user, *SEES_AREA)
    own = org_ids_of(request.user, Role.OFFICER)
    which = Q(pk__in=own)
    if areas:
        which |= within_areas(areas)
    return organisations().active().filter(which).order_by("area_code", "code")


@login_required
@require_GET
def scores(request: HttpRequest) -> HttpResponse:
    """All items of one unit in one month, and where several units are seen, their totals."""
    require(request.user.has_role(Role.OFFICER, *SEES_AREA))  # type: ignore[union-attr]
    at = clock.now()
    period = read_period(request, at)
    units = list(visible_units(request))
    wanted = request.GET.get("unit", "")
    chosen = next((unit for unit in units if unit.code == wanted), None)
    if wanted and chosen is None:
        raise Http404
    by_code = {unit.code: unit for unit in units}
    if chosen is None and len(units) == 1:
        chosen = units[0]
    found = unit_scores([chosen.code] if chosen else list(by_code), period, at)
    context = {
        "period": period,
        "at": at,
        "previous": period.previous() if period.previous().start >= FIRST.start else None,
        "next": period.next() if period.next().start <= at else None,
        "units": units,
        "unit": chosen,
        "totals": [{"unit": by_code[row.org_code], "row": row} for row in found if row.sample],
        "own": found[0] if chosen and found else None,
    }
    return render(request, "dispatch/scores.html", context)


@login_required
@require_GET
def score_rows(request: HttpRequest, code: str) -> HttpResponse:
    """The rows behind one item of one unit, cut to the orders that the reader may see."""
    if code not in ITEMS:
        raise Http404
    at = clock.now()
    period = read_period(request, at)
    unit = get_object_or_404(visible_units(request), code=request.GET.get("unit", ""))
    found = score_item(unit.code, code, period, at)
    orders = Order.objects.visible_to(request.user).in_bulk({row.order_id for row in found.rows})
    ids = [
        int(ref.rpartition(":")[2])
        for row in found.rows
        for ref in row.refs
        if ref.startswith("dispatch.move:")
    ]
    moves = OrderMove.objects.in_bulk(ids)
    rows = []
    for row in found.rows:
        if (order := orders.get(row.order_id)) is None:
            continue
        told = [moves[pk] for ref in row.refs if (pk := _move_id(ref)) in moves]
        rows.append(
            {
                "order": order,
                "row": row,
                "why": WHYS.get(row.why, row.why),
                "tone": WHY_TONES.get(row.why, "grey"),
                "moves": [_told(code, move) for move in told],
            }
        )
    context = {
        "item": found.item,
        "score": found,
        "unit": unit,
        "period": period,
        "at": at,
        "rows": rows,
        "hidden": len(found.rows) - len(rows),
    }
    return render(request, "dispatch/score_rows.html", context)


def _told(code: str, move: OrderMove) -> dict[str, Any]:
    """A move with the deadline that this item reads from it."""
    due = {"XW-07": move.due_at, "XW-10": move.contact_due_at}.get(code, move.sign_due_at)
    return {"words": ACTION_WORDS.get(move.action, move.action), "at": move.at, "due": due}


def _move_id(ref: str) -> int:
    kind, _sep, pk = ref.rpartition(":")
    return int(pk) if kind == "dispatch.move" else -1


def read_period(request: HttpRequest, at: Any) -> Period:
    """The month asked for, the present one where none or nonsense was."""
    try:
        return Period.parse(request.GET.get("period", ""))
    except ValueError:
        return Period.of(at)
