"""Who may read the catalogue, declare, review and publish."""

from typing import Any

from city.roles import Role
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
    return action not in SECOND_PERSON or dataset.declared_by_id != user.pk


def may_ask_guard(user: Any) -> bool:
    """Anybody on the staff can ask whether a form repeats what the city holds."""
    return may_read_catalogue(user)
