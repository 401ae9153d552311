"""The list, the map, one device."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from city.selectors import area_path_name, roots
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, DomainError
from commandcenter.journal.services import audit

from .. import selectors, services
from ..exports import device_table
from ..models import Device
from ..policies import may_import, may_open_stream, may_register_stream, may_see_devices
from ..states import DeviceKind, DeviceState, FaultState, Feed

ROWS = 50
TONES: dict[str, str] = {
    DeviceState.ONLINE: "green",
    DeviceState.OFFLINE: "orange",
    DeviceState.FAULT: "red",
    DeviceState.SUSPENDED: "grey",
    DeviceState.RETIRED: "grey",
}
FAULT_TONES: dict[str, str] = {
    FaultState.OPEN: "red",
    FaultState.ACKNOWLEDGED: "orange",
    FaultState.REPAIRED: "accent",
    FaultState.CONFIRMED: "green",
    FaultState.CLOSED: "grey",
}
FILTERS = ("q", "kind", "state", "feed", "owner", "area", "heard")


def seen(request: HttpRequest) -> None:
    """Whoever has nothing to do with devices does not learn that there are any."""
    if not may_see_devices(request.user):
        raise Http404


def frame(request: HttpRequest, tab: str) -> dict[str, Any]:
    """What every page of the register shows."""
    return {"tab": tab, "may_import": may_import(request.user), "at": clock.now()}


def filters(request: HttpRequest) -> dict[str, Any]:
    asked = {name: request.GET.get(name, "") for name in FILTERS}
    return {
        "asked": asked,
        "narrowed": any(asked.values()),
        "kinds": DeviceKind.choices,
        "states": DeviceState.choices,
        "feeds": Feed.choices,
        "owners": selectors.owners_of(request.user),
        "areas": selectors.counties(),
        "query": "&".join(f"{name}={value}" for name, value in asked.items() if value and name != "q"),
    }


def with_words(rows: list[Device]) -> list[Device]:
    names = selectors.owner_names(one.owner_code for one in rows)
    for one in rows:
        one.tone = TONES[one.state]  # type: ignore[attr-defined]
        one.owner = names.get(one.owner_code, one.owner_code)  # type: ignore[attr-defined]
        one.where = area_path_name(one.area_code)  # type: ignore[attr-defined]
    return rows


@login_required
@require_GET
def devices(request: HttpRequest) -> HttpResponse:
    seen(request)
    shown = filters(request)
    found = selectors.listed(request.user, shown["asked"]).select_related("pulse").order_by("code")
    page = selectors.CappedPaginator(found, ROWS).get_page(request.GET.get("page"))
    counts = selectors.state_counts(selectors.listed(request.user, {**shown["asked"], "state": ""}))
    tiles = [
        (value, label, counts.get(value, 0)) for value, label in DeviceState.choices if value != "retired"
    ]
    context = {
        **frame(request, "list"),
        **shown,
        "page_obj": page,
        "capped": page.paginator.count >= selectors.COUNTED,
        "counts": tiles,
        "total": sum(counts.values()),
    }
    with_words(list(page.object_list))
    context["rows"] = with_words(list(page.object_list))
    template = (
        "datahub/devices/_list.html" if request.headers.get("HX-Request") else "datahub/devices/list.html"
    )
    return render(request, template, context)


@login_required
@require_GET
def device_map(request: HttpRequest) -> HttpResponse:
    seen(request)
    context = {**frame(request, "map"), **filters(request), "city": next(iter(roots()), "")}
    return render(request, "datahub/devices/map.html", context)


@login_required
@require_GET
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The list as it is filtered, as a file; written down with what was asked for."""
    seen(request)
    asked = {name: request.GET.get(name, "") for name in FILTERS}
    found = selectors.listed(request.user, asked)
    audit(
        actor=request.user,  # type: ignore[arg-type]
        action="datahub.export_devices",
        target_ref="datahub.devices:list",
        ip=request.META.get("REMOTE_ADDR"),
        body={"asked": {name: value for name, value in asked.items() if value}, "rows": found.count()},
    )
    answer = StreamingHttpResponse(device_table(found, request.user), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="devices.csv"'
    return answer


def one(request: HttpRequest, pk: int) -> Device:
    seen(request)
    found = get_object_or_404(Device.objects.visible_to(request.user).select_related("pulse"), pk=pk)
    with_words([found])
    return found


@login_required
@require_GET
@never_cache
def device(request: HttpRequest, pk: int) -> HttpResponse:
    found = one(request, pk)
    at = clock.now()
    user: Any = request.user
    stream = services.stream_shown_to(user, found)
    context = {
        **frame(request, "list"),
        "device": found,
        "strips": selectors.strips(found, at),
        "hours": [(n * 60, f"{n:02d}") for n in range(0, 24, 3)],
        "outages": selectors.outages(found),
        "faults": with_tones(selectors.faults_of(found)),
        "changes": found.changes.select_related("by")[:20],
        "maintenance": found.maintenance.running(at=at).first(),
        "has_stream": hasattr(found, "stream"),
        "stream": stream,
        "may_open": may_open_stream(user, found),
        "may_register": may_register_stream(user, found),
        "grants": found.stream_grants.select_related("by")[:10],
    }
    return render(request, "datahub/devices/device.html", context)


def with_tones(faults: list[Any]) -> list[Any]:
    names = selectors.owner_names(one.owner_code for one in faults)
    for fault in faults:
        fault.tone = FAULT_TONES[fault.state]
        fault.owner = names.get(fault.owner_code, fault.owner_code)
    return faults


@login_required
@require_GET
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """What the map shows of a device that was clicked."""
    found = one(request, pk)
    context = {
        "device": found,
        "outages": selectors.outages(found, 3),
        "faults": with_tones(selectors.faults_of(found, 3)),
    }
    return render(request, "datahub/devices/_card.html", context)


@login_required
@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    found = one(request, pk)
    user: Any = request.user
    try:
        if action == "open_stream":
            services.open_stream(
                device_id=found.pk,
                by=user,
                reason=request.POST.get("reason", ""),
                ip=request.META.get("REMOTE_ADDR"),
            )
        elif action == "register_stream":
            services.register_stream(device_id=found.pk, by=user, url=request.POST.get("url", ""))
            messages.success(request, _("The address was registered."))
        else:
            raise Http404
    except (BadInput, DomainError) as error:
        problems = getattr(error, "problems", None)
        messages.error(request, "; ".join(str(p.reason) for p in problems) if problems else str(error))
    return redirect("datahub:device", pk=found.pk)
