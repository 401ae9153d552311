"""Reference data of the hotline for administrators. Tickets are process data and are not edited here."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from .models import Category, ClassifierVersion, ImportMapping, ImportRun, KnowledgeArticle


class ReadOnly(ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    list_display = ("code", "name", "function", "request_type", "workdays", "active")
    list_filter = ("active", "function")
    search_fields = ("code", "name")


@admin.register(KnowledgeArticle)
class KnowledgeAdmin(ModelAdmin):
    list_display = ("code", "question", "category", "valid_until", "active")
    search_fields = ("question", "answer")


@admin.register(ImportMapping)
class ImportMappingAdmin(ModelAdmin):
    list_display = ("name", "updated_at")


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnly):
    list_display = ("at", "mapping", "file_name", "rows_in", "taken", "duplicates", "rejected")


@admin.register(ClassifierVersion)
class ClassifierVersionAdmin(ReadOnly):
    list_display = ("version", "trained_at", "rows", "macro_f1", "active")
