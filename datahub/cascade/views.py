"""The page of the cascade: peers, what they show, what comes from them, counted per direction."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from datahub.policies import may_deliver

from . import services
from .forms import PeerForm, RouteForm
from .selectors import peers_with_routes, totals
from .states import Direction
from .tasks import sync_cascade


def _page(request: HttpRequest, *, form: Any = None, once: str = "", status: int = 200) -> HttpResponse:
    context = {
        "rows": peers_with_routes(),
        "totals": [(Direction(name).label, name, found) for name, found in totals().items()],
        "directions": Direction.choices,
        "form": form or PeerForm(),
        "once": once,
        "at": clock.now(),
    }
    return render(request, "datahub/cascade/peers.html", context, status=status)


@login_required
@never_cache
@require_GET
def peers(request: HttpRequest) -> HttpResponse:
    require(may_deliver(request.user))
    return _page(request)


@login_required
@require_POST
def add_peer(request: HttpRequest) -> HttpResponse:
    require(may_deliver(request.user))
    form = PeerForm(request.POST)
    if form.is_valid():
        try:
            services.add_peer(by=request.user, **form.cleaned_data)  # type: ignore[arg-type]
            messages.success(request, _("The peer is registered."))
            return redirect("datahub:cascade:peers")
        except DomainError as error:
            form.add_error(None, str(error))
    return _page(request, form=form, status=409)


@login_required
@never_cache
@require_POST
def give_key(request: HttpRequest, pk: int) -> HttpResponse:
    """A new key for the peer, shown on the page that answers and never again."""
    require(may_deliver(request.user))
    return _page(request, once=services.give_key(peer_id=pk, by=request.user))  # type: ignore[arg-type]


@login_required
@require_POST
def add_route(request: HttpRequest) -> HttpResponse:
    require(may_deliver(request.user))
    form = RouteForm(request.POST)
    if form.is_valid():
        try:
            route = services.add_route(by=request.user, **form.cleaned_data)  # type: ignore[arg-type]
            messages.success(request, _("Rows come to %(code)s from now on.") % {"code": route.dataset.code})
        except DomainError as error:
            messages.error(request, str(error))
    return redirect("datahub:cascade:peers")


@login_required
@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    require(may_deliver(request.user))
    paused = request.POST.get("paused") == "1"
    services.set_paused(route_id=pk, paused=paused, by=request.user)  # type: ignore[arg-type]
    return redirect("datahub:cascade:peers")


@login_required
@require_POST
def sync_now(request: HttpRequest) -> HttpResponse:
    require(may_deliver(request.user))
    sync_cascade.apply_async(queue="lake")
    messages.info(request, _("Fetching has begun; the counts follow."))
    return redirect("datahub:cascade:peers")
