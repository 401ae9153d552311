"""Who answers what the public asks."""

from typing import Any

from city.roles import Role


def may_answer(user: Any) -> bool:
    return bool(user.is_authenticated and user.has_role(Role.STEWARD))
