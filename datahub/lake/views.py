"""The panel of a register: as known now, and as known at the end of a past day."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from commandcenter.core.errors import require
from commandcenter.core.times import start_of_day
from datahub.models import Dataset
from datahub.policies import may_see_hub, may_see_sample
from datahub.selectors import is_register, register_page, spec_for

LIMIT = 10


@login_required
@require_GET
def register(request: HttpRequest, code: str) -> HttpResponse:
    require(may_see_hub(request.user))
    found = get_object_or_404(Dataset.objects.visible_to(request.user), code=code)
    spec = spec_for(found)
    if not is_register(spec):
        raise Http404
    require(may_see_sample(request.user, found))
    day = _day(request.GET.get("day", ""))
    shown = [_side(found.code, None)]
    if day is not None:
        shown.append({**_side(found.code, start_of_day(day + timedelta(days=1))), "day": day})
    context = {"dataset": found, "columns": found.columns.all(), "sides": shown, "day": day}
    return render(request, "datahub/_register.html", context)


def _day(text: str) -> Any:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _side(code: str, moment: Any) -> dict[str, Any]:
    from datahub.views import shown

    entries, rows = register_page(code, moment, LIMIT)
    hidden = {"_known_from"}
    values = [[shown(v) for name, v in row.items() if name not in hidden] for row in rows]
    return {"day": None, "entries": entries, "rows": values}
