"""The lives of a detector and of an alert, as tables of moves."""

from __future__ import annotations

from typing import Final

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class DetectorStatus(TextChoices):
    DRAFT = "draft", _("Draft")
    TRIAL = "trial", _("Trial")
    APPROVED = "approved", _("Approved")
    LIVE = "live", _("Live")
    RETIRED = "retired", _("Retired")


D = DetectorStatus
# Trial and approved detectors run in the shadow: nobody is sent out. A change of parameters is a new
# version, and starts again as a draft.
WATCHING: Final = frozenset({D.TRIAL, D.APPROVED, D.LIVE})
DETECTOR_MOVES: Moves = {
    "try": Move(frozenset({D.DRAFT}), D.TRIAL),
    "approve": Move(frozenset({D.TRIAL}), D.APPROVED),
    "go_live": Move(frozenset({D.APPROVED}), D.LIVE),
    "suspend": Move(frozenset({D.LIVE, D.APPROVED}), D.TRIAL),
    "revise": Move(frozenset(D), D.DRAFT),
    "retire": Move(frozenset({D.DRAFT, D.TRIAL, D.APPROVED, D.LIVE}), D.RETIRED),
}


class Health(TextChoices):
    """Whether a detector can see. Blind and error are about the detector, never about the city."""

    OK = "ok", _("Seeing")
    BLIND = "blind", _("Blind: its source is late")
    ERROR = "error", _("Error: its last run failed")


class AlertState(TextChoices):
    PENDING = "pending", _("Pending")
    RAISED = "raised", _("Raised")
    VERIFIED = "verified", _("Verified")
    DISPATCHED = "dispatched", pgettext_lazy("alert state", "Dispatched")
    RESOLVED = "resolved", _("Resolved")


S = AlertState
OPEN: Final = frozenset({S.PENDING, S.RAISED, S.VERIFIED, S.DISPATCHED})
ALERT_MOVES: Moves = {
    "raise": Move(frozenset({S.PENDING}), S.RAISED),
    "rise": Move(OPEN - {S.PENDING}, None),
    "return": Move(OPEN - {S.PENDING}, None),
    "clear": Move(frozenset({S.DISPATCHED}), None),
    "verify": Move(frozenset({S.RAISED}), S.VERIFIED),
    "judge": Move(frozenset({S.VERIFIED, S.DISPATCHED, S.RESOLVED}), None),
    "dispatch": Move(frozenset({S.RAISED, S.VERIFIED}), S.DISPATCHED),
    "take_back": Move(frozenset({S.DISPATCHED}), S.VERIFIED),
    "resolve": Move(frozenset({S.RAISED, S.VERIFIED, S.DISPATCHED}), S.RESOLVED),
    "redo": Move(frozenset({S.RESOLVED}), S.DISPATCHED),
}

ACTION_LABELS: Final = {
    "raise": _("Raised"),
    "rise": _("Level rose"),
    "return": _("Beyond the bound again"),
    "clear": _("Back to normal, order still open"),
    "verify": _("Verified"),
    "judge": _("Judged again"),
    "dispatch": pgettext_lazy("alert state", "Dispatched"),
    "take_back": _("Order ended without result"),
    "resolve": _("Resolved"),
    "redo": _("To be redone"),
    "not_sent": _("Not sent out by itself"),
    "declare": _("Declared"),
    "try": _("Trial begun"),
    "approve": _("Approved"),
    "go_live": _("Switched live"),
    "suspend": _("Back to trial"),
    "revise": _("New version"),
    "retire": _("Retired"),
    "health": _("Sight changed"),
}


class Verdict(TextChoices):
    TRUE = "true", _("True")
    PARTLY = "partly", _("Partly true")
    FALSE = "false", _("False")
    UNKNOWN = "unknown", _("Cannot be verified")


class AlertLevel(IntegerChoices):
    """One is the gravest. The four-step banding is this platform's own design."""

    ONE = 1, _("Level 1")
    TWO = 2, _("Level 2")
    THREE = 3, _("Level 3")
    FOUR = 4, _("Level 4")


class PrivacyClass(TextChoices):
    NONE = "none", _("No restriction")
    INTERNAL = "internal", _("Internal")
    PERSONAL = "personal", _("Personal")
    SENSITIVE = "sensitive", _("Sensitive")
