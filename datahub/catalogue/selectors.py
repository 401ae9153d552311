"""Shaped reads of the catalogue: the list with its filters, a dataset's life, who uses it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.translation import pgettext_lazy

from city.selectors import organisations
from commandcenter.core.moves import actions_from
from datahub.models import Column, Dataset, Delivery
from datahub.quality.selectors import dataset_part
from datahub.querysets import DatasetQuerySet
from datahub.sharing.selectors import consumer_name, grants_of_dataset
from datahub.states import DatasetStatus, DeliveryState, SourceKind

from .models import DatasetMove
from .numbers import parts_of
from .policies import may_move
from .querysets import catalogue_of, matching
from .states import MOVES, NEEDS_REASON, SECOND_PERSON, Action

FILTERS = ("domain", "provider", "theme", "origin", "share_type", "open_type", "status")
BAR_DELIVERIES = 40


@dataclass(frozen=True)
class Choice:
    """A value that a filter offers, with how many datasets have it."""

    value: str
    label: str
    count: int


def search(user: Any, *, text: str = "", tag: str = "", **filters: str) -> QuerySet[Dataset]:
    """The reader's catalogue, cut by words, a tag and filters; columns come with it."""
    found = matching(catalogue_of(user), text)
    if tag:
        found = found.filter(tags__contains=[tag])
    for name in FILTERS:
        if filters.get(name):
            found = found.filter(**{name: filters[name]})
    return found.prefetch_related(Prefetch("columns", queryset=Column.objects.order_by("position")))


def choices(user: Any) -> dict[str, list[Choice]]:
    """What each filter offers, over the reader's whole catalogue."""
    whole = catalogue_of(user).order_by()
    names = dict(organisations().values_list("code", "name"))
    found: dict[str, list[Choice]] = {}
    for field in FILTERS:
        labels = dict(Dataset._meta.get_field(field).flatchoices)  # type: ignore[union-attr]
        rows = whole.exclude(**{field: ""}).values_list(field).annotate(n=Count("pk")).order_by("-n", field)
        found[field] = [
            Choice(value, str(labels.get(value) or names.get(value, value)), n) for value, n in rows
        ]
    return found


def common_tags(user: Any, limit: int = 24) -> list[Choice]:
    counts: dict[str, int] = {}
    for tags in catalogue_of(user).exclude(tags=[]).values_list("tags", flat=True):
        for tag in tags:
            counts[tag] = counts.get(tag, 0) + 1
    best = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
    return [Choice(tag, tag, n) for tag, n in best]


def hits(dataset: Dataset, text: str, limit: int = 4) -> list[Column]:
    """The columns that a search found the dataset by."""
    words = [word.casefold() for word in text.split()]
    found = []
    for column in dataset.columns.all():
        names = f"{column.code}\n{column.name}\n{column.name_en}".casefold()
        if any(word in names for word in words):
            found.append(column)
    return found[:limit]


def life_of(dataset: Dataset) -> list[DatasetMove]:
    return list(dataset.moves.all())


def steps_for(user: Any, dataset: Dataset) -> list[dict[str, Any]]:
    """What this reader may do next; a step that needs somebody else says so."""
    found = []
    for action in actions_from(MOVES, dataset.status):
        if action == Action.CHANGE:
            continue
        allowed = may_move(user, dataset, action)
        waits = (
            not allowed and action in SECOND_PERSON and dataset.declared_by_id == getattr(user, "pk", None)
        )
        if allowed or waits:
            found.append(
                {
                    "action": action,
                    "label": Action(action).label,
                    "reason": action in NEEDS_REASON,
                    "allowed": allowed,
                }
            )
    return found


def quality_bars(dataset: Dataset, *, height: int = 48) -> list[dict[str, Any]]:
    """The share of rows that passed, delivery by delivery, oldest first."""
    rows = list(
        dataset.deliveries.filter(state__in=[DeliveryState.COMMITTED, DeliveryState.REFUSED])
        .order_by("-pk")
        .only("pk", "state", "rows_in", "rows_committed", "rows_rejected", "received_at")[:BAR_DELIVERIES]
    )[::-1]
    bars = []
    for n, one in enumerate(rows):
        share = one.rows_committed / one.rows_in if one.rows_in else 0.0
        tall = max(round(share * height), 2)
        bars.append(
            {
                "x": n * 10,
                "y": height - tall,
                "h": tall,
                "share": share,
                "delivery": one,
                "bad": one.state == DeliveryState.REFUSED or share < 0.9,
            }
        )
    return bars


def lineage(dataset: Dataset, *, at: datetime, days: int = 30) -> dict[str, Any]:
    """Where rows came from in the last days, and who reads them under which grant."""
    ways = (
        Delivery.objects.filter(dataset=dataset, received_at__gte=at - timedelta(days=days))
        .order_by()
        .values_list("source")
        .annotate(n=Count("pk"))
    )
    kinds = dict(SourceKind.choices)
    readers: dict[str, list[dict[str, Any]]] = {"detector": [], "figure": [], "preview": [], "other": []}
    for grant in grants_of_dataset(dataset.code):
        readers[_reader_kind(grant.consumer_ref)].append({"grant": grant, "name": consumer_name(grant)})
    return {
        "ways": [{"label": str(kinds.get(source, source)), "count": n} for source, n in ways],
        "readers": readers,
        "days": days,
    }


def _reader_kind(ref: str) -> str:
    if ref.startswith("alerts."):
        return "detector"
    if ref.startswith("dashboards."):
        return "figure"
    return "preview" if ref.startswith("datahub.preview:") else "other"


def page_parts(user: Any, dataset: Dataset, *, at: datetime) -> dict[str, Any]:
    """What the dataset's page shows of the catalogue, of quality over time and of lineage."""
    return {
        "number": parts_of(dataset.catalogue_number),
        "status_tone": STATUS_TONES[dataset.status],
        "life": life_of(dataset),
        "steps": steps_for(user, dataset),
        "quality": quality_bars(dataset),
        "score_part": dataset_part(dataset, user, at=at),
        "lineage": lineage(dataset, at=at),
        "repeat_answers": list(dataset.repeat_answers.select_related("by")),
    }


STATUS_TONES = {"draft": "grey", "reviewed": "blue", "published": "green", "retired": "grey"}


def sources_shown(
    visible: DatasetQuerySet, show: str, *, at: datetime
) -> tuple[DatasetQuerySet, list[dict[str, Any]]]:
    """The sources of one tab of the overview, and the tabs. Connected ones first: they can fail."""
    tabs: dict[str, DatasetQuerySet] = {
        "": visible.exclude(fresh_at=None, turn=0).exclude(status=DatasetStatus.RETIRED),
        "late": visible.late(at=at),
        "failed": visible.filter(Q(refused_today__gt=0) | Q(rejected_today__gt=0)),
        "waiting": visible.filter(fresh_at=None, turn=0).exclude(status=DatasetStatus.RETIRED),
        "drafts": visible.filter(status__in=[DatasetStatus.DRAFT, DatasetStatus.REVIEWED]),
    }
    chosen = show if show in tabs else ""
    found = [
        {"key": key, "label": TABS[key], "count": rows.count(), "on": key == chosen}
        for key, rows in tabs.items()
    ]
    return tabs[chosen], found


TABS = {
    "": pgettext_lazy("sources", "Connected"),
    "late": pgettext_lazy("sources", "Late"),
    "failed": pgettext_lazy("sources", "Failures today"),
    "waiting": pgettext_lazy("sources", "Not connected yet"),
    "drafts": pgettext_lazy("sources", "Drafts"),
}
