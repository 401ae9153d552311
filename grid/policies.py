"""Who may report, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from city.grants import areas_of
from city.roles import Role
from commandcenter.core.codes import within

if TYPE_CHECKING:
    from city.models import User


def may_report(user: User) -> bool:
    return user.has_role(Role.GRID_WORKER)


def may_choose(user: User, area_code: str) -> bool:
    """A place chosen by hand lies where the worker has his duty; a measured one may lie next door."""
    return any(within(area_code, top) for top in areas_of(user, Role.GRID_WORKER))
