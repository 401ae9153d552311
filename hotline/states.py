"""A ticket's words and its table of moves.

A ticket owns the caller, the content, the triage and the call-back. Every handling clock
is the order's, so there is no deadline here.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class TicketState(TextChoices):
    NEW = "new", pgettext_lazy("ticket state", "To be taken up")
    ANSWERED = "answered", pgettext_lazy("ticket state", "Answered at once")
    REJECTED = "rejected", pgettext_lazy("ticket state", "Not accepted")
    AWAITING_DISPATCH = "awaiting_dispatch", pgettext_lazy("ticket state", "Awaiting dispatch")
    DISPATCHED = "dispatched", pgettext_lazy("ticket state", "With the unit")
    AWAITING_CALLBACK = "awaiting_callback", pgettext_lazy("ticket state", "Awaiting call-back")
    CLOSED = "closed", pgettext_lazy("ticket state", "Closed")
    ARCHIVED = (
        "archived",
        pgettext_lazy("ticket state", "Archived"),
    )  # history that was imported without an answer


S = TicketState
WAITING_FOR_DESK = frozenset({S.NEW, S.AWAITING_DISPATCH})
OPEN = frozenset({S.NEW, S.AWAITING_DISPATCH, S.DISPATCHED, S.AWAITING_CALLBACK})
DONE = frozenset({S.ANSWERED, S.REJECTED, S.CLOSED, S.ARCHIVED})

TAKE = "take"  # the first move, from nothing to NEW; it has no row in the table
IMPORT = "import"  # the only move of an imported ticket

MOVES: Moves = {
    "answer": Move(WAITING_FOR_DESK, S.ANSWERED),
    "reject": Move(WAITING_FOR_DESK, S.REJECTED),
    "queue": Move(frozenset({S.NEW}), S.AWAITING_DISPATCH),
    "dispatch": Move(WAITING_FOR_DESK, S.DISPATCHED),
    "handled": Move(frozenset({S.DISPATCHED}), S.AWAITING_CALLBACK),
    "come_back": Move(frozenset({S.DISPATCHED}), S.AWAITING_DISPATCH),
    "call_back": Move(frozenset({S.AWAITING_CALLBACK}), None),
    "close": Move(frozenset({S.AWAITING_CALLBACK}), S.CLOSED),
    "redo": Move(frozenset({S.AWAITING_CALLBACK}), S.DISPATCHED),
}

ACTION_NAMES = {
    "take": pgettext_lazy("ticket move", "Taken"),
    "answer": pgettext_lazy("ticket move", "Answered at once"),
    "reject": pgettext_lazy("ticket move", "Not accepted"),
    "queue": pgettext_lazy("ticket move", "Handed to the dispatchers"),
    "dispatch": pgettext_lazy("ticket move", "Dispatched"),
    "handled": pgettext_lazy("ticket move", "Handled by the unit"),
    "come_back": pgettext_lazy("ticket move", "Came back from the unit"),
    "call_back": pgettext_lazy("ticket move", "Called back"),
    "close": pgettext_lazy("ticket move", "Closed"),
    "redo": pgettext_lazy("ticket move", "Sent back to be redone"),
    "import": pgettext_lazy("ticket move", "Imported"),
}


class Channel(TextChoices):
    PHONE = "phone", pgettext_lazy("channel", "Phone")
    WEB = "web", pgettext_lazy("channel", "Website")
    APP = "app", pgettext_lazy("channel", "City app")
    WECHAT = "wechat", pgettext_lazy("channel", "WeChat")
    SMS = "sms", pgettext_lazy("channel", "Text message")
    MAIL = "mail", pgettext_lazy("channel", "Mail")
    PROVINCE = "province", pgettext_lazy("channel", "From the province")
    VISIT = "visit", pgettext_lazy("channel", "In person")


class RequestType(TextChoices):
    """Source: the types of the city's own weekly bulletins."""

    CONSULT = "consult", pgettext_lazy("request type", "Question")
    HELP = "help", pgettext_lazy("request type", "Request for help")
    COMPLAINT = "complaint", pgettext_lazy("request type", "Complaint")
    REPORT = "report", pgettext_lazy("request type", "Report of an offence")
    SUGGESTION = "suggestion", pgettext_lazy("request type", "Suggestion")
    PRAISE = "praise", pgettext_lazy("request type", "Praise")
    OTHER = "other", pgettext_lazy("request type", "Other")


class Urgency(TextChoices):
    NORMAL = "normal", pgettext_lazy("urgency", "Normal")
    URGENT = "urgent", pgettext_lazy("urgency", "Urgent")
    CRITICAL = "critical", pgettext_lazy("urgency", "Critical")


class RejectGround(TextChoices):
    """Why a request is not accepted. Source: Beijing's and Weifang's hotline rules."""

    COURT = "court", _("In court, arbitration or review")
    PETITION = "petition", _("Already a petition")
    DISCIPLINE = "discipline", _("For the discipline inspection")
    REPEAT = "repeat", _("Repeated without new facts")
    SECRET = "secret", _("Touches secrets or privacy")
    OUTSIDE = "outside", _("Outside the government's duties")
    ILLEGAL = "illegal", _("Against law or public order")
    EMERGENCY = "emergency", _("Passed to 110, 119, 120 or 122")


class Solved(TextChoices):
    YES = "yes", pgettext_lazy("call-back", "Solved")
    PARTLY = "partly", pgettext_lazy("call-back", "Partly solved")
    NO = "no", pgettext_lazy("call-back", "Not solved")


class Satisfied(TextChoices):
    SATISFIED = "satisfied", pgettext_lazy("call-back", "Satisfied")
    BASICALLY = "basically", pgettext_lazy("call-back", "Basically satisfied")
    DISSATISFIED = "dissatisfied", pgettext_lazy("call-back", "Dissatisfied")
