"""The steward's pages: sources, one dataset, one delivery."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from city.selectors import area_path_name, organisation
from commandcenter.core import clock
from commandcenter.core.errors import require
from commandcenter.core.times import SHANGHAI, shanghai_day, start_of_day
from commandcenter.journal.services import audit

from .catalogue.selectors import page_parts, sources_shown
from .exports import reject_table
from .models import Dataset, Delivery
from .policies import may_deliver, may_see_hub, may_see_rejects, may_see_sample
from .quality.models import Replay
from .quality.policies import may_mend, may_see_quality
from .quality.selectors import overview_part, score_of_delivery, worst_first
from .selectors import freshness, latest_versions, rows_per_hour, sample
from .states import DeliveryState

RECENT = 20
FIGURES = ("rows_read", "rows_in", "rows_committed", "rows_rejected", "rows_live")
TONES: dict[str, str] = {
    DeliveryState.COMMITTED: "green",
    DeliveryState.UNCHANGED: "green",
    DeliveryState.REFUSED: "red",
    DeliveryState.RECEIVED: "grey",
    DeliveryState.PARSED: "accent",
    DeliveryState.CHECKED: "accent",
}
FRESH_TONES: dict[str, str] = {
    "fresh": "green",
    "free": "green",
    "late": "orange",
    "never": "grey",
    "history": "grey",
}


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Sources as a table: freshness against the cycle, rows today, failures, the last 24 hours as bars."""
    require(may_see_hub(request.user))
    at = clock.now()
    visible = Dataset.objects.visible_to(request.user).with_today(since=start_of_day(shanghai_day(at)))
    shown, tabs = sources_shown(visible, request.GET.get("show", ""), at=at)
    datasets = list(shown)
    hours = rows_per_hour([one.code for one in datasets], at=at)
    quality = overview_part([one.pk for one in datasets], at=at)
    rows = [
        {
            "dataset": one,
            "freshness": (fresh := freshness(one, at)),
            "tone": FRESH_TONES[fresh],
            "bars": bars_of(hours[one.code]),
            "hours_total": sum(hours[one.code]),
            **quality[one.pk],
        }
        for one in datasets
    ]
    rows.sort(key=lambda row: row["freshness"] != "late")  # what needs somebody stands on top
    if request.GET.get("sort") == "score":
        rows.sort(key=worst_first)
    context = {
        "rows": rows,
        "tabs": tabs,
        "at": at,
        "late": sum(row["freshness"] == "late" for row in rows),
        "sort": request.GET.get("sort", ""),
        "sees_incidents": may_see_quality(request.user),
        "rows_today": sum(getattr(one, "rows_today", 0) for one in datasets),
    }
    template = (
        "datahub/_overview_table.html" if request.headers.get("HX-Request") else "datahub/overview.html"
    )
    return render(request, template, context)


def bars_of(counts: list[int], height: int = 20) -> list[dict[str, int]]:
    """Bars of an SVG: x, y, height of each hour; the smallest that is not empty stays visible."""
    top = max(counts, default=0) or 1
    heights = [max(round(n / top * height), 2) if n else 0 for n in counts]
    return [
        {"x": n * 4, "y": height - h, "h": h, "rows": rows}
        for n, (h, rows) in enumerate(zip(heights, counts, strict=True))
    ]


def _dataset(request: HttpRequest, code: str) -> Dataset:
    require(may_see_hub(request.user))
    return get_object_or_404(Dataset.objects.visible_to(request.user), code=code)


@login_required
@require_GET
def dataset(request: HttpRequest, code: str) -> HttpResponse:
    found = _dataset(request, code)
    at = clock.now()
    deliveries = found.deliveries.select_related("dataset")[:RECENT]
    context: dict[str, Any] = {
        "dataset": found,
        "columns": found.columns.all(),
        "rules": found.rules.all(),
        "at": at,
        "freshness": (fresh := freshness(found, at)),
        "tone": FRESH_TONES[fresh],
        "deliveries": with_tones(deliveries),
        "provider": organisation(found.provider),
        "place": area_path_name(found.area_code) if found.area_code else "",
        "may_deliver": may_deliver(request.user),
        "may_see_sample": may_see_sample(request.user, found),
        "lake": latest_versions(found.code),
    }
    if request.headers.get("HX-Request"):
        return render(request, "datahub/_deliveries.html", context)
    context.update(page_parts(request.user, found, at=at))
    if context["may_see_sample"]:
        context["sample"] = sample(found.code, 10)
        names = [column.code for column in context["columns"]]
        context["sample_rows"] = [
            (f"datahub.row:{row['_delivery']}:{row['_row']}", [shown(row[name]) for name in names])
            for row in context["sample"]
        ]
    return render(request, "datahub/dataset.html", context)


def shown(value: Any) -> Any:
    """A value as the table shows it: times in Shanghai, missing ones as a dash."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else value


def with_tones(deliveries: Any) -> list[Delivery]:
    rows = list(deliveries)
    for one in rows:
        one.tone = TONES[one.state]
    return rows


@login_required
@require_GET
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of a delivery, row by row; counts up while it runs."""
    require(may_see_hub(request.user))
    visible = Delivery.objects.visible_to(request.user).select_related("dataset", "same_as", "by")
    found = get_object_or_404(visible, pk=pk)
    with_tones([found])
    rejects = may_see_rejects(request.user) and not found.is_open
    context: dict[str, Any] = {
        "delivery": found,
        "dataset": found.dataset,
        "may_see_rejects": rejects,
        "steps": _steps(found),
        "figures": {name: f"{getattr(found, name):,}" for name in FIGURES},
        "seconds": _seconds(found),
        "checks": sorted(found.checks.items(), key=lambda rule: -rule[1]),
        "score": score_of_delivery(found) if not found.is_open else None,
        "may_mend": rejects and may_mend(request.user, found.dataset),
        "replay_of": Replay.objects.filter(delivery=found).select_related("original").first(),
    }
    if rejects:
        pages = Paginator(found.rejects.select_related("mend__replay"), 30)
        pages.count = found.rows_rejected
        context["page_obj"] = pages.get_page(request.GET.get("page"))
    template = "datahub/_delivery_body.html" if request.headers.get("HX-Request") else "datahub/delivery.html"
    return render(request, template, context)


def _seconds(found: Delivery) -> float | None:
    return (found.finished_at - found.received_at) / timedelta(seconds=1) if found.finished_at else None


def _steps(found: Delivery) -> list[dict[str, Any]]:
    """received → being read → checked → committed, and how far this one is."""
    end = (
        found.state
        if found.state in (DeliveryState.REFUSED, DeliveryState.UNCHANGED)
        else DeliveryState.COMMITTED
    )
    path = [DeliveryState.RECEIVED, DeliveryState.PARSED, DeliveryState.CHECKED, DeliveryState(end)]
    if found.state == DeliveryState.UNCHANGED:
        path = [DeliveryState.RECEIVED, DeliveryState.UNCHANGED]
    reached = path.index(DeliveryState(found.state))
    if found.state == DeliveryState.REFUSED and found.checked_at is None:
        path = [DeliveryState.RECEIVED, DeliveryState.REFUSED]
        reached = 1
    return [{"label": state.label, "done": n <= reached, "now": n == reached} for n, state in enumerate(path)]


@login_required
@require_GET
def rejects_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    require(may_see_rejects(request.user))
    found = get_object_or_404(Delivery.objects.visible_to(request.user).select_related("dataset"), pk=pk)
    audit(
        actor=request.user,  # type: ignore[arg-type]
        action="datahub.export_rejects",
        target_ref=found.ref,
        ip=request.META.get("REMOTE_ADDR"),
        body={"rows": found.rows_rejected},
    )
    response = StreamingHttpResponse(
        reject_table(found, request.user), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="rejects-{found.pk}.csv"'
    return response
