"""How a pulled source is reached, and what a run of it can come to."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class PullKind(TextChoices):
    """The values are those of datahub.states.SourceKind."""

    FOLDER = "folder", _("Watched folder")
    DATABASE = "database", pgettext_lazy("data", "Database")
    HTTP = "http", _("HTTP pull")


class Rhythm(TextChoices):
    EVERY = "every", _("Every …")
    DAILY = "daily", _("Once a day")


class RunOutcome(TextChoices):
    RUNNING = "running", _("Running")
    DELIVERED = "delivered", _("Delivered")
    UNCHANGED = "unchanged", _("Unchanged")
    NOTHING = "nothing", _("Nothing new")
    FAILED = "failed", pgettext_lazy("source", "Failed")
    INTERRUPTED = "interrupted", _("Interrupted")


class BatchState(TextChoices):
    """A batch that was fetched lies on the disk until the hub took it or refused it."""

    FETCHED = "fetched", _("Fetched")
    DELIVERED = "delivered", _("Delivered")
    REFUSED = "refused", _("Refused")


B = BatchState
BATCH_MOVES: Final[Moves] = {
    "deliver": Move(frozenset({B.FETCHED}), B.DELIVERED),
    "refuse": Move(frozenset({B.FETCHED}), B.REFUSED),
}
R = RunOutcome
RUN_MOVES: Final[Moves] = {
    "deliver": Move(frozenset({R.RUNNING}), R.DELIVERED),
    "recognise": Move(frozenset({R.RUNNING}), R.UNCHANGED),
    "rest": Move(frozenset({R.RUNNING}), R.NOTHING),
    "fail": Move(frozenset({R.RUNNING}), R.FAILED),
    "interrupt": Move(frozenset({R.RUNNING}), R.INTERRUPTED),
}
GOOD = frozenset({R.DELIVERED, R.UNCHANGED, R.NOTHING})
