"""The life of a dataset in the catalogue, as a table of moves."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from commandcenter.core.moves import Move, Moves
from datahub.states import DatasetStatus

S = DatasetStatus

MOVES: Moves = {
    "change": Move(frozenset({S.DRAFT}), S.DRAFT),
    "review": Move(frozenset({S.DRAFT}), S.REVIEWED),
    "send_back": Move(frozenset({S.REVIEWED}), S.DRAFT),
    "publish": Move(frozenset({S.REVIEWED}), S.PUBLISHED),
    "retire": Move(frozenset({S.PUBLISHED}), S.RETIRED),
    "take_up": Move(frozenset({S.RETIRED}), S.DRAFT),
}
NEEDS_REASON = frozenset({"send_back", "retire", "take_up"})
SECOND_PERSON = frozenset({"review"})  # whoever declared or last changed it may not do these


class Action(TextChoices):
    DECLARE = "declare", _("Declared")
    CHANGE = "change", _("Declaration changed")
    REVIEW = "review", _("Reviewed by a second person")
    SEND_BACK = "send_back", _("Sent back to draft")
    PUBLISH = "publish", _("Put into the catalogue")
    RETIRE = "retire", _("Taken out of use")
    TAKE_UP = "take_up", _("Taken up again as a draft")


class Decision(TextChoices):
    """What somebody did when told that the city holds these columns already."""

    GO_ON = "go_on", _("Collected all the same")
    REUSE = "reuse", _("Took what the city holds")
