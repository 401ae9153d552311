"""Correction requests: asked for, decided, corrected."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from commandcenter.core.moves import actions_from
from datahub.models import Dataset
from datahub.selectors import row_by_ref, spec_for
from datahub.sharing.querysets import officer_orgs
from datahub.sharing.views import put_errors
from datahub.views import shown

from ..forms import AskForm, DeliveryForm, NoteForm, ReasonForm
from ..models import CorrectionRequest
from ..policies import may_ask_correction, may_decide_correction, may_withdraw_correction
from ..selectors import column_titles, org_names
from ..services import arriving
from ..services import corrections as services
from ..states import CORRECTION_LABELS, CORRECTION_MOVES, WAITING, CorrectionState

S = CorrectionState
TONES = {S.ASKED: "accent", S.ACCEPTED: "orange", S.CORRECTED: "green", S.REFUSED: "red", S.WITHDRAWN: "grey"}
VIEWS: dict[str, Q] = {
    "waiting": Q(state__in=sorted(WAITING)),
    "overdue": Q(state__in=sorted(WAITING), escalated_at__isnull=False),
    "ended": Q(state__in=[S.CORRECTED, S.REFUSED, S.WITHDRAWN]),
}
LABELS = {
    "accept": gettext_lazy("Accept"),
    "register": gettext_lazy("Correct it in the register now"),
    "correct": gettext_lazy("It was corrected by a delivery"),
    "refuse": gettext_lazy("Refuse with the reason"),
    "withdraw": gettext_lazy("Withdraw the request"),
    "open": gettext_lazy("Open the two values"),
}
FORMS: dict[str, type[forms.Form]] = {
    "accept": NoteForm,
    "register": NoteForm,
    "correct": DeliveryForm,
    "refuse": ReasonForm,
    "withdraw": NoteForm,
    "open": ReasonForm,
}


def dressed(found: Any) -> Any:
    found.tone = TONES[CorrectionState(found.state)]
    found.since = found.decided_at if found.state == S.ACCEPTED else found.asked_at
    return found


@login_required
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    seen = CorrectionRequest.objects.visible_to(request.user).select_related("dataset")
    view = request.GET.get("view", "waiting")
    view = view if view in VIEWS else "waiting"
    order = ("-ended_at",) if view == "ended" else ("due_at", "pk")
    page = Paginator(seen.filter(VIEWS[view]).order_by(*order), 30).get_page(request.GET.get("page"))
    codes = {code for one in page.object_list for code in (one.dataset.provider, one.requester_org)}
    names = org_names(codes)
    columns = column_titles({one.dataset_id for one in page.object_list})
    for one in page.object_list:
        dressed(one)
        one.column_title = columns.get((one.dataset_id, one.column), one.column)  # type: ignore[attr-defined]
        one.owner = names.get(one.dataset.provider, one.dataset.provider)  # type: ignore[attr-defined]
        one.asker = names.get(one.requester_org, one.requester_org)  # type: ignore[attr-defined]
    context = {
        "page_obj": page,
        "view": view,
        "views": [
            ("waiting", pgettext("corrections", "Under way"), seen.filter(VIEWS["waiting"]).count()),
            ("overdue", pgettext("corrections", "Overdue"), seen.filter(VIEWS["overdue"]).count()),
            ("ended", pgettext("corrections", "Ended"), None),
        ],
        "at": clock.now(),
    }
    name = "_corrections.html" if request.headers.get("HX-Request") else "corrections.html"
    return render(request, f"datahub/quality/{name}", context)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """For one record: from a sample's row, from the trace page."""
    asked = request.POST if request.method == "POST" else request.GET
    ref = asked.get("row", "").replace("\x00", "")[:120]
    held = row_by_ref(ref)
    dataset = Dataset.objects.filter(code=held["dataset_code"]).first() if held else None
    if held is None or dataset is None or not may_ask_correction(request.user, dataset):
        raise Http404
    spec = spec_for(dataset)
    if request.method == "POST":
        form = AskForm(spec, request.POST)
    else:
        column = asked.get("column", "")
        form = AskForm(spec, initial={"row": ref, "column": column, "wrong": _now(held, spec, column)})
    if request.method == "POST" and form.is_valid():
        try:
            data = form.cleaned_data
            made = services.ask_correction(
                row_ref=data["row"],
                column=data["column"],
                wrong=data["wrong"],
                proposed=data["proposed"],
                evidence=data["evidence"],
                by=request.user,  # type: ignore[arg-type]
                org_code=min(officer_orgs(request.user), default=""),
            )
        except DomainError as error:
            put_errors(form, error)
        else:
            said = _("Request %(number)s was sent to the owner.") % {"number": made.number}
            messages.success(request, said)
            return redirect("datahub:correction", pk=made.pk)
    context = {"form": form, "dataset": dataset, "record": _record(dataset, held), "row_ref": ref}
    return render(request, "datahub/quality/ask.html", context, status=422 if form.errors else 200)


def _now(held: dict[str, Any], spec: Any, column: str) -> str:
    known = next((one for one in spec.columns if one.code == column), None)
    value = held["values"].get(column)
    return "" if known is None or known.personal or value is None else str(shown(value))[:500]


def _record(dataset: Dataset, held: dict[str, Any]) -> list[tuple[Any, Any]]:
    return [(column, shown(held["values"].get(column.code))) for column in dataset.columns.all()]


def _correction(request: HttpRequest, pk: int) -> CorrectionRequest:
    seen = CorrectionRequest.objects.visible_to(request.user).select_related(
        "dataset", "delivery", "agreement"
    )
    return get_object_or_404(seen, pk=pk)


@login_required
@never_cache
@require_GET
def correction(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, _correction(request, pk))


def _steps(user: Any, found: CorrectionRequest, given: dict[str, Any]) -> list[dict[str, Any]]:
    possible = actions_from(CORRECTION_MOVES, found.state)
    allowed = []
    if may_decide_correction(user, found):
        if "accept" in possible:
            allowed.append("accept")
        if "correct" in possible:
            allowed += ["register"] if arriving.can_correct_in_register(found) else []
            allowed.append("correct")
        if "refuse" in possible:
            allowed.append("refuse")
        if found.sealed:
            allowed.append("open")
    if "withdraw" in possible and may_withdraw_correction(user, found):
        allowed.append("withdraw")
    main = next((one for one in ("accept", "register", "correct") if one in allowed), "")
    return [
        {
            "name": one,
            "label": LABELS[one],
            "form": given.get(one) or FORMS[one](auto_id=f"{one}_%s"),
            "main": one == main,
            "grave": one == "refuse",
        }
        for one in allowed
    ]


def _show(
    request: HttpRequest,
    found: CorrectionRequest,
    *,
    given: Any = None,
    opened: Any = None,
    status: int = 200,
) -> HttpResponse:
    dressed(found)
    held = row_by_ref(found.row_ref)
    moves = list(found.moves.all())
    for move in moves:
        move.words = CORRECTION_LABELS.get(move.action, move.action)  # type: ignore[attr-defined]
    column = found.dataset.columns.filter(code=found.column).first()
    names = org_names([found.dataset.provider, found.requester_org])
    context = {
        "correction": found,
        "dataset": found.dataset,
        "column": column,
        "record": _record(found.dataset, held) if held else [],
        "owner": names.get(found.dataset.provider, found.dataset.provider),
        "asker": names.get(found.requester_org, found.requester_org),
        "moves": moves,
        "steps": _steps(request.user, found, given or {}),
        "opened": opened,
        "steward": request.user.has_role("steward"),  # type: ignore[union-attr]
        "at": clock.now(),
    }
    return render(request, "datahub/quality/correction.html", context, status=status)


@login_required
@never_cache
@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    found = _correction(request, pk)
    require(action in {step["name"] for step in _steps(request.user, found, {})})
    form = FORMS[action](request.POST, auto_id=f"{action}_%s")
    if not form.is_valid():
        return _show(request, found, given={action: form}, status=422)
    run: dict[str, Callable[..., Any]] = {
        "accept": services.accept_correction,
        "refuse": services.refuse_correction,
        "withdraw": services.withdraw_correction,
        "correct": services.correct_by_delivery,
        "register": arriving.correct_in_register,
    }
    data = dict(form.cleaned_data)
    try:
        if action == "open":
            opened = services.open_correction(
                correction_id=pk,
                by=request.user,  # type: ignore[arg-type]
                reason=data["note"],
                ip=request.META.get("REMOTE_ADDR"),
            )
            return _show(request, found, opened=opened)
        if "delivery" in data:
            data["delivery_id"] = data.pop("delivery")
        run[action](correction_id=pk, by=request.user, **data)
    except DomainError as error:
        put_errors(form, error)
        return _show(request, _correction(request, pk), given={action: form}, status=409)
    messages.success(request, _("Done: %(step)s") % {"step": LABELS[action]})
    return redirect("datahub:correction", pk=pk)
