"""One box that finds tickets, orders, alerts, reports, datasets, areas: each by its own rights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from city.selectors import area as area_of
from city.selectors import area_path_name, descendants, roots

from . import rows
from .policies import may_see_area
from .words import trace_url

MOST = 8


def search(user: Any, query: str) -> list[dict[str, Any]]:
    """Groups of hits, those with any; a query of digits also finds numbers by their end."""
    kinds: list[tuple[str, str, Callable[[Any, str], list[dict[str, Any]]]]] = [
        ("order", _("Orders"), _orders),
        ("ticket", _("Tickets"), _tickets),
        ("alert", _("Alerts"), _alerts),
        ("report", _("Grid reports"), _reports),
        ("dataset", _("Datasets"), _datasets),
        ("area", _("Areas"), _areas),
    ]
    found = [{"key": key, "label": label, "hits": find(user, query)} for key, label, find in kinds]
    return [group for group in found if group["hits"]]


def _hits(kind: str, found: Any, query: str, *, sealed: str = "") -> list[dict[str, Any]]:
    return [
        {
            "title": row.title,
            "number": row.number,
            "where": area_path_name(row.area_code),
            "state": row.get_state_display(),
            "url": rows.page_of(kind, row),
            "trace": trace_url(f"{'.'.join(rows.MODELS[kind]).lower()}:{row.pk}"),
            "exact": row.number.lower() == query.lower(),
        }
        for row in found.order_by("-pk")[:MOST]
    ]


def _numbered(query: str) -> Q:
    return Q(number__iexact=query) | (
        Q(number__endswith=query) if query.isdigit() and len(query) > 3 else Q()
    )


def _orders(user: Any, query: str) -> list[dict[str, Any]]:
    found = rows.visible("order", user).filter(_numbered(query) | Q(title__icontains=query))
    return _hits("order", found, query)


def _tickets(user: Any, query: str) -> list[dict[str, Any]]:
    # Sealed tickets are never found by their words.
    found = rows.visible("ticket", user).filter(sealed=False)
    found = found.filter(_numbered(query) | Q(title__icontains=query)).without_caller()  # type: ignore[attr-defined]
    return _hits("ticket", found, query)


def _alerts(user: Any, query: str) -> list[dict[str, Any]]:
    found = rows.visible("alert", user).filter(_numbered(query) | Q(title__icontains=query))
    return _hits("alert", found, query)


def _reports(user: Any, query: str) -> list[dict[str, Any]]:
    found = rows.visible("report", user).filter(kind__confidential=False)
    return _hits("report", found.filter(_numbered(query) | Q(title__icontains=query)), query)


def _datasets(user: Any, query: str) -> list[dict[str, Any]]:
    found = rows.visible("dataset", user).filter(Q(code__icontains=query) | Q(name__icontains=query))
    return [
        {
            "title": row.name,
            "number": row.code,
            "where": "",
            "state": row.get_status_display(),
            "url": rows.page_of("dataset", row),
            "trace": "",
            "exact": row.code == query,
        }
        for row in found.order_by("code")[:MOST]
    ]


def _areas(user: Any, query: str) -> list[dict[str, Any]]:
    hits: list[dict[str, Any]] = []
    for top in roots():
        for info in [area_of(top), *descendants(top)]:
            if info is None or len(hits) >= MOST:
                continue
            if (query in info.name or info.code == query) and may_see_area(user, info.code):
                hits.append(
                    {
                        "title": info.name,
                        "number": info.code,
                        "where": area_path_name(info.parent_code),
                        "state": "",
                        "url": f"{reverse('dashboards:cockpit')}?area={info.code}",
                        "trace": "",
                        "exact": False,
                    }
                )
    return hits
