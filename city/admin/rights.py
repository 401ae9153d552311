"""Who sees which admin page: by role, never by Django permission."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest
from unfold.admin import ModelAdmin

from city.grants import has_role
from city.models import User
from city.policies import is_installer
from city.roles import Role


def who(request: HttpRequest) -> User:
    """The person behind an admin request: the admin site lets nobody else through."""
    assert isinstance(request.user, User)
    return request.user


class RoleAdmin(ModelAdmin):
    """`seen_by` may look, `changed_by` may also write; what has history is never deleted here."""

    seen_by: ClassVar[frozenset[Role]] = frozenset()
    changed_by: ClassVar[frozenset[Role]] = frozenset()
    installer_may_change: ClassVar[bool] = True

    def _may_change(self, request: HttpRequest) -> bool:
        return has_role(request.user, *self.changed_by) or (
            self.installer_may_change and is_installer(request.user)
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.seen_by, *self.changed_by) or self._may_change(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may_change(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyRoleAdmin(RoleAdmin):
    """Looked at here, written by services only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


SYSTEM = frozenset({Role.SYSTEM_ADMIN})
SECURITY = frozenset({Role.SECURITY_ADMIN})
AUDITOR = frozenset({Role.AUDIT_ADMIN})
