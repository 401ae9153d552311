"""For administrators: the catalogue and what came in, to look at. Changes go through packs and deliveries."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from .models import Dataset, Delivery


class ReadOnly(ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Dataset)
class DatasetAdmin(ReadOnly):
    list_display = ("code", "name", "domain", "provider", "privacy_class", "status", "fresh_at")
    list_filter = ("domain", "status", "privacy_class")
    search_fields = ("code", "name", "name_en")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = ("id", "dataset", "state", "rows_in", "rows_committed", "rows_rejected", "received_at")
    list_filter = ("state", "is_history", "source")
    list_select_related = ("dataset",)


from .devices import admin as _devices  # noqa: E402, F401  registers its tables
from .quality import admin as _quality  # noqa: E402, F401  registers its tables
from .sharing import admin as _sharing  # noqa: E402, F401  registers its tables
