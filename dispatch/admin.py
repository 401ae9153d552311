"""Orders and moves can be read here, never changed; the clock rules are edited here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from .models import ClockRule, Order, OrderMove


class ReadOnly(ModelAdmin):
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ClockRule)
class ClockRuleAdmin(ModelAdmin):
    list_display = ("clock", "kind", "request_type", "urgency", "level", "amount", "unit", "active", "source")
    list_filter = ("clock", "active")


@admin.register(Order)
class OrderAdmin(ReadOnly):
    """The administrators run the system, not the city's business: no words of the citizen here."""

    list_display = ("number", "kind", "state", "org", "area_code", "dispatched_at", "due_at")
    list_filter = ("state", "kind")
    search_fields = ("number",)
    list_select_related = ("org",)
    exclude = ("title", "content", "result", "place", "location")


@admin.register(OrderMove)
class OrderMoveAdmin(ReadOnly):
    list_display = ("order", "action", "by_name", "org_code", "at", "on_time")
    list_filter = ("action",)
    list_select_related = ("order",)
    exclude = ("note", "body")
