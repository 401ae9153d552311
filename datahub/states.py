"""A delivery's states and the table of its moves."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class DeliveryState(TextChoices):
    RECEIVED = "received", pgettext_lazy("delivery", "Received")
    PARSED = "parsed", _("Being read")
    CHECKED = "checked", pgettext_lazy("delivery", "Checked")
    COMMITTED = "committed", _("Committed")
    UNCHANGED = "unchanged", _("Unchanged")
    REFUSED = "refused", pgettext_lazy("delivery", "Refused")


S = DeliveryState
OPEN = frozenset({S.RECEIVED, S.PARSED, S.CHECKED})
FINAL = frozenset({S.COMMITTED, S.UNCHANGED, S.REFUSED})
FRESH = frozenset({S.COMMITTED, S.UNCHANGED})  # states that prove the source is alive

MOVES: Moves = {
    # A process that died in the middle leaves `parsed`; the next one starts over from there.
    "read": Move(frozenset({S.RECEIVED, S.PARSED}), S.PARSED),
    "check": Move(frozenset({S.PARSED}), S.CHECKED),
    "commit": Move(frozenset({S.CHECKED}), S.COMMITTED),
    "recognise": Move(frozenset({S.RECEIVED}), S.UNCHANGED),
    "refuse": Move(OPEN, S.REFUSED),
}


class DatasetStatus(TextChoices):
    DRAFT = "draft", _("Draft")
    REVIEWED = "reviewed", _("Reviewed")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class PrivacyClass(TextChoices):
    NONE = "none", _("No personal data")
    INTERNAL = "internal", pgettext_lazy("data", "Internal")
    PERSONAL = "personal", pgettext_lazy("data", "Personal")
    SENSITIVE = "sensitive", _("Sensitive")


class ShareType(TextChoices):
    UNCONDITIONAL = "unconditional", _("Shared unconditionally")
    CONDITIONAL = "conditional", _("Shared on conditions")
    NONE = "none", _("Not shared")


class OpenType(TextChoices):
    OPEN = "open", pgettext_lazy("data", "Open")
    CONDITIONAL = "conditional", _("Open on conditions")
    CLOSED = "closed", _("Not open")


class ColumnKind(TextChoices):
    TEXT = "text", _("Text")
    INTEGER = "integer", _("Whole number")
    NUMBER = "number", pgettext_lazy("data", "Number")
    BOOLEAN = "boolean", _("Yes or no")
    TIME = "time", _("Time")
    DATE = "date", _("Date")


class SourceKind(TextChoices):
    FILE = "file", _("File")
    UPLOAD = "upload", _("Upload")
    PUSH = "push", pgettext_lazy("data", "Push")
    TABLE = "table", _("Platform")
    FOLDER = "folder", _("Watched folder")
    DATABASE = "database", pgettext_lazy("data", "Database")
    HTTP = "http", _("HTTP pull")
    MQTT = "mqtt", _("MQTT")
    REPLAY = "replay", _("Mended rows")


class Origin(TextChoices):
    """Where data comes from in the first place: 政务、受理、感知、互联网."""

    GOVERNMENT = "government", _("Government business")
    ACCEPTED = "accepted", _("Taken from citizens")
    SENSED = "sensed", _("Sensed by devices")
    INTERNET = "internet", _("From the internet")


class DataFormat(TextChoices):
    TABLE = "table", _("Database table")
    FILE = "file", _("Spreadsheet or file")
    SERVICE = "service", _("Interface")
    STREAM = "stream", pgettext_lazy("data", "Stream")
