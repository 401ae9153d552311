"""What the public may know of the catalogue. Everything public asks here, so that nothing else leaks.

Open is a dataset that is published, declared open, shared at all, and neither personal nor sensitive.
Of its columns those are shown that are not personal and of the lowest grade (GB/T 43697: L1).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Exists, F, IntegerField, Max, OuterRef, Prefetch, Q, TextField, Value, When
from django.db.models.functions import Cast

from city.selectors import organisations
from datahub.models import Column, Dataset
from datahub.querysets import DatasetQuerySet
from datahub.states import OpenType, PrivacyClass, ShareType

from .licences import Licence, licence_of

CLASSES = (PrivacyClass.NONE, PrivacyClass.INTERNAL)
GRADES = ("L1",)
SHOWN = Q(personal=False, grade__in=GRADES)
MOST_WORDS = 8


def open_datasets() -> DatasetQuerySet:
    return (
        Dataset.objects.published()
        .filter(open_type=OpenType.OPEN, privacy_class__in=CLASSES)
        .exclude(share_type=ShareType.NONE)
        .filter(Exists(Column.objects.filter(SHOWN, dataset=OuterRef("pk"))))
    )


def open_dataset(code: str) -> Dataset | None:
    """The dataset of that code if it is open."""
    return with_columns(open_datasets().filter(code=code)).first()


def with_columns(found: DatasetQuerySet) -> DatasetQuerySet:
    """Each with `shown_columns`, in order."""
    shown = Prefetch("columns", Column.objects.filter(SHOWN).order_by("position"), to_attr="shown_columns")
    return found.prefetch_related(shown)


def shown_columns(dataset: Dataset) -> list[Column]:
    ready: list[Column] | None = getattr(dataset, "shown_columns", None)
    return list(dataset.columns.filter(SHOWN).order_by("position")) if ready is None else ready


# ---------------------------------------------------------------- search


@dataclass(frozen=True)
class Choice:
    """One value of a filter and how many open datasets have it."""

    value: str
    title: str
    count: int


def theme_of(dataset: Dataset) -> str:
    return dataset.theme or dataset.domain


def of_theme(found: DatasetQuerySet, theme: str) -> DatasetQuerySet:
    return found.filter(Q(theme=theme) | Q(theme="", domain=theme)) if theme else found


def search(text: str, found: DatasetQuerySet | None = None) -> DatasetQuerySet:
    """Open datasets in which every word occurs: in name, summary, tag, theme, provider or a shown column.

    Those with the words in their name come first; without words those that were heard last.
    """
    found = open_datasets() if found is None else found
    words = [word.replace("\x00", "") for word in text.split()][:MOST_WORDS]
    if not words:
        return found.order_by(F("fresh_at").desc(nulls_last=True), "code")
    found = found.annotate(tag_text=Cast("tags", TextField()))
    in_name = Q()
    for word in words:
        named = Q(name__icontains=word) | Q(name_en__icontains=word) | Q(code__icontains=word)
        in_name &= named
        column = Column.objects.filter(SHOWN, dataset=OuterRef("pk")).filter(
            Q(name__icontains=word) | Q(name_en__icontains=word) | Q(code__icontains=word)
        )
        providers = organisations().filter(Q(name__icontains=word) | Q(short_name__icontains=word))
        found = found.filter(
            named
            | Q(summary__icontains=word)
            | Q(tag_text__icontains=word)
            | Q(theme__icontains=word)
            | Q(domain__icontains=word)
            | Q(provider__in=providers.values("code"))
            | Exists(column)
        )
    rank = Case(When(in_name, then=Value(0)), default=Value(1), output_field=IntegerField())
    return found.order_by(rank, "code")


def provider_names(codes: Iterable[str]) -> dict[str, str]:
    wanted = {code for code in codes if code}
    return dict(organisations().filter(code__in=wanted).values_list("code", "name"))


def themes() -> list[Choice]:
    counted = Counter(theme or domain for theme, domain in open_datasets().values_list("theme", "domain"))
    return [Choice(one, one, n) for one, n in sorted(counted.items(), key=lambda c: (-c[1], c[0])) if one]


def providers() -> list[Choice]:
    counted = Counter(open_datasets().values_list("provider", flat=True))
    names = provider_names(counted)
    return [
        Choice(code, names.get(code, code), n)
        for code, n in sorted(counted.items(), key=lambda c: (-c[1], c[0]))
        if code
    ]


def tags() -> list[Choice]:
    counted = Counter(tag for found in open_datasets().values_list("tags", flat=True) for tag in found)
    return [Choice(tag, tag, n) for tag, n in sorted(counted.items(), key=lambda c: (-c[1], c[0]))]


def last_change() -> datetime | None:
    found: datetime | None = open_datasets().aggregate(last=Max("fresh_at"))["last"]
    return found


def licence_for(dataset: Dataset) -> Licence:
    return licence_of(dataset.licence)


# ---------------------------------------------------------------- requests


def requests_told() -> dict[str, Any]:
    """How many requests came in and were answered: what everybody may see of them."""
    from .models import DataRequest
    from .states import ANSWERED

    counted = Counter(DataRequest.objects.values_list("state", flat=True))
    return {
        "received": sum(counted.values()),
        "answered": sum(counted[state] for state in ANSWERED),
        "opened": counted["opened"],
    }
