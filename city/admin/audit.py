"""For the audit administrator: what the journal keeps of who did what."""

from __future__ import annotations

from django.contrib import admin

from city.admin.rights import AUDITOR, ReadOnlyRoleAdmin
from commandcenter.journal.admin import AuditEntryAdmin
from commandcenter.journal.models import AuditEntry

if admin.site.is_registered(AuditEntry):
    admin.site.unregister(AuditEntry)


@admin.register(AuditEntry)
class AuditorAuditEntryAdmin(ReadOnlyRoleAdmin, AuditEntryAdmin):
    seen_by = AUDITOR
    installer_may_change = False
