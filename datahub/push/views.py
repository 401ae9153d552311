"""The steward's pages of what comes by itself: keys that push, and subscriptions of brokers."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from city.selectors import organisation
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, DomainError, require
from datahub.models import Dataset
from datahub.policies import may_deliver
from datahub.selectors import spec_for
from datahub.states import ColumnKind, DatasetStatus

from . import services
from .client import try_out
from .forms import KeyForm, StopForm, SubscriptionForm, datasets_of
from .models import PushKey, Subscription
from .repeats import by_content
from .selectors import is_live, key_uses, link_uses
from .states import LinkState, Payload

TONES: dict[str, str] = {
    LinkState.CONNECTED: "green",
    LinkState.AWAY: "red",
    LinkState.REFUSED: "red",
    LinkState.IDLE: "grey",
    LinkState.PAUSED: "grey",
}
REJECTS = 20
EXAMPLES: dict[str, Any] = {
    ColumnKind.TEXT: "…",
    ColumnKind.INTEGER: 1,
    ColumnKind.NUMBER: 1.5,
    ColumnKind.BOOLEAN: True,
    ColumnKind.TIME: "2026-11-22T08:00:00+08:00",
    ColumnKind.DATE: "2026-11-22",
}


def bars(counts: list[int], height: int = 19) -> list[dict[str, int]]:
    """Small bars of the last 24 hours."""
    top = max(counts, default=0) or 1
    heights = [max(round(n / top * height), 2) if n else 0 for n in counts]
    return [{"x": i * 4, "y": height - h, "h": h, "n": counts[i]} for i, h in enumerate(heights) if h]


# ---------------------------------------------------------------- keys


@login_required
@never_cache
@require_GET
def keys(request: HttpRequest) -> HttpResponse:
    require(may_deliver(request.user))
    return _keys(request)


def _keys(
    request: HttpRequest,
    *,
    form: KeyForm | None = None,
    once: tuple[PushKey, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    at = clock.now()
    mine = Dataset.objects.visible_to(request.user)
    found = list(
        PushKey.objects.filter(datasets__in=mine)
        .distinct()
        .prefetch_related("datasets")
        .select_related("issued_by")
    )
    uses = key_uses(found, at=at)
    rows = [
        {
            "key": key,
            "organisation": getattr(organisation(key.org_code), "name", key.org_code),
            "live": is_live(key, at),
            "use": uses[key.pk],
            "bars": bars(uses[key.pk]["hours"]),
        }
        for key in found
    ]
    context = {
        "live": [row for row in rows if row["live"]],
        "ended": [row for row in rows if not row["live"]],
        "form": form or KeyForm(request.user),
        "stop": StopForm(),
        "once": once and {"key": once[0], "token": once[1], "curl": curl_of(request, once[0], once[1])},
        "example": None if once else curl_of(request, None, "ccp_…"),
        "at": at,
    }
    return render(request, "datahub/push/keys.html", context, status=status)


def curl_of(request: HttpRequest, key: PushKey | None, token: str) -> str:
    """One row, ready to paste; with the first dataset's own columns where there is one."""
    dataset = key.datasets.order_by("code").first() if key else None
    code = dataset.code if dataset else "<code>"
    columns = spec_for(dataset).columns if dataset else ()
    row = {column.code: EXAMPLES[column.kind] for column in columns} or {"column": "value"}
    address = request.build_absolute_uri(f"/api/push/v1/{code}/rows").replace("%3C", "<").replace("%3E", ">")
    return (
        f"curl -X POST '{address}' \\\n"
        f"  -H 'Authorization: Bearer {token}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        "  -H 'Idempotency-Key: batch-1' \\\n"
        f"  -d '{json.dumps([row], ensure_ascii=False)}'"
    )


@login_required
@never_cache
@require_POST
def issue(request: HttpRequest) -> HttpResponse:
    """The key is on the page that answers, and nowhere else afterwards."""
    require(may_deliver(request.user))
    form = KeyForm(request.user, request.POST)
    if form.is_valid():
        try:
            return _keys(request, once=services.issue_key(by=request.user, **form.values()))  # type: ignore[arg-type]
        except BadInput as error:
            for problem in error.problems:
                form.add_error(problem.field if problem.field in form.fields else None, problem.reason)
    return _keys(request, form=form, status=409)


@login_required
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    require(may_deliver(request.user))
    mine = Dataset.objects.visible_to(request.user)
    get_object_or_404(PushKey.objects.filter(datasets__in=mine).distinct(), pk=pk)
    try:
        services.stop_key(key_id=pk, by=request.user, reason=request.POST.get("reason", ""))  # type: ignore[arg-type]
        messages.success(request, _("The key is stopped: the next push with it is refused."))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("datahub:push_keys")


# ---------------------------------------------------------------- subscriptions


def _mine(request: HttpRequest) -> Any:
    require(may_deliver(request.user))
    mine = Dataset.objects.visible_to(request.user)
    return Subscription.objects.filter(dataset__in=mine).select_related("dataset")


def dressed(subs: list[Subscription]) -> list[dict[str, Any]]:
    """With what comes through them. A state that no process has confirmed for a while is not believed."""
    at = clock.now()
    uses = link_uses([sub.pk for sub in subs], at=at)
    rows = []
    for sub in subs:
        silent = sub.alive_at is None or (at - sub.alive_at).total_seconds() > 90
        unread = silent and not sub.paused
        state = LinkState.IDLE if unread else LinkState(sub.state)
        rows.append(
            {
                "sub": sub,
                "state": state,
                "label": state.label,
                "tone": TONES[state],
                "unread": unread,
                "use": uses[sub.pk],
                "bars": bars(uses[sub.pk]["hours"]),
            }
        )
    return rows


@login_required
@require_GET
def subscriptions(request: HttpRequest) -> HttpResponse:
    rows = dressed(list(_mine(request)))
    part = "HX-Request" in request.headers
    template = "datahub/push/_subscriptions.html" if part else "datahub/push/subscriptions.html"
    return render(request, template, {"rows": rows, "at": clock.now()})


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """First the dataset, then the settings; they may be tried out before they are kept."""
    require(may_deliver(request.user))
    code = request.POST.get("dataset_code") or request.GET.get("dataset", "")
    open_ones = Dataset.objects.visible_to(request.user).exclude(status=DatasetStatus.RETIRED)
    dataset = open_ones.filter(code=code).first()
    context: dict[str, Any] = {"dataset": dataset, "datasets": datasets_of(request.user), "sources": SOURCES}
    if dataset is None:
        return render(request, "datahub/push/new.html", context)
    form = context["form"] = SubscriptionForm(dataset, request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return render(
            request, "datahub/push/new.html", context, status=200 if request.method == "GET" else 409
        )
    try:
        if "try" in request.POST:
            context["tried"] = try_out(services.unsaved(dataset.code, **form.values()))
        else:
            sub = services.make_subscription(dataset_code=dataset.code, by=request.user, **form.values())  # type: ignore[arg-type]
            messages.success(request, _("The subscription is made; it starts within seconds."))
            return redirect("datahub:subscription", pk=sub.pk)
    except BadInput as error:
        form.add_problems(error.problems)
    except DomainError as error:
        context["failed"] = str(error)
    return render(request, "datahub/push/new.html", context, status=200 if "tried" in context else 409)


# What the fields of a mapping offer, by kind of message.
SOURCES = ["$.name", "$.a.b", "topic:1", "topic:-1", "topic", "received", "value", "csv:1", "=text"]


@login_required
@never_cache
@require_GET
def subscription(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, get_object_or_404(_mine(request), pk=pk))


def _show(
    request: HttpRequest,
    sub: Subscription,
    *,
    form: SubscriptionForm | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    names = {column.code: column.title for column in sub.dataset.columns.all()}
    context = {
        **dressed([sub])[0],
        "dataset": sub.dataset,
        "form": form or SubscriptionForm(sub.dataset, sub=sub),
        "mapping": [(names.get(code, code), code, source) for code, source in sub.mapping.items()],
        "payload": Payload(sub.payload).label,
        "content": by_content(spec_for(sub.dataset), sub.mapping, sub.payload),
        "rejects": sub.message_rejects.all()[:REJECTS],
        "sources": SOURCES,
        "at": clock.now(),
        **more,
    }
    return render(request, "datahub/push/subscription.html", context, status=status)


@login_required
@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    sub = get_object_or_404(_mine(request), pk=pk)
    form = SubscriptionForm(sub.dataset, request.POST, sub=sub)
    if form.is_valid():
        try:
            services.change_subscription(subscription_id=pk, by=request.user, **form.values())  # type: ignore[arg-type]
            messages.success(request, _("Changed; it connects anew within seconds."))
            return redirect("datahub:subscription", pk=pk)
        except BadInput as error:
            form.add_problems(error.problems)
    return _show(request, sub, form=form, status=409)


@login_required
@require_POST
def try_it(request: HttpRequest, pk: int) -> HttpResponse:
    sub = get_object_or_404(_mine(request), pk=pk)
    try:
        return _show(request, sub, tried=try_out(sub))
    except DomainError as error:
        return _show(request, sub, failed=str(error), status=409)


@login_required
@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(_mine(request), pk=pk)
    paused = request.POST.get("paused") == "1"
    try:
        services.pause_subscription(subscription_id=pk, paused=paused, by=request.user)  # type: ignore[arg-type]
    except DomainError as error:
        messages.error(request, str(error))
    if request.POST.get("next") == "list":
        return redirect("datahub:subscriptions")
    return redirect("datahub:subscription", pk=pk)


@login_required
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(_mine(request), pk=pk)
    try:
        services.remove_subscription(subscription_id=pk, by=request.user)  # type: ignore[arg-type]
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("datahub:subscription", pk=pk)
    messages.success(request, _("The subscription is removed; its rows stay."))
    return redirect("datahub:subscriptions")
