"""Read-only pages for the auditor."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from .models import AuditEntry, FailedListener


class ReadOnlyAdmin(ModelAdmin):
    """A process table: looked at here, written by services only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "target_ref", "result", "reason")
    list_filter = ("action", "result")
    search_fields = ("actor", "target_ref", "reason")
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(FailedListener)
class FailedListenerAdmin(ReadOnlyAdmin):
    list_display = ("listener", "event", "attempts", "next_try", "error")
