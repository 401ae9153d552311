"""For administrators: limits and weights of quality to change, incidents to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from city.policies import may_configure
from datahub.admin import ReadOnly

from .models import CorrectionRequest, Incident, QualityLimit


@admin.register(QualityLimit)
class QualityLimitAdmin(ModelAdmin):
    """Clocks, tolerance and weights; without a row the default holds."""

    list_display = ("limit", "value", "source")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_configure(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_configure(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_configure(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_configure(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_configure(request.user)


@admin.register(Incident)
class IncidentAdmin(ReadOnly):
    list_display = ("number", "kind", "dataset", "org_code", "severity", "state", "due_at")
    list_filter = ("kind", "state", "severity")
    list_select_related = ("dataset",)


@admin.register(CorrectionRequest)
class CorrectionAdmin(ReadOnly):
    list_display = ("number", "dataset", "column", "state", "due_at")
    list_filter = ("state",)
    list_select_related = ("dataset",)
    exclude = ("sealed", "wrong", "proposed", "evidence")
