"""For the system administrator: areas (to look at), organisations, the working calendar."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext as _

from city import services
from city.admin.rights import SYSTEM, ReadOnlyRoleAdmin, RoleAdmin, who
from city.models import Area, AreaLineage, Generation, Organisation, WorkDay, WorkSpan
from commandcenter.journal.services import audit


@admin.register(Generation)
class GenerationAdmin(ReadOnlyRoleAdmin):
    seen_by = SYSTEM
    list_display = ("number", "state", "source", "version", "at", "activated_at")


@admin.register(Area)
class AreaAdmin(ReadOnlyRoleAdmin):
    """Areas are never edited, only superseded by a new generation."""

    seen_by = SYSTEM
    list_display = ("code", "name", "level", "parent_code", "is_demo_boundary")
    list_filter = ("level", "generation__state", "is_demo_boundary")
    search_fields = ("code", "name")
    exclude = ("polygon",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("polygon")


@admin.register(AreaLineage)
class AreaLineageAdmin(ReadOnlyRoleAdmin):
    seen_by = SYSTEM
    list_display = ("old_code", "new_code", "kind", "generation", "reason")
    search_fields = ("old_code", "new_code")


@admin.register(Organisation)
class OrganisationAdmin(RoleAdmin):
    changed_by = SYSTEM
    list_display = ("code", "name", "function", "area_code", "kind", "active")
    list_filter = ("function", "kind", "active")
    search_fields = ("code", "name", "short_name", "area_code")
    autocomplete_fields = ("parent",)
    list_select_related = ("parent",)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit(
            actor=who(request),
            action="city.save_organisation",
            target_ref=f"city.organisation:{obj.pk}",
            body={"changed": form.changed_data},
        )


@admin.register(WorkDay)
class WorkDayAdmin(RoleAdmin):
    """A day saved here counts as set by hand: later fillings leave it alone."""

    changed_by = SYSTEM
    list_display = ("date", "is_work", "source", "provisional")
    list_filter = ("is_work", "provisional")
    date_hierarchy = "date"
    fields = ("date", "is_work")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("date",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        services.set_work_day(day=obj.date, is_work=obj.is_work, by=who(request))


class SpanForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        starts, ends = found.get("starts"), found.get("ends")
        if starts and ends:
            others = WorkSpan.objects.exclude(pk=self.instance.pk)
            if starts >= ends or others.filter(starts__lte=ends, ends__gte=starts).exists():
                raise ValidationError(_("Office hours must follow one another without overlap."))
        return found


@admin.register(WorkSpan)
class WorkSpanAdmin(RoleAdmin):
    """With no row the default hours hold, so the last one cannot be taken away here."""

    changed_by = SYSTEM
    form = SpanForm
    fields = ("starts", "ends")
    list_display = ("starts", "ends")
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request) and WorkSpan.objects.count() > 1

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        others = WorkSpan.objects.exclude(pk=obj.pk).values_list("starts", "ends")
        services.set_work_spans(spans=[*others, (obj.starts, obj.ends)], by=who(request))
        obj.pk = WorkSpan.objects.get(starts=obj.starts).pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        others = list(WorkSpan.objects.exclude(pk=obj.pk).values_list("starts", "ends"))
        services.set_work_spans(spans=others, by=who(request))
