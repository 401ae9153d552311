"""A generation of areas is loaded as a draft, switched on as a whole, and later retired."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from commandcenter.core.moves import Move, Moves


class GenerationState(TextChoices):
    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Active")
    RETIRED = "retired", _("Retired")


S = GenerationState
MOVES: Moves = {
    "activate": Move(frozenset({S.DRAFT}), S.ACTIVE),
    "retire": Move(frozenset({S.ACTIVE}), S.RETIRED),
}


class Level(TextChoices):
    CITY = "city", _("City")
    COUNTY = "county", _("County")
    TOWN = "town", _("Town or street")
    VILLAGE = "village", _("Village or community")
    CELL = "cell", _("Grid cell")


# Digits in the code of each level: 3206 → 320613 → 320613003 → 320613003004 → 3206130030041001.
CODE_LENGTHS: dict[str, int] = dict(zip(Level.values, (4, 6, 9, 12, 16), strict=True))


class LineageKind(TextChoices):
    RENAMED = "renamed", _("Code changed")
    MERGED = "merged", _("Merged")
    SPLIT = "split", _("Split")
    MOVED = "moved", _("Moved")


class OrganisationKind(TextChoices):
    DEPARTMENT = "department", _("Department")
    COMMAND_CENTRE = "command_centre", _("Command centre")
    TOWN_OFFICE = "town_office", _("Town office")
    ENTERPRISE = "enterprise", _("Enterprise")
