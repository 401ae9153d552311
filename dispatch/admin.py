"""The clock rules are edited here; orders and moves can be looked up by the auditor, never changed.

Nobody reads the city's business here: no citizen's words, no results, no notes.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from city.roles import Role
from city.selectors import has_role

from .models import ClockRule, Order, OrderMove


@admin.register(ClockRule)
class ClockRuleAdmin(ModelAdmin):
    """A change is for orders to come: each order keeps the clocks it was dispatched with."""

    list_display = ("clock", "kind", "request_type", "urgency", "level", "amount", "unit", "active", "source")
    list_filter = ("clock", "active")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return has_role(request.user, Role.SYSTEM_ADMIN)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, Role.SYSTEM_ADMIN)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return has_role(request.user, Role.SYSTEM_ADMIN)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, Role.SYSTEM_ADMIN)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, Role.SYSTEM_ADMIN)


class ForAuditor(ModelAdmin):
    def has_module_permission(self, request: HttpRequest) -> bool:
        return has_role(request.user, Role.AUDIT_ADMIN)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, Role.AUDIT_ADMIN)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(ForAuditor):
    list_display = ("number", "kind", "state", "org", "area_code", "dispatched_at", "due_at")
    list_filter = ("state", "kind")
    search_fields = ("number",)
    list_select_related = ("org",)
    exclude = ("title", "content", "result", "place", "location", "accused_org")


@admin.register(OrderMove)
class OrderMoveAdmin(ForAuditor):
    list_display = ("order", "action", "by_name", "org_code", "at", "on_time")
    list_filter = ("action",)
    list_select_related = ("order",)
    exclude = ("note", "body")
