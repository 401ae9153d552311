"""The rows of the apps below, always cut to the viewer's rights by their own querysets.

Models are named by string, as foreign keys across floors are; this is the one module that does it.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

MODELS = {
    "ticket": ("hotline", "Ticket"),
    "order": ("dispatch", "Order"),
    "alert": ("alerts", "Alert"),
    "report": ("grid", "Report"),
    "fault": ("datahub", "Fault"),
    "delivery": ("datahub", "Delivery"),
    "dataset": ("datahub", "Dataset"),
}
DATA_ROLES = ("steward", "analyst", "leader", "supervisor")
PAGES = {
    "ticket": ("hotline:ticket", "pk"),
    "order": ("dispatch:order", "pk"),
    "alert": ("alerts:alert", "pk"),
    "report": ("grid:detail", "pk"),
    "fault": ("datahub:fault", "pk"),
    "delivery": ("datahub:delivery", "pk"),
    "dataset": ("datahub:dataset", "code"),
}


def rows(kind: str) -> QuerySet[Any]:
    """Every row of a kind, without any rights applied."""
    return apps.get_model(*MODELS[kind]).objects.all()


def visible(kind: str, user: Any) -> QuerySet[Any]:
    """The rows of a kind that this person may see; deliveries and the catalogue go by role."""
    found = rows(kind)
    if kind in ("delivery", "dataset"):
        return found if user.has_role(*DATA_ROLES) else found.none()
    return found.visible_to(user)  # type: ignore[attr-defined]


def categories() -> QuerySet[Any]:
    """The hotline's categories of the first level."""
    return apps.get_model("hotline", "Category").objects.filter(parent__isnull=True)


def page_of(kind: str, row: Any) -> str:
    """The row's own page; empty where there is none."""
    name, field = PAGES[kind]
    try:
        return reverse(name, args=[getattr(row, field)])
    except NoReverseMatch:
        return ""
