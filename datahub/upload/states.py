"""A file on its way in through the browser: looked at before it becomes a delivery."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class UploadState(TextChoices):
    RECEIVING = "receiving", _("Being received")
    STAGED = "staged", _("Waiting for your word")
    DELIVERED = "delivered", pgettext_lazy("data", "Delivered")


S = UploadState
MOVES: Moves = {
    "complete": Move(frozenset({S.RECEIVING}), S.STAGED),
    "confirm": Move(frozenset({S.STAGED}), S.DELIVERED),
}
