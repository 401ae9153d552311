"""Cockpit, trace, tiles, search: translate requests, nothing more."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from city.selectors import area, grants_of
from datahub.devices import tiles as device_tiles

from . import cockpit, search, tiles, trace
from .catalogue import PASSPORTS
from .passports import passport_of
from .policies import families_of, home_area, may_open_cockpit, may_see_area
from .rows import visible

TILES = {
    "requests": (
        "tickets.taken",
        "tickets.direct",
        "tickets.dispatched",
        "orders.signed_rate",
        "orders.handled_rate",
        "calls.satisfied",
    ),
    "main": ("tickets.open", "orders.open", "orders.overdue", "alerts.open", "reports.made"),
    "alerts": ("alerts.open.1", "alerts.open.2", "alerts.open.3", "alerts.open.4"),
    "data": ("data.rows_committed", "data.rows_rejected", "data.late"),
}


def _area_of(request: HttpRequest) -> str:
    """The area asked for, or one's own; 404 for one that the person may not see."""
    code = request.GET.get("area") or home_area(request.user)
    if not may_see_area(request.user, code):
        raise Http404
    return code


@login_required
@require_GET
def cockpit_page(request: HttpRequest) -> HttpResponse:
    if not may_open_cockpit(request.user):
        raise PermissionDenied
    code = _area_of(request)
    families = families_of(request.user, code)
    shown = {
        name: [PASSPORTS[key] for key in keys if PASSPORTS[key].family in families]
        for name, keys in TILES.items()
    }
    if "tickets" not in families:
        shown["requests"] = []
    layers = [
        {"key": key, "label": label}
        for key, family, label in (
            ("orders", "orders", _("Orders open")),
            ("requests", "tickets", _("Requests today")),
            ("alerts", "alerts", _("Alerts open")),
            ("reports", "reports", _("Grid reports")),
        )
        if family in families
    ]
    context = {
        "area": area(code),
        "city_name": cockpit.city_name(code),
        "tiles": {**shown, "units": "orders" in families},
        "layers": layers,
        "words": _words(),
        "workbench_url": workbench_of(request.user),
    }
    return render(request, "dashboards/cockpit.html", context)


def workbench_of(user: Any) -> str:
    """Where one works when not looking at the cockpit."""
    return "/orders/" if user.has_role("dispatcher", "leader", "supervisor") else "/alerts/"


def _words() -> dict[str, str]:
    """Sentences that the cockpit's modules fill in."""
    return {
        "as_of": _("as of {time}"),
        "none_yet": _("None counted yet today"),
        "no_categories": _("No data: no request has been sorted today yet."),
        "no_alerts": _("No open alert. New ones appear here at once."),
        "no_events": _("No data: nothing has happened here yet. News appears by itself."),
        "no_units": _("No data: no unit reached the minimum sample of {n} this month."),
        "no_units_here": _("No data: no unit of its own answers for this area."),
        "best": _("Best"),
        "worst": _("Weakest"),
        "sample": _("sample {n}"),
        "units_note": _("{period}, at least {minimum} orders per item; {n} units below that are not ranked"),
        "late_sources": _("Late:"),
        "and_more": _("and {n} more"),
        "taken": _("Taken"),
        "closed": _("Settled"),
        "last_year": _("Last year"),
        "no_map": _("No map: this browser cannot draw one. The areas as a list:"),
        "layer_orders": _("Orders open"),
        "layer_requests": _("Requests today"),
        "layer_alerts": _("Alerts open"),
        "layer_reports": _("Grid reports open"),
    }


@login_required
@require_GET
def cockpit_data(request: HttpRequest) -> JsonResponse:
    if not may_open_cockpit(request.user):
        raise PermissionDenied
    return JsonResponse(cockpit.cockpit_data(request.user, _area_of(request)))


@login_required
@require_GET
def passport(request: HttpRequest, key: str) -> HttpResponse:
    known = PASSPORTS.get(key)
    code = _area_of(request)
    if known is None or known.family not in families_of(request.user, code):
        raise Http404
    return render(request, "components/passport.html", {"passport": passport_of(request.user, known, code)})


@login_required
@require_GET
@cache_control(private=True, max_age=300)
def areas(request: HttpRequest, code: str) -> JsonResponse:
    if not may_see_area(request.user, code):
        raise Http404
    return JsonResponse(tiles.shapes_of(code))


@login_required
@require_GET
def tile(request: HttpRequest, layer: str, z: int, x: int, y: int) -> HttpResponse:
    if layer == "devices":
        return _devices_tile(request, z, x, y)
    if layer not in tiles.LAYERS or not tiles.valid(z, x, y) or not grants_of(request.user):
        raise Http404
    order_id = request.GET.get("order")
    if order_id is not None and (layer != "orders" or not order_id.isdecimal()):
        raise Http404
    if order_id and not visible("order", request.user).filter(pk=order_id).exists():
        raise Http404
    body = tiles.tile(layer, request.user, z, x, y, order_id=int(order_id) if order_id else None)
    answer = HttpResponse(body, content_type="application/vnd.mapbox-vector-tile")
    answer["Cache-Control"] = "private, max-age=300" if layer == "areas" else "private, no-store"
    return answer


def _devices_tile(request: HttpRequest, z: int, x: int, y: int) -> HttpResponse:
    """Cameras and sensors, narrowed as the list is; nobody without a right to any learns that there are."""
    if not device_tiles.valid(z, x, y) or not device_tiles.may_ask(request.user):
        raise Http404
    body = device_tiles.tile(request.user, z, x, y, request.GET)
    answer = HttpResponse(body, content_type="application/vnd.mapbox-vector-tile")
    answer["Cache-Control"] = "private, max-age=10"
    return answer


@login_required
@require_GET
def trace_page(request: HttpRequest, ref: str) -> HttpResponse:
    found = trace.trace_of(request.user, ref)
    if found is None:
        raise Http404
    return render(request, "dashboards/trace.html", {"trace": found})


@login_required
@require_GET
def search_page(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()[:100]
    groups = search.search(request.user, query) if query else []
    # An exact number leads straight to its page.
    exact = [hit for group in groups for hit in group["hits"] if hit["exact"] and hit["url"]]
    if len(exact) == 1:
        return redirect(exact[0]["url"])
    total = sum(len(group["hits"]) for group in groups)
    return render(request, "dashboards/search.html", {"query": query, "groups": groups, "total": total})
