"""Who may change what in the city."""

from __future__ import annotations

from typing import Any

from city.grants import has_role
from city.roles import Role


def may_grant_roles(user: Any) -> bool:
    """The security administrator; the superuser only until the set-up is finished and he is disabled."""
    return has_role(user, Role.SECURITY_ADMIN) or is_installer(user)


def may_manage_users(user: Any) -> bool:
    return may_grant_roles(user)


def may_configure(user: Any) -> bool:
    """Organisations, calendar, generations of areas."""
    return has_role(user, Role.SYSTEM_ADMIN) or is_installer(user)


def may_read_audit(user: Any) -> bool:
    return has_role(user, Role.AUDIT_ADMIN)


def is_administrator(user: Any) -> bool:
    return has_role(user, Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)


def is_installer(user: Any) -> bool:
    return bool(getattr(user, "is_active", False) and getattr(user, "is_superuser", False))
