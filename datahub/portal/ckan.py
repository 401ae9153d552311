"""What CKAN's read actions answer, from the open part of the catalogue.

Every action takes a dict of parameters, as texts from an address or as values from JSON, and returns what
stands under `result`. Names follow CKAN 2.10; a dataset's name is its code with a hyphen for the dot.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.urls import reverse

from datahub.models import Dataset
from datahub.querysets import DatasetQuerySet

from . import selectors
from .ckan_input import Invalid, NotThere, flag, listed, text, whole
from .ckan_shapes import group, name_of, organization, resources, shape, shapes, tag
from .files import FORMS
from .licences import LICENCES
from .selectors import licence_for, theme_of

VERSION = "2.10"  # of the interface that this one follows
MOST_PACKAGES = 1_000


@dataclass(frozen=True)
class Asked:
    """site: the address that every other begins with, without a slash at its end."""

    params: dict[str, Any]
    site: str


Action = Callable[[Asked], Any]
ACTIONS: dict[str, Action] = {}


def action(work: Action) -> Action:
    ACTIONS[work.__name__] = work
    return work


def package(asked: Asked, given: str) -> Dataset:
    """The open dataset of that name or code. Raises NotThere, whether it is closed or was never there."""
    found = selectors.open_dataset(given) or selectors.open_dataset(given.replace("-", "."))
    if found is None:
        raise NotThere
    return found


# ---------------------------------------------------------------- the site


@action
def site_read(asked: Asked) -> Any:
    return True


@action
def status_show(asked: Asked) -> Any:
    return {
        "ckan_version": VERSION,
        "site_title": "City open data",
        "site_description": "",
        "site_url": asked.site,
        "error_emails_to": None,
        "locale_default": "zh_Hans_CN",
        "extensions": ["datastore"],
    }


@action
def help_show(asked: Asked) -> Any:
    found = ACTIONS.get(text(asked.params, "name", needed=True))
    if found is None:
        raise NotThere
    return f"{asked.site}{reverse('portal:help')}"


@action
def license_list(asked: Asked) -> Any:
    return [
        {"id": one.code, "title": str(one.title), "url": one.url, "status": "active", "is_generic": False}
        for one in LICENCES.values()
    ]


# ---------------------------------------------------------------- packages


@action
def package_list(asked: Asked) -> Any:
    limit = whole(asked.params, "limit", None)
    offset = whole(asked.params, "offset", 0) or 0
    names = sorted(
        code.replace(".", "-") for code in selectors.open_datasets().values_list("code", flat=True)
    )
    return names[offset:] if limit is None else names[offset : offset + limit]


@action
def current_package_list_with_resources(asked: Asked) -> Any:
    limit = min(whole(asked.params, "limit", MOST_PACKAGES) or 0, MOST_PACKAGES)
    offset = whole(asked.params, "offset", 0) or 0
    found = selectors.with_columns(selectors.open_datasets()).order_by("code")
    return shapes(list(found[offset : offset + limit]), asked.site)


@action
def package_show(asked: Asked) -> Any:
    found = package(asked, text(asked.params, "id", needed=True))
    return shapes([found], asked.site)[0]


@action
def resource_show(asked: Asked) -> Any:
    given = text(asked.params, "id", needed=True)
    found, _form = resource(asked, given)
    return next(one for one in resources(found, asked.site) if one["id"] == f"{name_of(found)}.{_form}")


def resource(asked: Asked, given: str) -> tuple[Dataset, str]:
    """A resource's id is the dataset's name with the form behind a dot."""
    name, _dot, form = given.rpartition(".")
    if form in FORMS:
        return package(asked, name), form
    return package(asked, given), "csv"


@action
def package_search(asked: Asked) -> Any:
    params = asked.params
    rows = min(whole(params, "rows", 10) or 0, MOST_PACKAGES)
    start = whole(params, "start", 0) or 0
    question = text(params, "q")
    found = selectors.search("" if question.strip() in ("*:*", "*") else question)
    for query in [text(params, "fq"), *listed(params, "fq_list")]:
        for name, value in _conditions(query):
            found = found.filter(_FILTERS[name](value))
    found = _sorted(found, text(params, "sort"))
    everything = list(found)
    names = selectors.provider_names(one.provider for one in everything)
    facets = _facets(everything, names, listed(params, "facet.field"), whole(params, "facet.limit", 50) or 0)
    chosen = list(selectors.with_columns(found)[start : start + rows])
    return {
        "count": len(everything),
        "sort": text(params, "sort") or "score desc, metadata_modified desc",
        "results": [shape(one, asked.site, names) for one in chosen],
        "facets": {name: {item["name"]: item["count"] for item in items} for name, items in facets.items()},
        "search_facets": {name: {"title": name, "items": items} for name, items in facets.items()},
    }


_FILTERS: dict[str, Callable[[str], Q]] = {
    "organization": lambda value: Q(provider=value),
    "owner_org": lambda value: Q(provider=value),
    "groups": lambda value: Q(theme=value) | Q(theme="", domain=value),
    "tags": lambda value: Q(tags__contains=[value]),
    "license_id": lambda value: Q(licence=value) | (Q(licence="") if value == "city-open" else Q(pk__in=())),
    "name": lambda value: Q(code=value) | Q(code=value.replace("-", ".")),
    "id": lambda value: Q(code=value),
    "type": lambda value: Q() if value == "dataset" else Q(pk__in=()),
    "state": lambda value: Q() if value == "active" else Q(pk__in=()),
    "res_format": lambda value: Q() if value.lower() in FORMS else Q(pk__in=()),
}


def _conditions(query: str) -> list[tuple[str, str]]:
    """`name:value` pairs, joined by blanks or AND; a value may stand in quotes. Raises Invalid."""
    pairs: list[tuple[str, str]] = []
    rest = query.strip()
    while rest:
        if rest.upper().startswith("AND "):
            rest = rest[4:].lstrip()
            continue
        name, colon, rest = rest.partition(":")
        name = name.strip().lstrip("+").lower()
        if not colon or name not in _FILTERS:
            raise Invalid({"fq": [f"only {', '.join(sorted(_FILTERS))}, as name:value"]})
        rest = rest.lstrip()
        if rest.startswith('"'):
            value, _quote, rest = rest[1:].partition('"')
        else:
            value, _blank, rest = rest.partition(" ")
        pairs.append((name, value.replace("\x00", "")))
        rest = rest.strip()
    return pairs


_SORTS = {
    "name": "code",
    "title": "name",
    "title_string": "name",
    "metadata_modified": "fresh_at",
    "id": "code",
}


def _sorted(found: DatasetQuerySet, given: str) -> DatasetQuerySet:
    order = []
    for part in filter(None, (one.strip() for one in given.split(","))):
        name, _blank, way = part.partition(" ")
        if name in ("score", "relevance", "rank"):
            continue
        if name not in _SORTS or way.strip().lower() not in ("", "asc", "desc"):
            raise Invalid({"sort": [f"only {', '.join(sorted(_SORTS))}, each with asc or desc"]})
        order.append(("-" if way.strip().lower() == "desc" else "") + _SORTS[name])
    return found.order_by(*order, "code") if order else found


def _facets(
    found: list[Dataset], names: dict[str, str], wanted: list[str], limit: int
) -> dict[str, list[dict[str, Any]]]:
    values: dict[str, Callable[[Dataset], list[str]]] = {
        "organization": lambda one: [one.provider],
        "groups": lambda one: [theme_of(one)],
        "tags": lambda one: list(one.tags),
        "license_id": lambda one: [licence_for(one).code],
        "res_format": lambda one: [form.title for form in FORMS.values()],
    }
    told = {}
    for name in wanted:
        if name not in values:
            continue
        counted = Counter(value for one in found for value in values[name](one) if value)
        most = counted.most_common(None if limit < 0 else limit)
        told[name] = [{"name": v, "display_name": names.get(v, v), "count": n} for v, n in most]
    return told


# ---------------------------------------------------------------- lists


def _named(asked: Asked, rows: list[dict[str, Any]]) -> Any:
    """Names, or whole rows with all_fields; cut by limit and offset."""
    offset = whole(asked.params, "offset", 0) or 0
    limit = whole(asked.params, "limit", None)
    rows = rows[offset:] if limit is None else rows[offset : offset + limit]
    return rows if flag(asked.params, "all_fields", False) else [row["name"] for row in rows]


@action
def organization_list(asked: Asked) -> Any:
    rows = selectors.providers()
    names = {one.value: one.title for one in rows}
    return _named(asked, [{**organization(one.value, names), "package_count": one.count} for one in rows])


@action
def organization_show(asked: Asked) -> Any:
    code = text(asked.params, "id", needed=True)
    one = next((one for one in selectors.providers() if one.value == code), None)
    if one is None:
        raise NotThere
    return {**organization(code, {code: one.title}), "package_count": one.count}


@action
def group_list(asked: Asked) -> Any:
    return _named(asked, [{**group(one.value), "package_count": one.count} for one in selectors.themes()])


@action
def group_show(asked: Asked) -> Any:
    code = text(asked.params, "id", needed=True)
    one = next((one for one in selectors.themes() if one.value == code), None)
    if one is None:
        raise NotThere
    return {**group(code), "package_count": one.count}


@action
def tag_list(asked: Asked) -> Any:
    part = text(asked.params, "query").lower()
    return _named(asked, [tag(one.value) for one in selectors.tags() if part in one.value.lower()])
