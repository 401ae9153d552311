"""Requests to erase a person: asked by one steward, decided by another, proved on a page that prints."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commandcenter.core.errors import BadInput, DomainError, require

from . import asking
from .erasing import FILES, LAKE, OWNERS, TABLES
from .forms import AskForm, DecideForm, HoldForm
from .models import ErasureProof, ErasureRequest, LegalHold
from .policies import may_decide_erasure, may_erase, may_withdraw_erasure
from .states import KEPT_BY, TONES, ErasureState

PAGE = 20


@login_required
@never_cache
@sensitive_post_parameters("erase-values", "hold-value")
@require_http_methods(["GET", "POST"])
def erasures(request: HttpRequest) -> HttpResponse:
    """What was asked, who must be kept, and the forms for both. Values come by POST only."""
    require(may_erase(request.user))
    does = request.POST.get("do") if request.method == "POST" else None
    asks = AskForm(request.POST if does == "ask" else None)
    holds = HoldForm(request.POST if does == "hold" else None)
    if does == "ask" and asks.is_valid():
        given = asks.cleaned_data
        made = _try(
            asks,
            lambda: asking.ask_erasure(
                values=given["values"].splitlines(),
                ground=given["ground"],
                reason=given["reason"],
                by=request.user,
            ),
        )
        if made:
            return redirect("datahub:erasure", made.pk)
    if (
        does == "hold"
        and holds.is_valid()
        and _try(holds, lambda: asking.place_hold(**holds.cleaned_data, by=request.user))
    ):
        messages.success(request, _("From now on this person is kept."))
        return redirect("datahub:erasures")
    rows = ErasureRequest.objects.select_related("asked_by", "decided_by")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "asks": asks,
        "holds": holds,
        "page_obj": page,
        "found": [(one, TONES[one.state]) for one in page],
        "standing": LegalHold.objects.filter(lifted_at=None).select_related("placed_by"),
    }
    return render(request, "datahub/vault/erasures.html", context, status=400 if does else 200)


def _try(form: Any, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except BadInput as error:
        for problem in error.problems:
            form.add_error(problem.field if problem.field in form.fields else None, str(problem.reason))
    except DomainError as error:
        form.add_error(None, str(error))
    return None


@login_required
@never_cache
@require_GET
def erasure(request: HttpRequest, pk: int) -> HttpResponse:
    require(may_erase(request.user))
    found = get_object_or_404(
        ErasureRequest.objects.select_related("asked_by", "decided_by", "held_by"), pk=pk
    )
    return render(request, "datahub/vault/erasure.html", _context(request, found, DecideForm()))


def _context(request: HttpRequest, found: ErasureRequest, form: DecideForm) -> dict[str, Any]:
    counted = found.preview or {}
    return {
        "found": found,
        "tone": TONES[found.state],
        "form": form,
        "counted": counted,
        "tables": named(counted.get(TABLES, {})),
        "lake": sorted(counted.get(LAKE, {}).items()),
        "files": counted.get(FILES, 0),
        "owners": counted.get(OWNERS, []),
        "proofs": found.proofs.all(),
        "kept_by": KEPT_BY,
        "may_decide": may_decide_erasure(request.user, found),
        "may_withdraw": may_withdraw_erasure(request.user, found),
        "is_done": found.state == ErasureState.DONE,
        "waits": found.state in (ErasureState.ASKED, ErasureState.APPROVED),
    }


def named(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """Tables by the names people know them by: label, name, rows."""
    rows = []
    for label, n in counts.items():
        try:
            name = str(apps.get_model(label)._meta.verbose_name)
        except (LookupError, ValueError):
            name = label
        rows.append((label, name, n))
    return sorted(rows)


@login_required
@never_cache
@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    require(may_erase(request.user))
    found = get_object_or_404(ErasureRequest, pk=pk)
    form = DecideForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    works: dict[str, Callable[[], Any]] = {
        "approve": lambda: asking.approve_erasure(request_id=pk, by=request.user, note=note),
        "refuse": lambda: asking.refuse_erasure(request_id=pk, by=request.user, note=note),
        "withdraw": lambda: asking.withdraw_erasure(request_id=pk, by=request.user),
    }
    if action not in works:
        raise Http404
    if _try(form, works[action]):
        return redirect("datahub:erasure", pk)
    found.refresh_from_db()
    return render(request, "datahub/vault/erasure.html", _context(request, found, form), status=400)


@login_required
@require_POST
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(LegalHold, pk=pk)
    asking.lift_hold(hold_id=pk, by=request.user)
    messages.success(request, _("What waited for it goes on by itself."))
    return redirect("datahub:erasures")


@login_required
@never_cache
@require_GET
def certificate(request: HttpRequest, pk: int) -> HttpResponse:
    """What was searched and changed, for the file and for the person; prints on one page."""
    require(may_erase(request.user))
    found = get_object_or_404(
        ErasureRequest.objects.select_related("asked_by", "decided_by"), pk=pk, state=ErasureState.DONE
    )
    proofs: list[ErasureProof] = list(found.proofs.all())
    lines = [(one, named(one.body) if one.place == TABLES else []) for one in proofs]
    owners: list[int] = next((one.body["deliveries"] for one in proofs if one.place == OWNERS), [])
    context = {"found": found, "lines": lines, "owners": owners, "seal": proofs[-1].digest if proofs else ""}
    return render(request, "datahub/vault/certificate.html", context)
