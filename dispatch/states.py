"""The states of an order and the one table of its moves.

Source of the states: domain facts 1.2 and 1.4 (待签收 → 办理中 → 待审核 → 办结, with 退单审核 and
重办 beside them). An extension and a hold do not change the state, only the clocks, so their moves
lead back to the state they start from.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class OrderState(TextChoices):
    DISPATCHED = "dispatched", _("To sign")
    SIGNED = "signed", _("In handling")
    HANDLED = "handled", _("To check")
    CLOSED = "closed", pgettext_lazy("order state", "Closed")
    RETURN_REVIEW = "return_review", _("Return under review")
    RETURNED = "returned", pgettext_lazy("order state", "Returned")
    CANCELLED = "cancelled", pgettext_lazy("order state", "Cancelled")


class OrderKind(TextChoices):
    """Which kind of work the order serves."""

    TICKET = "ticket", _("Citizen's request")
    REPORT = "report", _("Grid report")
    ALERT = "alert", _("Alert")
    INSTRUCTION = "instruction", _("Instruction")
    DEVICE = "device", _("Device fault")


class OrderRole(TextChoices):
    LEAD = "lead", pgettext_lazy("order role", "Lead")
    ASSIST = "assist", pgettext_lazy("order role", "Assist")


class Urgency(TextChoices):
    NORMAL = "normal", pgettext_lazy("urgency", "Normal")
    URGENT = "urgent", pgettext_lazy("urgency", "Urgent")
    CRITICAL = "critical", pgettext_lazy("urgency", "Critical")


class RequestKind(TextChoices):
    """What a unit asks of the dispatchers without changing the state."""

    EXTENSION = "extension", pgettext_lazy("order", "Extension")
    HOLD = "hold", pgettext_lazy("order", "Hold")


class RequestState(TextChoices):
    PENDING = "pending", _("Waiting for a decision")
    GRANTED = "granted", pgettext_lazy("request", "Granted")
    REFUSED = "refused", pgettext_lazy("request", "Refused")
    WITHDRAWN = "withdrawn", _("Lapsed")


class ContactOutcome(TextChoices):
    """How an attempt to reach the citizen ended (XW-10 excludes the last two, see items/xw10)."""

    REACHED = "reached", _("Reached")
    NO_ANSWER = "no_answer", _("No answer")
    DECLINED = "declined", _("Asked not to be contacted")


class CancelGround(TextChoices):
    """Why an order was withdrawn; the first three are the exclusions of accountability.csv."""

    DUPLICATE = "duplicate", _("Sent twice")
    FAULT = "fault", _("System fault")
    FORCE_MAJEURE = "force_majeure", _("Force majeure")
    WITHDRAWN = "withdrawn", _("No longer needed")


S = OrderState
OPEN = frozenset({S.DISPATCHED, S.SIGNED, S.HANDLED, S.RETURN_REVIEW})
WITH_UNIT = frozenset({S.DISPATCHED, S.SIGNED})
ENDED = frozenset({S.CLOSED, S.RETURNED, S.CANCELLED})

MOVES: Moves = {
    "sign": Move(frozenset({S.DISPATCHED}), S.SIGNED),
    "contact": Move(frozenset({S.SIGNED}), S.SIGNED),
    "handle": Move(frozenset({S.SIGNED}), S.HANDLED),
    "send_back": Move(frozenset({S.HANDLED}), S.SIGNED),
    "close": Move(frozenset({S.HANDLED}), S.CLOSED),
    "redo": Move(frozenset({S.CLOSED}), S.SIGNED),
    "request_return": Move(frozenset({S.SIGNED}), S.RETURN_REVIEW),
    "return": Move(frozenset({S.RETURN_REVIEW}), S.RETURNED),
    "refuse_return": Move(frozenset({S.RETURN_REVIEW}), S.SIGNED),
    "request_extension": Move(frozenset({S.SIGNED}), S.SIGNED),
    "extend": Move(frozenset({S.SIGNED}), S.SIGNED),
    "refuse_extension": Move(frozenset({S.SIGNED}), S.SIGNED),
    "request_hold": Move(frozenset({S.SIGNED}), S.SIGNED),
    "hold": Move(frozenset({S.SIGNED}), S.SIGNED),
    "refuse_hold": Move(frozenset({S.SIGNED}), S.SIGNED),
    "release": Move(frozenset({S.SIGNED}), S.SIGNED),
    "assist": Move(frozenset({S.SIGNED}), S.SIGNED),
    "pass_down": Move(frozenset({S.SIGNED}), S.SIGNED),
    "cancel": Move(OPEN, S.CANCELLED),
}

# Written by the machine without a change of state; kept apart so that nobody may ask for them.
OPENED = "open"
RECOMPUTED = "recompute"
RELOCATED = "relocate"

ACTION_WORDS = {
    "open": pgettext_lazy("order move", "Dispatched"),
    "sign": pgettext_lazy("order move", "Signed"),
    "contact": _("Contacted the citizen"),
    "handle": pgettext_lazy("order move", "Handled"),
    "send_back": pgettext_lazy("order move", "Sent back"),
    "close": _("Checked and closed"),
    "redo": _("To be redone"),
    "request_return": _("Asked to return it"),
    "return": _("Return accepted"),
    "refuse_return": _("Return refused, unit fixed by ruling"),
    "request_extension": _("Asked for an extension"),
    "extend": pgettext_lazy("order move", "Extended"),
    "refuse_extension": _("Extension refused"),
    "request_hold": _("Asked for a hold"),
    "hold": _("Held, the clock stands"),
    "refuse_hold": _("Hold refused"),
    "release": _("Released, the clock runs again"),
    "assist": _("Called in an assisting unit"),
    "pass_down": pgettext_lazy("order move", "Passed down"),
    "cancel": pgettext_lazy("order move", "Cancelled"),
    "recompute": _("Deadlines recomputed after the calendar was published"),
    "relocate": _("Moved to the new code of its area"),
}
