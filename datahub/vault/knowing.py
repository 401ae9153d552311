"""Who is meant by the values a steward was given: persons of the vault, and what every part knows of them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.module_loading import import_string

from commandcenter import wiring
from commandcenter.core import clock
from commandcenter.core.crypto import CannotDecrypt
from commandcenter.core.spoken import plain
from commandcenter.core.times import shanghai_day
from datahub.checks.guard import token_of

from .models import ErasureRequest, LegalHold, VaultSubject
from .sealing import about, unseal, unwrap


@dataclass(frozen=True)
class Known:
    """values: in clear, for the time of one call; refs: cases of his own; datasets: where he has rows."""

    values: tuple[str, ...]
    refs: frozenset[str]
    tokens: tuple[str, ...]
    datasets: frozenset[int]

    @property
    def marks(self) -> list[str]:
        return marks_of(self.values)


def marks_of(values: Iterable[str]) -> list[str]:
    """Tokens of values, as they came and in plain form: what a value is known by afterwards."""
    both = {form for value in values for form in (value.strip(), plain(value)) if len(form) > 1}
    return sorted(token_of(form) for form in both)


def find_subjects(*values: str) -> list[VaultSubject]:
    """Persons known by a value: it is their number, or one of their fields holds it. Erased ones too."""
    marks = marks_of(values)
    found = VaultSubject.objects.filter(Q(token__in=marks) | Q(fields__token__in=marks))
    return list(found.distinct().order_by("pk"))


def know(
    values: Iterable[str], refs: Iterable[str] = (), subjects: Iterable[VaultSubject] | None = None
) -> Known:
    """Everything that is known of one person, from values of his and cases of his own."""
    given = dict.fromkeys(value.strip() for value in values if len(value.strip()) > 1)
    meant = list(find_subjects(*given)) if subjects is None else list(subjects)
    datasets: set[int] = set()
    for subject in meant:
        sealed, where = _opened(subject)
        given |= dict.fromkeys(sealed)
        datasets |= where
    cases = frozenset(refs)
    for path in wiring.KNOWERS:
        more, of_his = import_string(path)(tuple(given), cases)
        given |= dict.fromkeys(value for value in sorted(more) if len(value.strip()) > 1)
        cases |= of_his
    return Known(tuple(given), cases, tuple(one.token for one in meant), frozenset(datasets))


def known_of(request: ErasureRequest) -> Known:
    subjects = VaultSubject.objects.filter(token__in=request.tokens).order_by("pk")
    given = json.loads(request.given) if request.given else []
    return know(given, request.refs, subjects)


def _opened(subject: VaultSubject) -> tuple[list[str], set[int]]:
    """What the vault holds of the person, in clear, and the datasets it came from."""
    try:
        key = unwrap(subject.wrapped_key)
    except CannotDecrypt:
        return [], set()
    values, datasets = [], set()
    for field in subject.fields.all():
        datasets.add(field.dataset_id)
        what = about(subject.token, field.dataset_id, field.column)
        values.append(unseal(key, bytes(field.sealed), what))
    return values, datasets


def own_rows(refs: frozenset[str]) -> dict[str, Q]:
    """Rows of all apps that are the person's own: condition by model."""
    found: dict[str, Q] = {}
    for path in wiring.OWN_ROWS:
        found |= import_string(path)(refs)
    return found


def lake_rows(refs: frozenset[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in wiring.LAKE_ROWS:
        found |= import_string(path)(refs)
    return found


def hold_on(marks: Iterable[str]) -> LegalHold | None:
    """The duty to keep that stands in the way today, if any; the one that ends last."""
    today = shanghai_day(clock.now())
    standing = LegalHold.objects.filter(mark__in=list(marks), lifted_at=None).exclude(until__lt=today)
    return max(standing, key=lambda one: (one.until is None, one.until or today), default=None)


def is_restricted(*values: str) -> bool:
    """Whether a person with one of these values may only be stored for now."""
    marks = set(marks_of(values))
    return any(
        marks & set(found)
        for found in ErasureRequest.objects.filter(state="restricted").values_list("marks", flat=True)
    )
