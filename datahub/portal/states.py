"""A request for data that is not open yet: its states and the table of its moves."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class RequestState(TextChoices):
    RECEIVED = "received", pgettext_lazy("data request", "Received")
    IN_REVIEW = "in_review", pgettext_lazy("data request", "Being looked into")
    OPENED = "opened", pgettext_lazy("data request", "Data opened")
    DECLINED = "declined", pgettext_lazy("data request", "Cannot be opened")


class Applicant(TextChoices):
    PERSON = "person", pgettext_lazy("applicant", "Private person")
    COMPANY = "company", pgettext_lazy("applicant", "Company")
    SCHOOL = "school", pgettext_lazy("applicant", "School or research")
    OTHER = "other", pgettext_lazy("applicant", "Other")


S = RequestState
OPEN: Final = frozenset({S.RECEIVED, S.IN_REVIEW})
ANSWERED: Final = frozenset({S.OPENED, S.DECLINED})
ANSWER_WITHIN_DAYS: Final = 10  # working days, as for an application between departments

MOVES: Moves = {
    "accept": Move(frozenset({S.RECEIVED}), S.IN_REVIEW),
    "open": Move(OPEN, S.OPENED),
    "decline": Move(OPEN, S.DECLINED),
}
