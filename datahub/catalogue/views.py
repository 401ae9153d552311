"""Pages of the catalogue: search, one entry, declaring in the browser, the duplicate guard."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from pydantic import ValidationError

from city.roles import Role
from city.selectors import organisation, organisations
from commandcenter.core.errors import BadInput, DomainError, require
from datahub import tasks
from datahub.policies import may_see_hub

from . import selectors
from .declaring import initial_columns, initial_dataset, spec_from
from .duplicates import Asked, find_repeats
from .forms import ColumnFormSet, DatasetForm, GuardForm, SampleForm, columns_of
from .models import Proposal
from .numbers import parts_of
from .policies import may_ask_guard, may_declare, may_edit, may_read_catalogue
from .proposing import Found
from .querysets import catalogue_of
from .services.guard import answer_repeats, saved_so_far
from .services.life import move_dataset
from .services.proposals import begin_proposal, declare_dataset, deliver_sample, drop_proposal, repeats_of
from .states import Decision

PAGE = 25


@login_required
@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """Search by name, department, theme, tag or column; filters beside it."""
    require(may_read_catalogue(request.user))
    text = request.GET.get("q", "").strip()[:100]
    chosen = {name: request.GET.get(name, "")[:80] for name in selectors.FILTERS}
    tag = request.GET.get("tag", "")[:40]
    found = selectors.search(request.user, text=text, tag=tag, **chosen)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    names = dict(organisations().values_list("code", "name"))
    context = {
        "page_obj": page,
        "rows": [
            {
                "dataset": one,
                "provider": names.get(one.provider, one.provider),
                "hits": selectors.hits(one, text) if text else [],
                "tone": selectors.STATUS_TONES[one.status],
            }
            for one in page.object_list
        ],
        "text": text,
        "tag": tag,
        "filters": [
            {"name": name, "choices": offered, "chosen": chosen[name]}
            for name, offered in selectors.choices(request.user).items()
        ],
        "tags": selectors.common_tags(request.user),
        "may_declare": may_declare(request.user),
        "opens_hub": may_see_hub(request.user),
        "filtered": bool(text or tag or any(chosen.values())),
    }
    return render(request, "datahub/catalogue/list.html", context)


@login_required
@require_GET
def entry(request: HttpRequest, code: str) -> HttpResponse:
    """The core metadata of one dataset, for every member of the staff; rows are on the hub's own page."""
    require(may_read_catalogue(request.user))
    found = get_object_or_404(catalogue_of(request.user), code=code)
    context = {
        "dataset": found,
        "columns": found.columns.all(),
        "number": parts_of(found.catalogue_number),
        "provider": organisation(found.provider),
        "tone": selectors.STATUS_TONES[found.status],
        "opens_hub": may_see_hub(request.user),
        "may_apply": request.user.has_role(Role.OFFICER),  # type: ignore[union-attr]
    }
    return render(request, "datahub/catalogue/entry.html", context)


@login_required
@require_POST
def move(request: HttpRequest, code: str) -> HttpResponse:
    """Review, send back, publish, retire."""
    require(may_declare(request.user))
    get_object_or_404(catalogue_of(request.user), code=code)
    try:
        found = move_dataset(
            code=code,
            action=request.POST.get("action", ""),
            by=request.user,
            note=request.POST.get("note", "")[:500],
        )
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            _("%(name)s: %(state)s.") % {"name": found.title, "state": found.get_status_display()},
        )
    return redirect("datahub:dataset", code=code)


@login_required
@require_http_methods(["GET", "POST"])
def begin(request: HttpRequest) -> HttpResponse:
    """A sample or a header: the hub reads it and proposes."""
    require(may_declare(request.user))
    form = SampleForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        pasted = form.cleaned_data["header"].strip() + "\n"
        try:
            made = begin_proposal(
                chunks=file.chunks() if file else [pasted.encode()],
                file_name=file.name if file else "",
                by=request.user,
                pasted=not file,
            )
        except BadInput as error:
            form.add_error("file" if file else "header", str(error))
        else:
            return redirect("datahub:proposal", pk=made.pk)
    return render(request, "datahub/catalogue/begin.html", {"form": form})


@login_required
@require_http_methods(["GET", "POST"])
def proposal(request: HttpRequest, pk: Any) -> HttpResponse:
    """What was read out of the sample, to correct; then a draft. Repeats are questioned in between."""
    held = get_object_or_404(Proposal.objects.select_related("dataset"), pk=pk)
    require(may_edit(request.user, held))
    found = Found.model_validate(held.found)
    if request.method == "POST":
        form = DatasetForm(found, request.POST)
        columns = ColumnFormSet(request.POST, prefix="c")
    else:
        form = DatasetForm(found, initial=initial_dataset(found, file_name=held.file_name))
        columns = ColumnFormSet(initial=initial_columns(found), prefix="c")
    context: dict[str, Any] = {"proposal": held, "found": found, "form": form, "columns": columns}
    if request.method == "POST" and form.is_valid() and columns.is_valid():
        try:
            spec = spec_from(form.cleaned_data, [one.cleaned_data for one in columns])
        except ValidationError as error:
            form.add_error(None, "; ".join(one["msg"] for one in error.errors()))
        else:
            repeats = repeats_of(spec)
            reason = request.POST.get("reason", "").strip()[:500]
            if repeats and request.POST.get("answer") == Decision.REUSE:
                return _reuse(request, held, spec.name, repeats)
            if repeats and not reason:
                context["repeats"] = repeats
                context["asked"] = bool(request.POST.get("answer"))
            else:
                try:
                    made = declare_dataset(proposal_id=held.pk, spec=spec, by=request.user, reason=reason)
                except BadInput as error:
                    for problem in error.problems:
                        form.add_error(
                            problem.field if problem.field in form.fields else None, problem.reason
                        )
                except DomainError as error:
                    form.add_error(None, str(error))
                else:
                    return _declared(request, held, made.code)
    context["lines"] = list(zip(columns, found.columns, strict=False))
    return render(request, "datahub/catalogue/proposal.html", context)


def _declared(request: HttpRequest, held: Proposal, code: str) -> HttpResponse:
    messages.success(request, _("The draft is made. A second person reviews it before it is published."))
    if request.POST.get("deliver") and held.file_name:
        return deliver(request, held.pk)
    return redirect("datahub:dataset", code=code)


def _reuse(request: HttpRequest, held: Proposal, title: str, repeats: list[Any]) -> HttpResponse:
    answer = answer_repeats(title=title, repeats=repeats, decision=Decision.REUSE, by=request.user)
    drop_proposal(proposal_id=held.pk, by=request.user)
    hours = answer.hours_saved
    messages.success(request, _("Not collected again: about %(hours)s hours spared.") % {"hours": hours})
    return redirect("datahub:dataset", code=repeats[0].dataset.code)


@login_required
@require_POST
def deliver(request: HttpRequest, pk: Any) -> HttpResponse:
    """The sample itself becomes the first delivery."""
    try:
        delivery = deliver_sample(proposal_id=pk, by=request.user)
    except Proposal.DoesNotExist:
        return redirect("datahub:declare")
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("datahub:proposal", pk=pk)
    if delivery.is_open:
        code = delivery.dataset.code
        tasks.work_dataset.apply_async(kwargs={"dataset_code": code}, queue="lake")
    return redirect("datahub:delivery", pk=delivery.pk)


@login_required
@require_http_methods(["GET", "POST"])
def guard(request: HttpRequest) -> HttpResponse:
    """Before a form is sent to counties and villages: does the city hold this already?"""
    require(may_ask_guard(request.user))
    form = GuardForm(request.POST or None)
    context: dict[str, Any] = {"form": form, "opens_hub": may_see_hub(request.user)}
    if request.method == "POST" and form.is_valid():
        names = columns_of(form.cleaned_data["columns"])
        repeats = find_repeats([Asked(name, (name,)) for name in names], subject=form.cleaned_data["subject"])
        decision = request.POST.get("answer", "")
        context.update(repeats=repeats, asked=names, checked=True)
        if repeats and decision in Decision.values:
            try:
                context["answer"] = answer_repeats(
                    title=form.cleaned_data["title"],
                    repeats=repeats,
                    decision=decision,
                    by=request.user,
                    reason=form.cleaned_data["reason"],
                )
            except BadInput as error:
                form.add_error("reason", error.problems[0].reason)
    context["saved"] = saved_so_far()
    return render(request, "datahub/catalogue/guard.html", context)
