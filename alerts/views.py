"""The analyst's pages: alerts, one alert, detectors, one detector."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from city.grants import has_role
from city.roles import Role
from city.selectors import area_path_name
from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from commandcenter.core.moves import actions_from
from commandcenter.core.paging import page_of
from commandcenter.core.refs import id_of

from . import policies, selectors, services
from .forms import AlertFilter, NoteForm, ReviseForm, VerdictForm
from .models import Alert, Detector, DetectorMove
from .querysets import AlertQuerySet
from .states import ACTION_LABELS, ALERT_MOVES, DETECTOR_MOVES, OPEN, DetectorStatus, Health, Verdict

if TYPE_CHECKING:
    from city.models import User

    class Asked(HttpRequest):
        user: User


SEES_ALERTS = (Role.ANALYST, Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR, Role.OFFICER)


def _visible(request: Asked) -> AlertQuerySet:
    return Alert.objects.visible_to(request.user).select_related("detector", "receiver")


def _page(name: str, *args: object) -> str:
    """The address of another app's page, '' where that page does not exist."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@login_required
@require_GET
def alert_list(request: Asked) -> HttpResponse:
    """Alerts by level, newest first; trials apart. The list alone for a refresh by news."""
    require(has_role(request.user, *SEES_ALERTS))
    form = AlertFilter(request.GET)
    chosen: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    may_try = has_role(request.user, Role.ANALYST)
    trial = may_try and chosen.get("trial") == "1"
    found = _visible(request).filter(trial=trial)
    # A trial of past days is over when it is written, so "open" would show nothing.
    show = chosen.get("show") or ("all" if trial else "open")
    if show == "open" and not chosen.get("state"):
        found = found.open()
    for name in ("level", "state", "detector"):
        if chosen.get(name):
            found = found.filter(**{name: chosen[name]})
    if chosen.get("subject"):
        found = found.filter(subject__icontains=chosen["subject"])
    order = ("level", "-raised_at", "-pk") if show == "open" else ("-raised_at", "-pk")
    page = page_of(found.order_by(*order), request.GET.get("page"))
    context = {
        "form": form, "page": page, "trial": trial, "may_try": may_try, "show": show, "at": clock.now(),
        "levels": selectors.alerts_by_level(request.user, trial=trial), "level": chosen.get("level"),
        "narrowed": any(chosen.get(name) for name in ("level", "state", "detector", "subject")),
    }  # fmt: skip
    template = "alerts/_list.html" if request.headers.get("HX-Request") else "alerts/list.html"
    return render(request, template, context)


@login_required
@require_GET
def alert(request: Asked, pk: int) -> HttpResponse:
    """Evidence first, then place, history and what to do."""
    found = get_object_or_404(_visible(request), pk=pk)
    order_id = id_of(found.order_ref, "dispatch.order") if found.order_ref else None
    possible = actions_from(ALERT_MOVES, found.state)
    may_judge = policies.may_judge(request.user, found)
    context = {
        "alert": found,
        "area_name": area_path_name(found.area_code),
        "evidence": found.evidence.order_by("-at", "-pk")[:60],
        "moves": [(ACTION_LABELS.get(m.action, m.action), m) for m in found.moves.select_related("by")],
        "others": selectors.subject_history(found, request.user),
        "verdicts": Verdict.choices if may_judge and {"verify", "judge"} & set(possible) else [],
        "may_dispatch": "dispatch" in possible
        and policies.may_dispatch(request.user, found)
        and found.verdict != Verdict.FALSE,
        "may_see_detector": has_role(request.user, Role.ANALYST, Role.SUPERVISOR),
        "order_url": _page("dispatch:order", order_id) if order_id else "",
        "trace_url": _page("dashboards:trace", found.ref),
        "mean": found.detector.parameters.aggregate == "mean",
        "blind": found.detector.health != "ok" and found.state in OPEN,
        "value_name": selectors.column_words(found.detector.dataset_code, found.detector.parameters.column),
    }
    template = "alerts/_alert.html" if request.headers.get("HX-Request") else "alerts/alert.html"
    return render(request, template, context)


@login_required
@require_GET
def alert_series(request: Asked, pk: int) -> JsonResponse:
    """The chart's numbers: readings, judged measure, bounds, moments."""
    found = get_object_or_404(_visible(request), pk=pk)
    p = found.detector.parameters
    drawn = selectors.series(found)
    moments = ("started_at", "raised_at", "peak_at", "cleared_at")
    return JsonResponse(
        {
            "unit": p.unit,
            "name": selectors.column_words(found.detector.dataset_code, p.column),
            "mean": p.aggregate == "mean",
            "window_hours": p.window_hours,
            "points": drawn.points,
            "from_lake": drawn.from_lake,
            "steps": [{"level": s.level, "bound": s.bound} for s in sorted(p.steps, key=lambda s: -s.level)],
            "clear_at": p.clears_at,
            **{
                name: int(at.timestamp() * 1000) if (at := getattr(found, name)) else None for name in moments
            },
        }
    )


@login_required
@require_POST
def verify(request: Asked, pk: int) -> HttpResponse:
    """属实, 部分属实, 不属实, 无法核实."""
    found = get_object_or_404(_visible(request), pk=pk)
    form = VerdictForm(request.POST)
    if not form.is_valid():
        return _refused(request, "alerts:alert", pk, _("Choose one of the verdicts."))
    return _do(
        request, lambda: services.verify_alert(alert_id=found.pk, by=request.user, **form.cleaned_data),
        _("Your verdict was noted."), "alerts:alert", pk,
    )  # fmt: skip


@login_required
@require_POST
def dispatch(request: Asked, pk: int) -> HttpResponse:
    found = get_object_or_404(_visible(request), pk=pk)
    form = NoteForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    return _do(
        request, lambda: services.dispatch_alert(alert_id=found.pk, by=request.user, note=note),
        _("The order was sent out."), "alerts:alert", pk,
    )  # fmt: skip


@login_required
@require_GET
def detector_list(request: Asked) -> HttpResponse:
    require(has_role(request.user, Role.ANALYST, Role.SUPERVISOR))
    found = list(Detector.objects.visible_to(request.user))
    precisions = selectors.precisions(found)
    rows = [(one, precisions[one.pk], selectors.sentence(one)) for one in found]
    return render(request, "alerts/detector_list.html", {"rows": rows})


@login_required
@require_GET
def detector(request: Asked, code: str) -> HttpResponse:
    found = get_object_or_404(
        Detector.objects.visible_to(request.user).select_related("proposed_by"), code=code
    )
    return render(request, "alerts/detector.html", _detector_context(request, found, ReviseForm.of(found)))


def _detector_context(request: Asked, found: Detector, form: ReviseForm) -> dict[str, Any]:
    memories = found.memories.filter(version=found.version).order_by("subject", "trial")
    return {
        "detector": found,
        "sentence": selectors.sentence(found),
        "steps": sorted(found.parameters.steps, key=lambda s: s.level),
        "precision": selectors.precisions([found])[found.pk],
        "moves": [(_words_of(m), m) for m in found.moves.order_by("-pk")[:30]],
        "actions": _open_actions(request.user, found),
        "memories": memories[:100],
        "alerts": Alert.objects.visible_to(request.user).filter(detector=found)[:10],
        "form": form,
        "may_edit": policies.may_edit(request.user, found),
        "life": [{"label": s.label, "now": s == found.state} for s in DetectorStatus],
    }


def _words_of(move: DetectorMove) -> str:
    """A step in words; a change of sight says to what."""
    if move.action == "health" and move.body.get("health") in Health.values:
        return str(Health(move.body["health"]).label)
    return str(ACTION_LABELS.get(move.action, move.action))


def _open_actions(user: User, found: Detector) -> list[tuple[str, str]]:
    """The switch: what the table of moves and the person's rights allow now."""
    words = {
        "try": _("Start the trial"),
        "approve": _("Approve as second person"),
        "go_live": _("Switch live"),
        "suspend": _("Back to trial"),
        "retire": _("Retire"),
    }
    edits = policies.may_edit(user, found)
    allowed = {name: policies.may_approve(user, found) if name == "approve" else edits for name in words}
    return [(name, words[name]) for name in actions_from(DETECTOR_MOVES, found.state) if allowed.get(name)]


SWITCHES: dict[str, Callable[..., Any]] = {
    "try": services.try_detector,
    "approve": services.approve_detector,
    "go_live": services.go_live,
    "suspend": services.suspend_detector,
    "retire": services.retire_detector,
}


@login_required
@require_POST
def switch(request: Asked, code: str, action: str) -> HttpResponse:
    """Move a detector along its life."""
    found = get_object_or_404(Detector.objects.visible_to(request.user), code=code)
    service = SWITCHES.get(action)
    if service is None:
        return _refused(request, "alerts:detector", code, _("There is no such step."))
    return _do(
        request, lambda: service(detector_id=found.pk, by=request.user),
        _("The detector was switched."), "alerts:detector", code,
    )  # fmt: skip


@login_required
@require_POST
def revise(request: Asked, code: str) -> HttpResponse:
    """New parameters: a new version, as a draft."""
    found = get_object_or_404(Detector.objects.visible_to(request.user), code=code)
    form = ReviseForm(request.POST)
    if form.is_valid():
        try:
            services.revise_detector(
                detector_id=found.pk,
                by=request.user,
                params=form.params(found),
                note=form.cleaned_data["note"],
            )
            messages.success(request, _("A new version was made; it starts as a draft."))
            return redirect("alerts:detector", code)
        except (DomainError, PermissionDenied) as error:
            form.add_error(None, str(error))
    return render(request, "alerts/detector.html", _detector_context(request, found, form), status=400)


def _do(request: Asked, work: Callable[[], Any], words: str, page: str, key: object) -> HttpResponse:
    """Call a service; say what happened, or why not, on the page one comes back to."""
    try:
        work()
    except (DomainError, PermissionDenied) as error:
        return _refused(request, page, key, str(error))
    messages.success(request, words)
    return redirect(page, key)


def _refused(request: Asked, page: str, key: object, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect(page, key)
