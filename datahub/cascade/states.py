"""Levels that exchange, and the three directions in which rows go."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class PeerLevel(TextChoices):
    PROVINCE = "province", _("Province")
    CITY = "city", _("City")
    COUNTY = "county", _("County")


class Direction(TextChoices):
    """Up: reported by the lower level. Back: its own rows returned to it. Down: what others gave."""

    UP = "up", _("Reported up")
    BACK = "back", pgettext_lazy("cascade", "Returned")
    DOWN = "down", _("Fed down")


class BatchState(TextChoices):
    FETCHED = "fetched", _("Fetched")
    DELIVERED = "delivered", _("Delivered")
    REFUSED = "refused", _("Refused")


B = BatchState
BATCH_MOVES: Final[Moves] = {
    "deliver": Move(frozenset({B.FETCHED}), B.DELIVERED),
    "refuse": Move(frozenset({B.FETCHED}), B.REFUSED),
    "retry": Move(frozenset({B.REFUSED}), B.FETCHED),
}
