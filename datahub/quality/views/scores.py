"""A dataset's quality: its score over time, what it is made of, the deliveries of a day."""

from datetime import date

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commandcenter.core import clock
from commandcenter.core.errors import require
from datahub.models import Dataset
from datahub.policies import may_see_hub

from ..models import DeliveryScore
from ..policies import may_change_rules
from ..selectors import (
    WINDOW_DAYS,
    chart_of,
    checks_now,
    deliveries_of_day,
    dimension_rows,
    score_by_day,
    scores_now,
    tone_of,
)
from ..states import ALIVE
from ..words import DIMENSIONS, check_words, dressed, rule_names


@login_required
@require_GET
def quality(request: HttpRequest, code: str) -> HttpResponse:
    require(may_see_hub(request.user))
    dataset = get_object_or_404(Dataset.objects.visible_to(request.user), code=code)
    at = clock.now()
    score = scores_now([dataset.pk], at=at).get(dataset.pk)
    days = score_by_day(dataset, at=at)
    chosen = _day(request.GET.get("day", ""))
    rows = (
        deliveries_of_day(dataset, chosen)
        if chosen
        else DeliveryScore.objects.filter(dataset=dataset).select_related("delivery")
    )
    page = Paginator(rows, 20).get_page(request.GET.get("page"))
    for one in page.object_list:
        one.tone = tone_of(one.score)  # type: ignore[attr-defined]
    checks = checks_now(dataset, at=at)
    names = rule_names([dataset.pk])
    for check in checks:
        held = names.get((dataset.pk, check["rule"]))
        check["words"] = f"{held[0]}: {held[1]}" if held else check_words(check["rule"])
        check["tone"] = tone_of(check["rate"])
    dimensions = dimension_rows(score)
    for row in dimensions:
        row["words"] = DIMENSIONS[row["code"]]
        row["tone"] = tone_of(row["value"])
    context = {
        "dataset": dataset,
        "score": score,
        "tone": tone_of(score.total if score else None),
        "dimensions": dimensions,
        "checks": checks,
        "chart": chart_of(days, at=at),
        "day": chosen,
        "page_obj": page,
        "window": WINDOW_DAYS,
        "may_change": may_change_rules(request.user, dataset),
        "incidents": dressed(
            dataset.incidents.visible_to(request.user).filter(state__in=ALIVE).order_by("due_at")[:10]
        ),
        "at": at,
    }
    return render(request, "datahub/quality/quality.html", context)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
