"""The grid worker's phone, and the page of a report."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from city.locate import locate
from city.selectors import area_path_name
from commandcenter.core.coordinates import wgs84_to_cgcs2000
from commandcenter.core.errors import BadInput, DomainError, Problem, require
from commandcenter.core.paging import page_of
from commandcenter.core.refs import id_of

from . import selectors, services
from .assets import worker_script
from .forms import ReportForm
from .models import Report
from .policies import may_report
from .states import ACTION_LABELS

if TYPE_CHECKING:
    from city.models import User

    class Asked(HttpRequest):
        user: User


def _visible(request: Asked) -> QuerySet[Report]:
    return Report.objects.visible_to(request.user).select_related("kind", "org", "reporter")


@login_required
@never_cache
@require_GET
def report(request: Asked) -> HttpResponse:
    """The phone page: photo, place, kind, send."""
    require(may_report(request.user))
    services.ensure_event_kinds()
    context = {
        "common": selectors.common_kinds(request.user),
        "classes": selectors.kinds_by_class(),
        "areas": selectors.areas_to_choose(request.user),
        "client_uuid": uuid.uuid4(),
        "today": _visible(request).filter(reporter=request.user)[:3],
    }
    return render(request, "grid/report.html", context)


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Take a report: JSON for the phone's queue, a redirect for a browser without script."""
    wants_json = "application/json" in request.headers.get("Accept", "")
    if not request.user.is_authenticated:
        return _answer({"code": "login", "detail": _("Please sign in again.")}, 401, wants_json, request)
    form = ReportForm(request.POST, request.FILES)
    try:
        if not form.is_valid():
            raise BadInput([Problem(None, name, str(errors[0])) for name, errors in form.errors.items()])
        taken = services.report_event(by=request.user, **form.arguments())
    except BadInput as error:
        body = {
            "code": error.code,
            "detail": "；".join(str(p.reason) for p in error.problems),
            "problems": error.as_dicts(),
        }
        return _answer(body, 400, wants_json, request)
    except DomainError as error:
        return _answer({"code": error.code, "detail": str(error)}, 409, wants_json, request)
    except PermissionDenied as error:
        return _answer({"code": "forbidden", "detail": str(error)}, 403, wants_json, request)
    if not wants_json:
        return redirect("grid:detail", pk=taken.pk)
    url = reverse("grid:detail", args=[taken.pk])
    return JsonResponse(
        {"id": taken.pk, "number": taken.number, "state": taken.state, "url": url}, status=201
    )


def _answer(body: Mapping[str, object], status: int, wants_json: bool, request: HttpRequest) -> HttpResponse:
    if wants_json:
        return JsonResponse(dict(body), status=status, json_dumps_params={"default": str})
    if status == 401:
        return redirect("account_login")
    return render(request, "grid/refused.html", dict(body), status=status)


@never_cache
@require_GET
def token(request: HttpRequest) -> JsonResponse:
    """Whether the phone is still signed in, as whom, and a fresh token for what waits in its queue."""
    user_id = request.user.pk if request.user.is_authenticated else None
    return JsonResponse({"user": user_id, "csrf": get_token(request)})


@login_required
@require_GET
def where(request: Asked) -> JsonResponse:
    """The area at a measured point (WGS-84 degrees), in words."""
    try:
        lon, lat = float(request.GET["lon"]), float(request.GET["lat"])
        x, y = wgs84_to_cgcs2000(lon, lat)
    except (KeyError, ValueError):
        return JsonResponse({"code": "bad_input"}, status=400)
    code = locate(float(x), float(y)) or ""
    return JsonResponse({"code": code, "name": selectors.short_path(code)})


@login_required
@never_cache
@require_GET
def mine(request: Asked) -> HttpResponse:
    """Own reports and how far they are; the list alone for a refresh by news."""
    require(may_report(request.user))
    page = page_of(_visible(request).filter(reporter=request.user), request.GET.get("page"), 20)
    template = "grid/_mine_list.html" if request.headers.get("HX-Request") else "grid/mine.html"
    return render(request, template, {"page": page})


@login_required
@require_GET
def detail(request: Asked, pk: int) -> HttpResponse:
    found = get_object_or_404(_visible(request), pk=pk)
    moves = [
        {"words": ACTION_LABELS.get(move.action, move.action), "move": move} for move in found.moves.all()
    ]
    order_id = id_of(found.order_ref, "dispatch.order") if found.order_ref else None
    context = {
        "report": found,
        "moves": moves,
        "area_name": area_path_name(found.area_code),
        "may_report": may_report(request.user),
        "order_url": _page("dispatch:order", order_id) if order_id and not may_report(request.user) else "",
        "trace_url": _page("dashboards:trace", found.ref),
    }
    return render(request, "grid/detail.html", context)


def _page(name: str, key: object) -> str:
    """The address of another app's page, '' where that page does not exist."""
    try:
        return reverse(name, args=[key])
    except NoReverseMatch:
        return ""


@login_required
@require_GET
def photo(request: Asked, pk: int) -> FileResponse:
    """The photo, to who may see the report; never from a public folder."""
    found = get_object_or_404(_visible(request), pk=pk)
    if not found.photo:
        raise Http404
    response = FileResponse(found.photo.open("rb"), content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=3600"
    return response


@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker; it must come from this folder to stand before the page when there is no net."""
    script = worker_script()
    if script is None:
        raise Http404
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = reverse("grid:report")
    response["Cache-Control"] = "no-cache"
    return response
