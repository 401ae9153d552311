"""Who may open a personal field, and who may erase a person."""

from typing import Any

from city.roles import Role
from datahub.models import Dataset

from .models import ErasureRequest
from .states import MOVES


def may_open(user: Any, dataset: Dataset) -> bool:
    """The steward of the dataset's area. A reason is asked for as well, and every opening is written down."""
    return bool(
        user.is_authenticated
        and user.has_role(Role.STEWARD)
        and Dataset.objects.visible_to(user).filter(pk=dataset.pk).exists()
    )


def may_erase(user: Any) -> bool:
    """Erasing reaches the whole city's data and cannot be undone."""
    return bool(user.is_authenticated and user.has_role(Role.STEWARD))


def may_decide_erasure(user: Any, request: ErasureRequest) -> bool:
    """Four eyes: another steward than the one who asked."""
    return may_erase(user) and request.asked_by_id != user.pk and request.state in MOVES["refuse"].start


def may_withdraw_erasure(user: Any, request: ErasureRequest) -> bool:
    return may_erase(user) and request.asked_by_id == user.pk and request.state in MOVES["withdraw"].start
