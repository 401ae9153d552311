"""For administrators: the limits of sharing to change, agreements to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from city.policies import may_configure
from datahub.admin import ReadOnly

from .models import Agreement, ShareClock


@admin.register(ShareClock)
class ShareClockAdmin(ModelAdmin):
    """How many working days each step may take; without a row the default holds."""

    list_display = ("clock", "working_days", "source")

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


@admin.register(Agreement)
class AgreementAdmin(ReadOnly):
    list_display = ("number", "dataset", "state", "consumer_ref", "applied_at", "granted_at", "expires_at")
    list_filter = ("state", "consumer_kind")
    search_fields = ("number", "consumer_ref", "dataset__code")
    list_select_related = ("dataset",)
    exclude = ("token_hash",)
