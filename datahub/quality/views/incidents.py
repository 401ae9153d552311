"""Incidents: the inbox, one incident, its steps."""

import csv
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from django.views.decorators.http import require_GET, require_POST

from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from commandcenter.core.moves import actions_from
from commandcenter.core.times import SHANGHAI
from commandcenter.journal.services import audit
from datahub.sharing.querysets import officer_orgs

from ..models import Incident
from ..policies import may_close_incident, may_see_quality, may_work_incident
from ..selectors import incidents_shown, org_names
from ..services import act_on_incident
from ..services.incidents import BY_PEOPLE, NOTE_NEEDED
from ..states import INCIDENT_LABELS, INCIDENT_MOVES, Because, IncidentKind, IncidentState, Severity
from ..words import TODO, dressed, links_of

MOST_AT_ONCE, MOST_EXPORTED = 200, 20_000
STEP_LABELS = {
    "acknowledge": gettext_lazy("Acknowledge"),
    "start_mending": gettext_lazy("Begin to mend"),
    "resolve": gettext_lazy("Report as mended"),
    "close": gettext_lazy("Close without mending"),
    "note": gettext_lazy("Add a note"),
}
MAIN = ("acknowledge", "start_mending", "resolve")


class StepForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("What was found or done"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 3, "data-test": "note"}),
    )
    because = forms.ChoiceField(
        label=gettext_lazy("Cause"),
        required=False,
        widget=forms.Select(attrs={"class": "form-select", "data-test": "because"}),
    )

    def __init__(self, action: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cause = self.fields["because"]
        assert isinstance(cause, forms.ChoiceField)
        if action == "resolve":
            cause.choices = [(one.value, one.label) for one in (Because.MENDED, Because.REPLAYED)]
        elif action == "close":
            cause.choices = [(one.value, one.label) for one in Because]
        else:
            del self.fields["because"]
        self.fields["note"].required = action in NOTE_NEEDED
        if action in ("acknowledge", "start_mending"):
            del self.fields["note"]


@login_required
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """By time left; what is mine, what is over, what has ended."""
    require(may_see_quality(request.user))
    at = clock.now()
    rows, asked = incidents_shown(request.user, request.GET, at=at)
    page = Paginator(rows, 30).get_page(request.GET.get("page"))
    names = org_names(one.org_code for one in page.object_list)
    for one in dressed(page.object_list):
        one.owner = names.get(one.org_code, one.org_code)
    counts = asked["counts"]
    views = [
        ("open", pgettext("incidents", "Open"), counts["open"]),
        ("overdue", pgettext("incidents", "Overdue"), counts["overdue"]),
        ("resolved", _("To be confirmed"), counts["resolved"]),
        ("closed", pgettext("incidents", "Closed"), None),
    ]
    if officer_orgs(request.user):
        views.insert(1, ("mine", pgettext("incidents", "Mine"), counts["mine"]))
    context = {
        "page_obj": page,
        "filters": asked["filters"],
        "view": asked["filters"]["view"],
        "views": views,
        "kinds": IncidentKind.choices,
        "severities": Severity.choices,
        "may_acknowledge": any(one.state == IncidentState.OPEN for one in page.object_list),
        "at": at,
    }
    partial = bool(request.headers.get("HX-Request"))
    name = "_incidents.html" if partial else "incidents.html"
    return render(request, f"datahub/quality/{name}", context)


@login_required
@require_POST
def acknowledge_many(request: HttpRequest) -> HttpResponse:
    """Each by itself: one that somebody else took meanwhile does not hold up the others."""
    require(may_see_quality(request.user))
    asked = [int(pk) for pk in request.POST.getlist("pk")[:MOST_AT_ONCE] if pk.isdecimal() and len(pk) < 18]
    seen = Incident.objects.visible_to(request.user).filter(pk__in=asked, state=IncidentState.OPEN)
    done = 0
    for pk in list(seen.values_list("pk", flat=True)):
        try:
            act_on_incident(incident_id=pk, action="acknowledge", by=request.user)
            done += 1
        except DomainError:
            continue
    said = ngettext("%(n)s incident acknowledged.", "%(n)s incidents acknowledged.", done)
    messages.success(request, said % {"n": done})
    return redirect("datahub:incidents")


@login_required
@require_GET
def export(request: HttpRequest) -> StreamingHttpResponse:
    require(may_see_quality(request.user))
    rows, asked = incidents_shown(request.user, request.GET, at=clock.now())
    audit(
        actor=request.user,  # type: ignore[arg-type]
        action="datahub.export_incidents",
        ip=request.META.get("REMOTE_ADDR"),
        body=asked["filters"],
    )
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="incidents.csv"'
    return response


class _Line:
    def write(self, value: str) -> str:
        return value


def _lines(rows: Any) -> Any:
    writer = csv.writer(_Line())
    head = [_("Number"), _("Kind"), _("Matter"), _("Dataset"), _("Owner"), _("Severity"), _("State")]
    head += [_("Times"), _("Opened"), _("Due"), _("Closed"), _("Cause")]
    yield "\ufeff" + writer.writerow(head)
    for one in dressed(rows[:MOST_EXPORTED]):
        times = (one.opened_at, one.due_at, one.closed_at)
        opened, due, closed = (f"{t.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if t else "" for t in times)
        yield writer.writerow(
            [
                one.number, one.get_kind_display(), one.title, one.dataset.code if one.dataset else "",
                one.org_code, one.get_severity_display(), one.get_state_display(), one.times, opened, due,
                closed, one.get_because_display(),
            ]
        )  # fmt: skip


def _incident(request: HttpRequest, pk: int) -> Incident:
    seen = Incident.objects.visible_to(request.user).select_related("dataset", "delivery")
    return get_object_or_404(seen, pk=pk)


@login_required
@require_GET
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, _incident(request, pk))


def _steps(user: Any, found: Incident, given: dict[str, Any]) -> list[dict[str, Any]]:
    """What this person may do next, the most likely first and open."""
    allowed = []
    for action in actions_from(INCIDENT_MOVES, found.state):
        may = may_close_incident if action == "close" else may_work_incident
        if action in BY_PEOPLE and may(user, found):
            allowed.append(action)
    main = next((action for action in MAIN if action in allowed), "")
    return [
        {
            "name": action,
            "label": STEP_LABELS[action],
            "form": given.get(action) or StepForm(action, auto_id=f"{action}_%s"),
            "main": action == main,
            "grave": action == "close",
        }
        for action in sorted(allowed, key=lambda one: (one != main, list(STEP_LABELS).index(one)))
    ]


def _show(request: HttpRequest, found: Incident, *, given: Any = None, status: int = 200) -> HttpResponse:
    dressed([found])
    moves = list(found.moves.all())
    for move in moves:
        move.words = INCIDENT_LABELS.get(move.action, move.action)  # type: ignore[attr-defined]
    context = {
        "incident": found,
        "owner": org_names([found.org_code]).get(found.org_code, found.org_code),
        "moves": moves,
        "steps": _steps(request.user, found, given or {}),
        "todo": TODO[found.kind],
        "links": [link for link in links_of(found) if _may_follow(request.user, link[1])],
        "at": clock.now(),
    }
    name = "_incident.html" if request.headers.get("HX-Request") else "incident.html"
    return render(request, f"datahub/quality/{name}", context, status=status)


def _may_follow(user: Any, url: str) -> bool:
    """An officer sees no page of the hub's own: only what is his to mend."""
    return user.has_role("steward") or url.endswith("/mend/") or "/sharing/" in url


@login_required
@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    found = _incident(request, pk)
    require(action in BY_PEOPLE)
    form = StepForm(action, request.POST, auto_id=f"{action}_%s")
    if not form.is_valid():
        return _show(request, found, given={action: form}, status=409)
    try:
        act_on_incident(
            incident_id=pk,
            action=action,
            by=request.user,
            note=form.cleaned_data.get("note", ""),
            because=form.cleaned_data.get("because", ""),
        )
    except DomainError as error:
        form.add_error(None, str(error))
        return _show(request, _incident(request, pk), given={action: form}, status=409)
    messages.success(request, _("Done: %(step)s") % {"step": STEP_LABELS[action]})
    return redirect("datahub:incident", pk=pk)
