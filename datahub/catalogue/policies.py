"""Who may read the catalogue, declare, review and publish."""

from typing import Any

from city.roles import Role
from city.selectors import areas_of
from commandcenter.core.codes import level_of
from datahub.models import Dataset
from datahub.sharing.policies import steward_of

from .models import Proposal
from .querysets import STAFF
from .states import SECOND_PERSON


def may_read_catalogue(user: Any) -> bool:
    return bool(user.is_authenticated and user.has_role(*STAFF))


def may_declare(user: Any) -> bool:
    return bool(user.is_authenticated and user.has_role(Role.STEWARD))


def may_edit(user: Any, proposal: Proposal) -> bool:
    return may_declare(user) and proposal.by_id == user.pk


def may_move(user: Any, dataset: Dataset, action: str) -> bool:
    """The steward of the dataset's area; what needs a second pair of eyes not who wrote the declaration."""
    if not user.is_authenticated or not steward_of(user, dataset):
        return False
    if not dataset.area_code and home_of(user):
        return False  # a county's steward does not decide what the whole city has
    return action not in SECOND_PERSON or dataset.declared_by_id != user.pk


def home_of(user: Any) -> str:
    """Where what this steward declares belongs: his county; '' for a steward of the whole city."""
    tops = areas_of(user, Role.STEWARD)
    return "" if any(level_of(top) == "city" for top in tops) else next(iter(tops), "")


def may_ask_guard(user: Any) -> bool:
    """Anybody on the staff can ask whether a form repeats what the city holds."""
    return may_read_catalogue(user)
