"""What a subscription may be doing, how messages are written, and what was wrong with one."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class LinkState(TextChoices):
    """Where a subscription stands with its broker."""

    IDLE = "idle", _("Not started")
    CONNECTED = "connected", pgettext_lazy("link", "Connected")
    AWAY = "away", _("Broker away")
    REFUSED = "refused", _("Turned away")
    PAUSED = "paused", pgettext_lazy("link", "Paused")


class Protocol(TextChoices):
    V311 = "3.1.1", "MQTT 3.1.1"
    V5 = "5", "MQTT 5"


class Payload(TextChoices):
    JSON = "json", _("JSON object, or array of objects")
    CSV = "csv", _("Values with commas")
    NUMBER = "number", _("One number")


class BadMessage(TextChoices):
    """Why a message became no row."""

    NOT_JSON = "not_json", _("not readable as JSON")
    NOT_TEXT = "not_text", _("bytes that are no UTF-8 text")
    NOT_NUMBER = "not_number", _("not a number")
    TOO_LARGE = "too_large", _("larger than a message may be")
    EMPTY = "empty", _("no value of the mapping is in it")
    UNUSABLE = "unusable", _("could not be made into rows")


class BatchState(TextChoices):
    """What became of a pushed batch."""

    WAITING = "waiting", _("Waiting")
    FOLDING = "folding", _("Being checked")
    FOLDED = "folded", pgettext_lazy("batch", "In the lake")
    REFUSED = "refused", pgettext_lazy("batch", "Refused")
