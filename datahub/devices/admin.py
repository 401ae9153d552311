"""For administrators: limits of each kind, numbers of the patrol; devices and faults to look at."""

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from city.policies import may_configure
from datahub.admin import ReadOnly

from .models import Device, DeviceLimit, Fault, PatrolSetting
from .services import apply_limits


class Configured(ModelAdmin):
    """Without a row the default holds."""

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


@admin.register(DeviceLimit)
class DeviceLimitAdmin(Configured):
    """New limits reach the devices at once."""

    list_display = ("kind", "silent_s", "fault_s", "repair_minutes", "source")

    def save_model(
        self, request: HttpRequest, obj: DeviceLimit, form: "ModelForm[Any]", change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        apply_limits()

    def delete_model(self, request: HttpRequest, obj: DeviceLimit) -> None:
        super().delete_model(request, obj)
        apply_limits()


@admin.register(PatrolSetting)
class PatrolSettingAdmin(Configured):
    list_display = ("name", "value", "source")


@admin.register(Device)
class DeviceAdmin(ReadOnly):
    list_display = ("code", "name", "kind", "state", "owner_code", "area_code")
    list_filter = ("kind", "state", "feed")
    search_fields = ("code", "name")
    show_full_result_count = False


@admin.register(Fault)
class FaultAdmin(ReadOnly):
    list_display = ("number", "title", "state", "cause", "owner_code", "devices", "due_at")
    list_filter = ("state", "cause", "is_group")
    search_fields = ("number", "title")
