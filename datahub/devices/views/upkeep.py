"""Announced maintenance; and for the steward: deliveries of the register, refused rows, keys, readings."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from city.selectors import area_name, organisations
from commandcenter.core.errors import BadInput, DomainError
from datahub.models import Dataset, Delivery
from datahub.sharing.querysets import officer_orgs
from datahub.states import Origin

from .. import selectors, services
from ..forms import FeedForm, KeyForm, MaintenanceForm, aware
from ..models import HeartbeatKey, Maintenance, ReadingFeed
from ..policies import may_announce, may_import
from ..words import REASONS
from .devices import frame, seen

RECENT = 10
ONCE = "datahub.heartbeat_token"


@login_required
@require_http_methods(["GET", "POST"])
def maintenance(request: HttpRequest) -> HttpResponse:
    """What is announced, and a form to announce more."""
    seen(request)
    user: Any = request.user
    owners = _own(user)
    form = MaintenanceForm(owners, selectors.counties(), request.POST or None)
    if request.method == "POST" and request.POST.get("do") == "cancel":
        found = get_object_or_404(Maintenance.objects.visible_to(user), pk=request.POST.get("id") or 0)
        _tried(
            request, lambda: services.cancel_maintenance(maintenance_id=found.pk, by=user), _("Cancelled.")
        )
        return redirect("datahub:device_maintenance")
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        done = _tried(
            request,
            lambda: services.announce_maintenance(
                owner_code=values["owner_code"], area_code=values["area_code"], kind=values["kind"],
                starts_at=aware(values["starts_at"]), ends_at=aware(values["ends_at"]),
                reason=values["reason"],                 by=user,
            ),
            _("The maintenance is announced."),
        )  # fmt: skip
        if done:
            return redirect("datahub:device_maintenance")
    rows = list(Maintenance.objects.visible_to(user).select_related("device")[:50])
    names = selectors.owner_names(one.owner_code for one in rows)
    context = frame(request, "maintenance")
    for one in rows:
        one.owner = names.get(one.owner_code, one.owner_code)  # type: ignore[attr-defined]
        one.where = area_name(one.area_code) if one.area_code else ""  # type: ignore[attr-defined]
        one.may_cancel = (  # type: ignore[attr-defined]
            one.cancelled_at is None and one.ends_at > context["at"] and may_announce(user, one.owner_code)
        )
    context |= {"rows": rows, "form": form, "may_announce": bool(owners)}
    return render(request, "datahub/devices/maintenance.html", context)


def _own(user: Any) -> list[tuple[str, str]]:
    """Owners for whom a person may announce: all that he sees, as a steward; his own, as an officer."""
    if may_import(user):
        return selectors.owners_of(user)
    names = selectors.owner_names(officer_orgs(user))
    return sorted(names.items())


def _tried(request: HttpRequest, step: Any, done: str) -> bool:
    try:
        step()
    except BadInput as error:
        messages.error(request, "; ".join(str(one.reason) for one in error.problems))
        return False
    except DomainError as error:
        messages.error(request, str(error))
        return False
    messages.success(request, done)
    return True


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def upkeep(request: HttpRequest) -> HttpResponse:
    """The steward's side of the register."""
    seen(request)
    user: Any = request.user
    if not may_import(user):
        raise PermissionDenied
    if request.method == "POST":
        _change(request, user)
        return redirect("datahub:device_upkeep")
    owners = list(organisations().order_by("code").values_list("code", "name"))
    refused = list(selectors.refusals())
    for one in refused:
        one.words = REASONS.get(one.reason, one.reason)  # type: ignore[attr-defined]
    names = dict(owners)
    keys = list(HeartbeatKey.objects.select_related("by")[:50])
    for key in keys:
        key.owner = names.get(key.owner_code, "")  # type: ignore[attr-defined]
    fed = ReadingFeed.objects.select_related("dataset").order_by("dataset__code")
    could = (
        Dataset.objects.filter(origin=Origin.SENSED, device_feed=None)
        .exclude(subject_column="")
        .exclude(time_column="")
    )
    context = {
        **frame(request, "upkeep"),
        "dataset": Dataset.objects.filter(code=services.DATASET).first(),
        "deliveries": Delivery.objects.filter(dataset__code=services.DATASET).order_by("-pk")[:RECENT],
        "refused": refused,
        "keys": keys,
        "key_form": KeyForm(owners),
        "feeds": fed,
        "feed_form": FeedForm([(one.code, one.title) for one in could.order_by("code")]),
        "once": request.session.pop(ONCE, None),
    }
    return render(request, "datahub/devices/upkeep.html", context)


def _change(request: HttpRequest, user: Any) -> None:
    match request.POST.get("do"):
        case "issue":
            try:
                _key, token = services.issue_key(
                    name=request.POST.get("name", ""), owner_code=request.POST.get("owner_code", ""), by=user
                )
            except BadInput as error:
                messages.error(request, "; ".join(str(one.reason) for one in error.problems))
            else:
                request.session[ONCE] = token
        case "end":
            key = get_object_or_404(HeartbeatKey, pk=request.POST.get("id") or 0)
            _tried(request, lambda: services.end_key(key_id=key.pk, by=user), _("The key has ended."))
        case "feed" | "unfeed" as what:
            code = request.POST.get("dataset", "")
            _tried(
                request,
                lambda: services.feed_from(dataset_code=code, by=user, on=what == "feed"),
                _("Saved."),
            )
