"""The roles a person can hold. What a role may do is decided by each app's policies."""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    OPERATOR = "operator", _("Operator")
    DISPATCHER = "dispatcher", _("Dispatcher")
    OFFICER = "officer", _("Officer")
    GRID_WORKER = "grid_worker", _("Grid worker")
    ANALYST = "analyst", _("Analyst")
    STEWARD = "steward", _("Data steward")
    LEADER = "leader", _("Leader")
    SUPERVISOR = "supervisor", _("Supervisor")
    SYSTEM_ADMIN = "system_admin", _("System administrator")
    SECURITY_ADMIN = "security_admin", _("Security administrator")
    AUDIT_ADMIN = "audit_admin", _("Audit administrator")


ADMIN_ROLES: Final = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
BUSINESS_ROLES: Final = frozenset(Role) - ADMIN_ROLES

# One person holds roles of one class only: the three administrators watch each
# other, and none of them does the city's business. The number is stored beside
# each grant so that PostgreSQL can refuse an overlap (RoleGrant's exclusion constraint).
BUSINESS_CLASS: Final = 0
_ADMIN_CLASSES: Final[dict[str, int]] = {Role.SYSTEM_ADMIN: 1, Role.SECURITY_ADMIN: 2, Role.AUDIT_ADMIN: 3}


def role_class(role: str) -> int:
    return _ADMIN_CLASSES.get(role, BUSINESS_CLASS)


# Where a person starts after login: the URL of the first of these roles that he holds.
HOME_URLS: Final[tuple[tuple[Role, str], ...]] = (
    (Role.OPERATOR, "hotline:intake"),
    (Role.OFFICER, "dispatch:inbox"),
    (Role.DISPATCHER, "dispatch:review"),
    (Role.GRID_WORKER, "grid:report"),
    (Role.ANALYST, "alerts:list"),
    (Role.STEWARD, "datahub:overview"),
    (Role.LEADER, "dashboards:cockpit"),
    (Role.SUPERVISOR, "dashboards:cockpit"),
    (Role.SYSTEM_ADMIN, "admin:index"),
    (Role.SECURITY_ADMIN, "admin:index"),
    (Role.AUDIT_ADMIN, "admin:index"),
)

# The audience class a role listens with on the live door; an officer listens as his
# organisation, everybody as himself (selectors.watch_groups adds both).
AUDIENCES: Final[dict[str, str]] = {
    Role.LEADER: "leader",
    Role.SUPERVISOR: "leader",
    Role.DISPATCHER: "command",
    Role.OPERATOR: "desk",
    Role.ANALYST: "analyst",
    Role.STEWARD: "steward",
}
