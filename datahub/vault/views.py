"""The steward's page of the vault: open a field with a reason, erase a person. Values come by POST only."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from commandcenter.core.errors import require
from datahub.checks.guard import personal_columns
from datahub.models import Delivery
from datahub.selectors import spec_for

from .forms import OpenForm
from .policies import may_erase
from .services import open_fields

RECENT = 20


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def vault(request: HttpRequest) -> HttpResponse:
    require(may_erase(request.user))
    opening = OpenForm(request.POST or None)
    context: dict[str, Any] = {"opening": opening}
    if request.method == "POST" and opening.is_valid():
        context |= _open(request, opening)
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
