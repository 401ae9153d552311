"""Rules in the browser: the list, one rule with its dry run, on and off."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commandcenter.core.errors import DomainError, require
from datahub.checks.rules import describe
from datahub.models import Dataset
from datahub.policies import may_see_hub
from datahub.selectors import spec_for
from datahub.sharing.views import put_errors
from datahub.views import shown

from ..clocks import limit
from ..forms import FIELDS_OF, RuleForm
from ..policies import may_change_rules
from ..scoring import DIMENSION_OF
from ..services.rules import restore_rule, rule_spec, save_rule, switch_rule
from ..states import Dimension, Limit
from ..trying import Trial, try_rule
from ..words import KINDS


def _dataset(request: HttpRequest, code: str) -> Dataset:
    require(may_see_hub(request.user))
    return get_object_or_404(Dataset.objects.visible_to(request.user), code=code)


@login_required
@require_GET
def rules(request: HttpRequest, code: str) -> HttpResponse:
    dataset = _dataset(request, code)
    names = {column.code: column.title for column in dataset.columns.all()}
    rows = []
    for row in dataset.rules.select_related("changed_by").order_by("-active", "pk"):
        spec = rule_spec(dataset.code, row.code)
        assert spec is not None
        rows.append(
            {
                "row": row,
                "kind": KINDS.get(row.kind, row.kind),
                "dimension": Dimension(DIMENSION_OF[row.kind]).label,
                "column": names.get(row.column, row.column),
                "numbers": describe(spec),
                "tolerance": None if row.tolerance is None else row.tolerance * 100,
            }
        )
    context = {
        "dataset": dataset,
        "rows": rows,
        "may_change": may_change_rules(request.user, dataset),
        "default": limit(Limit.TOLERANCE) / 10,
    }
    return render(request, "datahub/quality/rules.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest, code: str, rule_code: str = "") -> HttpResponse:
    """The form. `try` counts what would fail and changes nothing; `save` switches on, `save_off` off."""
    dataset = _dataset(request, code)
    may = may_change_rules(request.user, dataset)
    require(may or request.method == "GET")
    held = rule_spec(dataset.code, rule_code) if rule_code else None
    if rule_code and held is None:
        raise Http404
    spec = spec_for(dataset)
    form = RuleForm(dataset, spec, held, request.POST or None)
    trial: Trial | None = None
    do = request.POST.get("do", "")
    if request.method == "POST" and form.is_valid():
        try:
            made = form.spec_of_rule()
            if do == "try":
                trial = try_rule(dataset, made, request.user, last_only="last_only" in request.POST)
            else:
                save_rule(
                    dataset_code=dataset.code,
                    rule=made,
                    by=request.user,
                    active=do != "save_off",
                    note=form.cleaned_data["note"],
                )
                messages.success(request, _("The rule is kept. It holds from the next delivery on."))
                return redirect("datahub:rules", code=dataset.code)
        except DomainError as error:
            put_errors(form, error)
    row = dataset.rules.filter(code=rule_code).first() if rule_code else None
    context = {
        "dataset": dataset,
        "form": form,
        "rule": row,
        "may_change": may,
        "fields_of": FIELDS_OF,
        "trial": trial,
        "trial_rows": _trial_rows(trial),
        "columns": {column.code: column.title for column in dataset.columns.all()},
    }
    return render(request, "datahub/quality/rule.html", context, status=422 if form.errors else 200)


def _trial_rows(trial: Trial | None) -> list[dict[str, Any]]:
    if trial is None:
        return []
    return [
        {"ref": one["ref"], "values": [(shown(value), seen) for value, seen in one["values"]]}
        for one in trial.examples
    ]


@login_required
@require_POST
def act(request: HttpRequest, code: str, rule_code: str, action: str) -> HttpResponse:
    dataset = _dataset(request, code)
    note = request.POST.get("note", "")[:300].replace("\x00", "")
    run = {
        "on": lambda: switch_rule(dataset_code=code, code=rule_code, active=True, by=request.user, note=note),
        "off": lambda: switch_rule(
            dataset_code=code, code=rule_code, active=False, by=request.user, note=note
        ),
        "restore": lambda: restore_rule(dataset_code=code, code=rule_code, by=request.user, note=note),
    }.get(action)
    if run is None:
        raise Http404
    try:
        run()
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done. It holds from the next delivery on."))
    return redirect("datahub:rules", code=dataset.code)
