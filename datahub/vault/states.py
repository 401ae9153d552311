"""A request to erase a person: its states and the table of its moves."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class ErasureState(TextChoices):
    ASKED = "asked", pgettext_lazy("erasure", "Waits for a second steward")
    APPROVED = "approved", pgettext_lazy("erasure", "Approved, under way")
    RESTRICTED = "restricted", pgettext_lazy("erasure", "Restricted: must be kept for now")
    DONE = "done", pgettext_lazy("erasure", "Erased")
    REFUSED = "refused", pgettext_lazy("erasure", "Refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("erasure", "Withdrawn")


class Ground(TextChoices):
    """Source: PIPL (个人信息保护法) article 47, paragraph 1, items 1 to 5."""

    PURPOSE = "purpose", _("PIPL 47 (1): the purpose is reached or no longer needs the data")
    PERIOD = "period", _("PIPL 47 (2): the service ended or the time of keeping is over")
    CONSENT = "consent", _("PIPL 47 (3): the person withdrew consent")
    UNLAWFUL = "unlawful", _("PIPL 47 (4): processed against the law or an agreement")
    OTHER = "other", _("PIPL 47 (5): another law or regulation")


# A duty to keep beats the duty to erase; what is left then is storage and its protection.
# Source: PIPL article 47, paragraph 2.
KEPT_BY: Final = "个人信息保护法 47-2"

S = ErasureState
WAITING: Final = frozenset({S.APPROVED, S.RESTRICTED})

MOVES: Moves = {
    "approve": Move(frozenset({S.ASKED}), S.APPROVED),
    "refuse": Move(frozenset({S.ASKED, S.RESTRICTED}), S.REFUSED),
    "withdraw": Move(frozenset({S.ASKED}), S.WITHDRAWN),
    "restrict": Move(frozenset({S.APPROVED}), S.RESTRICTED),
    "resume": Move(frozenset({S.RESTRICTED}), S.APPROVED),
    "finish": Move(frozenset({S.APPROVED}), S.DONE),
}
TONES: Final[dict[str, str]] = {
    S.ASKED: "orange",
    S.APPROVED: "accent",
    S.RESTRICTED: "orange",
    S.DONE: "green",
    S.REFUSED: "grey",
    S.WITHDRAWN: "grey",
}
