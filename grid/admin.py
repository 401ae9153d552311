from django.contrib import admin
from unfold.admin import ModelAdmin

from commandcenter.journal.admin import ReadOnlyAdmin

from .models import CellWorker, EventKind, Report


@admin.register(EventKind)
class EventKindAdmin(ModelAdmin):
    list_display = ("code", "name", "class_name", "function", "sla", "urgency", "common", "active")
    list_filter = ("group", "function", "urgency", "active")
    search_fields = ("code", "name", "name_en")


@admin.register(CellWorker)
class CellWorkerAdmin(ModelAdmin):
    list_display = ("cell_code", "user")
    search_fields = ("cell_code", "user__username", "user__display_name")
    raw_id_fields = ("user",)


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    list_display = ("number", "kind", "area_code", "state", "reporter", "reported_at")
    list_filter = ("state",)
    search_fields = ("number",)
