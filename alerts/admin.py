from django.contrib import admin

from commandcenter.journal.admin import ReadOnlyAdmin

from .models import Alert, Detector


@admin.register(Detector)
class DetectorAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "pattern", "dataset_code", "state", "version", "health")
    list_filter = ("pack", "state", "health")
    search_fields = ("code", "name")


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("number", "title", "level", "state", "verdict", "trial", "area_code", "raised_at")
    list_filter = ("trial", "state", "level", "verdict")
    search_fields = ("number",)
    show_full_result_count = False
