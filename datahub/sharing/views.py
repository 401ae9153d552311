"""The pages of sharing: inbox, a dataset to apply for, one agreement, the ledger."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from city.roles import Role
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, DomainError, require
from commandcenter.journal.services import audit
from datahub.models import Dataset
from datahub.policies import may_deliver
from datahub.selectors import spec_for
from datahub.states import DatasetStatus, ShareType

from . import selectors, services
from .forms import ApplyForm
from .models import Agreement
from .policies import may_see_sharing, may_use
from .querysets import officer_orgs
from .states import ACTION_LABELS, AgreementState, ConsumerKind
from .steps import steps_for
from .terms import masks_of

S = AgreementState
TONES = {
    S.APPLIED: "accent",
    S.RETURNED: "orange",
    S.CHECKED: "accent",
    S.GRANTED: "green",
    S.REFUSED: "red",
    S.WITHDRAWN: "grey",
    S.STOPPED: "red",
    S.EXPIRED: "grey",
}
VIEWS: dict[str, Q] = {
    "todo": Q(state__in=[S.APPLIED, S.CHECKED, S.RETURNED]),
    "overdue": Q(state__in=[S.APPLIED, S.CHECKED], escalated_at__isnull=False),
    "live": Q(state=S.GRANTED),
    "ended": Q(state__in=[S.REFUSED, S.WITHDRAWN, S.STOPPED, S.EXPIRED]),
}
SHARE_TONES = {ShareType.UNCONDITIONAL: "green", ShareType.CONDITIONAL: "accent", ShareType.NONE: "grey"}
RECENT_CALLS = 30


@login_required
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """Applications by time left; grants; what has ended. The platform's own parts stand apart."""
    require(may_see_sharing(request.user))
    seen = Agreement.objects.visible_to(request.user).select_related("dataset")
    view = request.GET.get("view", "todo")
    chosen = view if view in (*VIEWS, "platform") else "todo"
    people = seen.of_people()
    rows = (
        seen.filter(consumer_kind=ConsumerKind.PLATFORM)
        if chosen == "platform"
        else people.filter(VIEWS[chosen])
    )
    counts = {name: people.filter(query).count() for name, query in VIEWS.items()}
    order = ("due_at", "-pk") if chosen in ("todo", "overdue") else ("-pk",)
    pages = Paginator(rows.order_by(*order), 30)
    page = pages.get_page(request.GET.get("page"))
    for one in page.object_list:
        dress(one)
    context = {
        "page_obj": page,
        "view": chosen,
        "views": [
            ("todo", _("Under way"), counts["todo"]),
            ("overdue", _("Overdue, reported"), counts["overdue"]),
            ("live", pgettext("sharing", "In force"), counts["live"]),
            ("ended", _("Ended"), counts["ended"]),
            ("platform", _("This platform's own"), None),
        ],
        "at": clock.now(),
        "may_apply": bool(officer_orgs(request.user)),
        "may_cascade": may_deliver(request.user),
    }
    partial = bool(request.headers.get("HX-Request"))
    return render(
        request, "datahub/sharing/_inbox.html" if partial else "datahub/sharing/inbox.html", context
    )


def dress(agreement: Agreement) -> Agreement:
    """What a row shows beside the fields."""
    agreement.tone = TONES[AgreementState(agreement.state)]  # type: ignore[attr-defined]
    agreement.consumer = selectors.consumer_name(agreement)  # type: ignore[attr-defined]
    agreement.provider = selectors.provider_name(agreement)  # type: ignore[attr-defined]
    return agreement


@login_required
@require_GET
def pick(request: HttpRequest) -> HttpResponse:
    """Published datasets, to apply for one of them."""
    require(may_see_sharing(request.user))
    words = request.GET.get("q", "").strip()[:60]
    found = Dataset.objects.filter(status=DatasetStatus.PUBLISHED).exclude(
        provider__in=officer_orgs(request.user) or [""]
    )
    if words:
        found = found.filter(
            Q(name__icontains=words)
            | Q(name_en__icontains=words)
            | Q(code__icontains=words)
            | Q(domain__icontains=words)
            | Q(columns__name__icontains=words)
        ).distinct()
    page = Paginator(found.order_by("domain", "code"), 30).get_page(request.GET.get("page"))
    for one in page.object_list:
        one.tone = SHARE_TONES[ShareType(one.share_type)]  # type: ignore[attr-defined]
    context = {"page_obj": page, "q": words, "may_apply": bool(officer_orgs(request.user))}
    return render(request, "datahub/sharing/pick.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def apply_page(request: HttpRequest, code: str) -> HttpResponse:
    orgs = officer_orgs(request.user)
    require(bool(orgs), _("Only an officer applies, for his organisation."))
    dataset = get_object_or_404(Dataset, code=code, status=DatasetStatus.PUBLISHED)
    form = ApplyForm(dataset, sorted(orgs), request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            made = services.apply_for(
                dataset_code=dataset.code,
                by=request.user,  # type: ignore[arg-type]
                org_code=form.cleaned_data["org_code"],
                purpose=form.cleaned_data["purpose"],
                legal_basis=form.cleaned_data["legal_basis"],
                **form.terms(),
            )
            messages.success(request, _("Application %(number)s was sent in.") % {"number": made.number})
            return redirect("datahub:sharing:agreement", pk=made.pk)
        except DomainError as error:
            put_errors(form, error)
            status = 409
    context = {
        "dataset": dataset,
        "form": form,
        "tone": SHARE_TONES[ShareType(dataset.share_type)],
        "refused": dataset.share_type == ShareType.NONE,
        "basis": services.share_basis(dataset),
    }
    return render(request, "datahub/sharing/apply.html", context, status=status)


def put_errors(form: Any, error: DomainError) -> None:
    """A service's refusal, beside the field it is about."""
    if not isinstance(error, BadInput):
        form.add_error(None, str(error))
        return
    for problem in error.problems:
        field = problem.field if problem.field in form.fields else None
        form.add_error(field, problem.reason if field else f"{problem.field}: {problem.reason}")


def _agreement(request: HttpRequest, pk: int) -> Agreement:
    require(may_see_sharing(request.user))
    visible = Agreement.objects.visible_to(request.user).select_related("dataset").with_use()
    return get_object_or_404(visible, pk=pk)


@login_required
@never_cache
@require_GET
def agreement(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, _agreement(request, pk))


def _show(
    request: HttpRequest,
    found: Agreement,
    *,
    forms: dict[str, Any] | None = None,
    once: Any = None,
    status: int = 200,
) -> HttpResponse:
    """The page. once: a secret that is shown this time only."""
    dress(found)
    steps = [(one, (forms or {}).get(one.name) or one.form(found)) for one in steps_for(request.user, found)]
    spec = spec_for(found.dataset)
    hidden = masks_of(spec, found.masking)
    names = {column.code: column for column in found.dataset.columns.all()}
    moves = list(found.moves.all())
    for move in moves:
        move.words = ACTION_LABELS.get(move.action, move.action)  # type: ignore[attr-defined]
    days = selectors.calls_by_day(found)
    folder = services.folder_of(found)
    context = {
        "agreement": found,
        "dataset": found.dataset,
        "columns": [(names.get(code), code, hidden.get(code, "")) for code in found.columns],
        "conditions": found.row_filter,
        "moves": moves,
        "steps": steps,
        "once": once,
        "live": selectors.is_live(found),
        "at": clock.now(),
        "uses": may_use(request.user, found),
        "days": days,
        "bars": bars_of([day["calls"] for day in days]),
        "calls": found.share_calls.all()[:RECENT_CALLS],
        "carried": list(found.deliveries_out.all()),
        "files": sorted((p.name for p in folder.glob("*")), reverse=True)[:40] if folder.is_dir() else [],
        "yields": found.yields.all()[:20],
        "url": request.build_absolute_uri(f"/api/share/v1/{found.dataset.code}/rows"),
    }
    return render(request, "datahub/sharing/agreement.html", context, status=status)


def bars_of(counts: list[int], height: int = 60) -> list[dict[str, int]]:
    top = max(counts, default=0) or 1
    heights = [max(round(n / top * height), 2) if n else 0 for n in counts]
    return [{"x": n * 8, "y": height - h, "h": h, "n": counts[n]} for n, h in enumerate(heights)]


@login_required
@never_cache
@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """One step. A secret it makes is on the page that answers, and nowhere else afterwards."""
    found = _agreement(request, pk)
    chosen = next((one for one in steps_for(request.user, found) if one.name == action), None)
    require(chosen is not None)
    assert chosen is not None
    form = chosen.form(found, request.POST)
    if not form.is_valid():
        return _show(request, found, forms={action: form}, status=409)
    try:
        made = chosen.run(found, request.user, form)
    except DomainError as error:
        put_errors(form, error)
        return _show(request, _agreement(request, pk), forms={action: form}, status=409)
    if isinstance(made, str):
        return _show(request, _agreement(request, pk), once={"kind": action, "secret": made})
    messages.success(request, _("Done: %(step)s") % {"step": chosen.label})
    return redirect("datahub:sharing:agreement", pk=pk)


@login_required
@require_GET
def file(request: HttpRequest, pk: int, name: str) -> FileResponse:
    """A file of the drop, for the consumer only, as long as the grant is in force."""
    found = _agreement(request, pk)
    require(may_use(request.user, found))
    require(services.standing(found) is None, _("The grant is no longer in force."))
    folder = services.folder_of(found)
    path = folder / name
    if path.parent != folder or not path.is_file():
        raise Http404
    audit(
        actor=request.user,  # type: ignore[arg-type]
        action="datahub.fetch_share_file",
        target_ref=found.ref,
        ip=request.META.get("REMOTE_ADDR"),
        body={"file": name},
    )
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)


@login_required
@require_GET
def ledger(request: HttpRequest) -> HttpResponse:
    """What each grant was used for and what it produced: calls, rows, and what was reported."""
    require(may_see_sharing(request.user) and request.user.has_role(*LEDGER_ROLES))  # type: ignore[union-attr]
    rows = Agreement.objects.visible_to(request.user).most_used_first().select_related("dataset")
    page = Paginator(rows, 30).get_page(request.GET.get("page"))
    produced = selectors.yields_of(list(page.object_list))
    for one in page.object_list:
        dress(one)
        one.made, one.produced = produced.get(one.pk, (0, []))  # type: ignore[attr-defined]
    totals = selectors.ledger_totals(request.user)
    return render(request, "datahub/sharing/ledger.html", {"page_obj": page, "totals": totals})


LEDGER_ROLES = (Role.STEWARD, Role.OFFICER, Role.LEADER, Role.SUPERVISOR)
