"""Who may see and do what in the data hub."""

from typing import Any

from city.roles import Role

from .models import Dataset
from .querysets import READERS
from .sharing.policies import PREVIEW, may_read


def may_see_hub(user: Any) -> bool:
    return bool(user.is_authenticated and user.has_role(*READERS))


def may_deliver(user: Any) -> bool:
    """Bring files in: the data steward."""
    return bool(user.is_authenticated and user.has_role(Role.STEWARD))


def may_see_rejects(user: Any) -> bool:
    """Rejected rows show what the source wrote: the steward mends them, nobody else needs them."""
    return may_deliver(user)


def may_see_sample(user: Any, dataset: Dataset) -> bool:
    """Rows themselves, under the preview's own grant; of personal datasets only the steward, and masked."""
    if not may_read(dataset.code, PREVIEW):
        return False
    if dataset.is_masked:
        return may_deliver(user)
    return bool(user.has_role(Role.STEWARD, Role.ANALYST))
