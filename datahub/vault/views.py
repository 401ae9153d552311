"""The steward's page of the vault: open a field with a reason, erase a person. Values come by POST only."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from commandcenter.core.errors import BadInput, require
from commandcenter.journal.services import audit
from datahub.checks.guard import personal_columns
from datahub.models import Delivery
from datahub.selectors import spec_for

from .erasing import erase_subject, find_subjects
from .forms import EraseForm, OpenForm
from .models import VaultErasure
from .policies import may_erase
from .services import open_fields

RECENT = 20


@login_required
@never_cache
@sensitive_post_parameters("erase-value")
@require_http_methods(["GET", "POST"])
def vault(request: HttpRequest) -> HttpResponse:
    require(may_erase(request.user))
    asked = request.POST.get("do") if request.method == "POST" else None
    opening = OpenForm(request.POST if asked == "open" else None)
    erasing = EraseForm(request.POST if asked == "erase" else None)
    context: dict[str, Any] = {"opening": opening, "erasing": erasing}
    if asked == "open" and opening.is_valid():
        context |= _open(request, opening)
    if asked == "erase" and erasing.is_valid():
        answer = _erase(request, erasing)
        if answer is not None:
            return answer
    context["erasures"] = VaultErasure.objects.select_related("subject", "by")[:RECENT]
    return render(request, "datahub/vault/vault.html", context)


def _open(request: HttpRequest, form: OpenForm) -> dict[str, Any]:
    """The row's personal fields, in the answer to this request and nowhere else."""
    key = form.cleaned_data["ref"]
    visible = Delivery.objects.visible_to(request.user).select_related("dataset")
    delivery = visible.filter(pk=key[0]).first()
    spec = spec_for(delivery.dataset) if delivery else None
    columns = personal_columns(spec) if spec else []
    if delivery is None or spec is None or not columns:
        form.add_error("ref", _("There is no such row with personal fields."))
        return {}
    found = open_fields(
        dataset_code=spec.code,
        rows=[key],
        columns=columns,
        by=request.user,
        reason=form.cleaned_data["reason"],
        ip=request.META.get("REMOTE_ADDR"),
    )
    if key not in found:
        form.add_error("ref", _("There is no such row with personal fields."))
        return {}
    titles = {column.code: column.title for column in delivery.dataset.columns.all()}
    return {
        "dataset": delivery.dataset,
        "opened": [(titles[column], value) for column, value in found[key].items()],
    }


def _erase(request: HttpRequest, form: EraseForm) -> HttpResponse | None:
    """Without the confirmation only says how many persons are meant; a look is written down as well."""
    subjects = [one for one in find_subjects(form.cleaned_data["value"]) if one.erased_at is None]
    reason = form.cleaned_data["reason"]
    if not subjects:
        form.add_error("value", _("Nobody is known by that, or he was erased already."))
        return None
    if not form.cleaned_data["confirm"]:
        audit(
            actor=request.user,  # type: ignore[arg-type]
            action="datahub.find_person",
            reason=reason,
            body={"persons": [one.token for one in subjects]},
        )
        text = ngettext(
            "One person is meant. Confirm to erase.",
            "%(n)s persons are meant. Confirm to erase all.",
            len(subjects),
        )
        form.add_error("confirm", text % {"n": len(subjects)})
        return None
    try:
        for subject in subjects:
            erase_subject(token=subject.token, by=request.user, reason=reason)
    except (BadInput, PermissionDenied) as error:
        form.add_error(None, str(error))
        return None
    messages.success(request, _("Erased. Older files of the lake are removed within a day."))
    return redirect("datahub:vault")
