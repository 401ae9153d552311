"""Incidents and correction requests: their states, the tables of their moves, the defaults of clocks."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class IncidentKind(TextChoices):
    RULE_FAILED = "rule_failed", _("Rule failed")
    DELIVERY_REFUSED = "delivery_refused", _("Delivery refused")
    LATE = "late", _("Source late")
    SOURCE_FAILING = "source_failing", _("Source failing")
    COLUMNS_CHANGED = "columns_changed", _("Columns changed")
    CLOCK_OVER = "clock_over", _("Sharing clock ran out")
    DEVICE_FAULT = "device_fault", _("Device fault")


class Severity(TextChoices):
    HIGH = "high", pgettext_lazy("incident", "High")
    NORMAL = "normal", pgettext_lazy("incident", "Normal")
    LOW = "low", pgettext_lazy("incident", "Low")


SEVERITY_OF: Final[dict[str, str]] = {
    IncidentKind.RULE_FAILED: Severity.NORMAL,
    IncidentKind.DELIVERY_REFUSED: Severity.HIGH,
    IncidentKind.LATE: Severity.NORMAL,
    IncidentKind.SOURCE_FAILING: Severity.HIGH,
    IncidentKind.COLUMNS_CHANGED: Severity.HIGH,
    IncidentKind.CLOCK_OVER: Severity.NORMAL,
    IncidentKind.DEVICE_FAULT: Severity.NORMAL,
}


class IncidentState(TextChoices):
    OPEN = "open", pgettext_lazy("incident", "Open")
    ACKNOWLEDGED = "acknowledged", pgettext_lazy("incident", "Acknowledged")
    MENDING = "mending", pgettext_lazy("incident", "Being mended")
    RESOLVED = "resolved", pgettext_lazy("incident", "Mended, to be confirmed")
    CLOSED = "closed", pgettext_lazy("incident", "Closed")


I = IncidentState  # noqa: E741  the table below is read as a table
RUNNING: Final = frozenset({I.OPEN, I.ACKNOWLEDGED, I.MENDING})  # the owner's clock runs
ALIVE: Final = RUNNING | {I.RESOLVED}

INCIDENT_MOVES: Moves = {
    "acknowledge": Move(frozenset({I.OPEN}), I.ACKNOWLEDGED),
    "start_mending": Move(frozenset({I.OPEN, I.ACKNOWLEDGED}), I.MENDING),
    "resolve": Move(RUNNING, I.RESOLVED),
    # Without the fault being mended (a false alarm, or accepted as it is): the steward, with a reason.
    "close": Move(ALIVE, I.CLOSED),
    "clear": Move(ALIVE, I.CLOSED),
    "reopen": Move(frozenset({I.RESOLVED, I.CLOSED}), I.OPEN),
    "escalate": Move(RUNNING, None),
    "note": Move(ALIVE, None),
}

INCIDENT_LABELS: Final = {
    "raise": pgettext_lazy("incident", "Raised"),
    "acknowledge": _("Acknowledged by its owner"),
    "start_mending": _("Mending began"),
    "resolve": _("Reported as mended"),
    "close": _("Closed by the data bureau"),
    "clear": _("Mended by itself: the check passes again"),
    "reopen": _("It came back"),
    "escalate": _("Deadline ran out, data bureau told"),
    "note": _("Note"),
}


class Because(TextChoices):
    """Why an incident ended, for those who count causes."""

    MENDED = "mended", _("mended at the source")
    REPLAYED = "replayed", _("rejected rows mended and replayed")
    RULE_WRONG = "rule_wrong", _("the rule was wrong")
    FALSE_ALARM = "false_alarm", _("false alarm")
    ACCEPTED = "accepted", _("accepted as it is")


class CorrectionState(TextChoices):
    ASKED = "asked", _("Asked, owner decides")
    ACCEPTED = "accepted", _("Accepted, to be corrected")
    CORRECTED = "corrected", pgettext_lazy("correction", "Corrected")
    REFUSED = "refused", pgettext_lazy("correction", "Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


C = CorrectionState
WAITING: Final = frozenset({C.ASKED, C.ACCEPTED})  # a clock of the owner runs

CORRECTION_MOVES: Moves = {
    "accept": Move(frozenset({C.ASKED}), C.ACCEPTED),
    "refuse": Move(frozenset({C.ASKED}), C.REFUSED),
    "correct": Move(frozenset({C.ASKED, C.ACCEPTED}), C.CORRECTED),
    "withdraw": Move(frozenset({C.ASKED}), C.WITHDRAWN),
    "escalate": Move(WAITING, None),
}

CORRECTION_LABELS: Final = {
    "ask": _("Correction asked for"),
    "accept": _("Accepted by the owner"),
    "refuse": _("Refused by the owner"),
    "correct": _("Corrected by a new delivery"),
    "withdraw": _("Withdrawn"),
    "escalate": _("Deadline ran out, data bureau told"),
}


class Dimension(TextChoices):
    """GB/T 36344-2018 names six; repetition, which it counts under accuracy, is shown by itself."""

    VALIDITY = "validity", _("Validity")
    COMPLETENESS = "completeness", _("Completeness")
    ACCURACY = "accuracy", _("Accuracy")
    UNIQUENESS = "uniqueness", _("Uniqueness")
    CONSISTENCY = "consistency", _("Consistency")
    TIMELINESS = "timeliness", _("Timeliness")
    ACCESSIBILITY = "accessibility", _("Accessibility")


class Limit(TextChoices):
    """What the data bureau may set: hours of work, working days, shares, weights."""

    HIGH_HOURS = "high_hours", _("Incident, high: working hours")
    NORMAL_HOURS = "normal_hours", _("Incident, normal: working hours")
    LOW_HOURS = "low_hours", _("Incident, low: working hours")
    REOPEN_DAYS = "reopen_days", _("A closed incident that returns within so many days is the same one")
    TOLERANCE = "tolerance", _("Rows in a thousand that may fail a rule")
    DECIDE_DAYS = "decide_days", _("Correction: working days to decide")
    CORRECT_DAYS = "correct_days", _("Correction: working days to correct")
    W_VALIDITY = "w_validity", _("Weight of validity")
    W_COMPLETENESS = "w_completeness", _("Weight of completeness")
    W_ACCURACY = "w_accuracy", _("Weight of accuracy")
    W_UNIQUENESS = "w_uniqueness", _("Weight of uniqueness")
    W_CONSISTENCY = "w_consistency", _("Weight of consistency")
    W_TIMELINESS = "w_timeliness", _("Weight of timeliness")
    W_ACCESSIBILITY = "w_accessibility", _("Weight of accessibility")


# Weights: facts.md section 3 (20/20/20/15/15/10, a proposal, GB/T 36344 names no weights); accuracy's 20 is
# halved with repetition. Clocks: one, two and three working days of seven hours; to be confirmed by the city.
DEFAULTS: Final[dict[str, int]] = {
    Limit.HIGH_HOURS: 7,
    Limit.NORMAL_HOURS: 14,
    Limit.LOW_HOURS: 21,
    Limit.REOPEN_DAYS: 7,
    Limit.TOLERANCE: 10,
    Limit.DECIDE_DAYS: 5,
    Limit.CORRECT_DAYS: 5,
    Limit.W_VALIDITY: 20,
    Limit.W_COMPLETENESS: 20,
    Limit.W_ACCURACY: 10,
    Limit.W_UNIQUENESS: 10,
    Limit.W_CONSISTENCY: 15,
    Limit.W_TIMELINESS: 15,
    Limit.W_ACCESSIBILITY: 10,
}
