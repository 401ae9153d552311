"""The life of a grid report."""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from commandcenter.core.moves import Move, Moves


class ReportState(TextChoices):
    REPORTED = "reported", _("Reported")
    DISPATCHED = "dispatched", _("Being handled")
    SOLVED_ON_SPOT = "solved_on_spot", _("Solved on the spot")
    CLOSED = "closed", _("Done")


class Urgency(TextChoices):
    NORMAL = "normal", _("Normal")
    URGENT = "urgent", _("Urgent")
    CRITICAL = "critical", _("Critical")


S = ReportState
OPEN: Final = frozenset({S.REPORTED, S.DISPATCHED})
MOVES: Moves = {
    "solve": Move(frozenset({S.REPORTED}), S.SOLVED_ON_SPOT),
    "dispatch": Move(frozenset({S.REPORTED}), S.DISPATCHED),
    "take_back": Move(frozenset({S.DISPATCHED}), S.REPORTED),
    "close": Move(frozenset({S.DISPATCHED}), S.CLOSED),
    "redo": Move(frozenset({S.CLOSED}), S.DISPATCHED),
}

ACTION_LABELS: Final = {
    "report": _("Reported"),
    "solve": _("Solved on the spot"),
    "dispatch": _("Sent to the unit"),
    "take_back": _("Order ended without result"),
    "close": _("Done"),
    "redo": _("To be redone"),
    "not_sent": _("No unit answers for it here"),
}
