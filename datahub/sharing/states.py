"""An agreement's states and the table of its moves."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class AgreementState(TextChoices):
    APPLIED = "applied", _("Formal check")
    RETURNED = "returned", _("To be completed")
    CHECKED = "checked", _("Provider decides")
    GRANTED = "granted", _("Granted")
    REFUSED = "refused", _("Application refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    STOPPED = "stopped", _("Stopped")
    EXPIRED = "expired", _("Expired")


S = AgreementState
WAITING: Final = frozenset({S.APPLIED, S.CHECKED})  # a clock of ours runs
OPEN: Final = frozenset({S.APPLIED, S.RETURNED, S.CHECKED})
ENDED: Final = frozenset({S.STOPPED, S.EXPIRED})

MOVES: Moves = {
    "return": Move(frozenset({S.APPLIED}), S.RETURNED),
    "complete": Move(frozenset({S.RETURNED}), S.APPLIED),
    "pass_check": Move(frozenset({S.APPLIED}), S.CHECKED),
    # What is shared unconditionally needs no decision of its owner.
    "grant_directly": Move(frozenset({S.APPLIED}), S.GRANTED),
    "grant": Move(frozenset({S.CHECKED}), S.GRANTED),
    "refuse": Move(frozenset({S.APPLIED, S.CHECKED}), S.REFUSED),
    "withdraw": Move(OPEN, S.WITHDRAWN),
    "escalate": Move(WAITING, None),
    "stop": Move(frozenset({S.GRANTED}), S.STOPPED),
    "expire": Move(frozenset({S.GRANTED}), S.EXPIRED),
    "new_token": Move(frozenset({S.GRANTED}), None),
}

ACTION_LABELS: Final = {
    "apply": _("Applied for"),
    "return": _("Sent back to be completed"),
    "complete": _("Completed and sent in again"),
    "pass_check": _("Formal check passed"),
    "grant_directly": _("Granted directly after the formal check"),
    "grant": _("Granted by the provider"),
    "refuse": _("Application refused"),
    "withdraw": _("Withdrawn"),
    "escalate": _("Clock ran out, data bureau told"),
    "stop": _("Stopped"),
    "expire": _("Expired"),
    "new_token": _("New token"),
    "seed": _("Set up with the platform"),
}


class ConsumerKind(TextChoices):
    ORGANISATION = "organisation", _("Organisation")
    PLATFORM = "platform", _("Part of this platform")
    PEER = "peer", _("Another level's platform")


class Way(TextChoices):
    API = "api", _("Interface")
    WEBHOOK = "webhook", _("Pushed")
    FILE = "file", _("File drop")
    PLATFORM = "platform", _("Read on the platform")


class Outcome(TextChoices):
    OK = "ok", pgettext_lazy("sharing", "Answered")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


class Denial(TextChoices):
    """Why a call was refused."""

    NO_TOKEN = "no_token", _("no token was sent")
    UNKNOWN_TOKEN = "unknown_token", _("the token is not known")
    NOT_GRANTED = "not_granted", _("there is no grant for this dataset")
    STOPPED = "stopped", _("the grant was stopped")
    EXPIRED = "expired", _("the grant has expired")
    RETIRED = "retired", _("the dataset is no longer published")
    QUOTA = "quota", _("the calls of the day are used up")
    BAD_REQUEST = "bad_request", _("the request cannot be understood")


class MaskRule(TextChoices):
    """What happens to a column's values on the way out. A rule not known here hides."""

    HIDE = "hide", _("Hidden")
    NAME = "name", _("Surname only")
    PHONE = "phone", _("Phone number, middle hidden")
    ID_NUMBER = "id_number", _("Identity number, birth date hidden")
    ADDRESS = "address", _("Address as far as the street")
    TEXT = "text", _("Free text without numbers of persons")
    TOKEN = "token", _("Keyed token that only matches itself")


class Clock(TextChoices):
    """Which limit. Working days; source: facts.md section 3 (a Shanxi city's rule), configurable."""

    CHECK = "check", _("Formal check")
    DECIDE_MOUNTED = "decide_mounted", _("Decision, resource is there")
    DECIDE_UNMOUNTED = "decide_unmounted", _("Decision, resource is still to come")


DEFAULT_DAYS: Final[dict[str, int]] = {
    Clock.CHECK: 2,
    Clock.DECIDE_MOUNTED: 5,
    Clock.DECIDE_UNMOUNTED: 10,
}
