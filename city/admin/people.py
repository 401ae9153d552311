"""For the security administrator: accounts, roles, deputies, locked logins."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from axes.models import AccessAttempt
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminPasswordWidget

from city import services
from city.admin.rights import AUDITOR, SECURITY, RoleAdmin, who
from city.models import Deputy, RoleGrant, User
from city.selectors import area
from commandcenter.core.errors import DomainError

# Administrators log in where everybody does: with lock-out, second factor and audit.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

for model in (Group, AccessAttempt):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class UserForm(forms.ModelForm):
    new_password = forms.CharField(
        label=gettext_lazy("New password"),
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("The person must change it at the next login."),
    )

    class Meta:
        model = User
        fields = ("username", "display_name", "organisation", "area_code", "phone")

    def clean_new_password(self) -> str:
        password: str = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        return password


@admin.register(User)
class UserAdmin(RoleAdmin):
    seen_by = AUDITOR
    changed_by = SECURITY
    form = UserForm
    list_display = ("username", "display_name", "organisation", "area_code", "is_active", "last_login")
    list_filter = ("is_active", "grants__role")
    search_fields = ("username", "display_name", "area_code")
    list_select_related = ("organisation",)
    autocomplete_fields = ("organisation",)
    actions = ("disable", "enable", "unlock")
    readonly_fields = ("last_login", "password_changed_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = ["username", "display_name", "organisation", "area_code", "phone"]
        if self._may_change(request):
            fields.append("new_password")
        return [*fields, "last_login", "password_changed_at"] if obj else fields

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        services.save_account(
            user=obj, new_password=form.cleaned_data.get("new_password") or None, by=who(request)
        )

    @admin.action(description=gettext_lazy("Disable accounts"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._each(
            request,
            queryset,
            lambda user: services.set_active(user_id=user.pk, active=False, by=who(request)),
        )

    @admin.action(description=gettext_lazy("Enable accounts"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._each(
            request, queryset, lambda user: services.set_active(user_id=user.pk, active=True, by=who(request))
        )

    @admin.action(description=gettext_lazy("Unlock logins"), permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._each(
            request, queryset, lambda user: services.unlock_login(username=user.username, by=who(request))
        )

    def _each(self, request: HttpRequest, queryset: QuerySet[User], work: Any) -> None:
        for user in queryset:
            work(user)
        messages.success(request, _("Done for %(n)d accounts.") % {"n": len(queryset)})


class GrantForm(forms.ModelForm):
    class Meta:
        model = RoleGrant
        fields = ("user", "role", "organisation", "area_code", "until")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("role") == "officer" and not found.get("organisation"):
            self.add_error("organisation", _("An officer needs an organisation."))
        if found.get("area_code") and area(found["area_code"]) is None:
            self.add_error("area_code", _("There is no area with this code."))
        return found


class ByService(RoleAdmin):
    """Rows that only services write; a refusal comes back as a message and nothing is saved."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The list needs it for its actions; a single row is only looked at.
        return obj is None and self._may_change(request)

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        try:
            made = self.write(request, form.cleaned_data)
        except DomainError as error:
            messages.error(request, str(error))
        else:
            obj.pk = made.pk

    def write(self, request: HttpRequest, data: dict[str, Any]) -> Any:
        raise NotImplementedError

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The journal's audit holds it already, and says who was refused."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        if obj.pk is None:
            return self.response_post_save_add(request, obj)
        return super().response_add(request, obj, post_url_continue)


@admin.register(RoleGrant)
class RoleGrantAdmin(ByService):
    seen_by = AUDITOR
    changed_by = SECURITY
    form = GrantForm
    list_display = ("user", "role", "organisation", "area_code", "since", "until", "granted_by")
    list_filter = ("role",)
    search_fields = ("user__username", "user__display_name", "area_code")
    autocomplete_fields = ("user", "organisation")
    list_select_related = ("user", "organisation", "granted_by")
    actions = ("revoke",)

    def write(self, request: HttpRequest, data: dict[str, Any]) -> RoleGrant:
        return services.grant_role(
            user_id=data["user"].pk,
            role=data["role"],
            area_code=data["area_code"],
            org_id=data["organisation"].pk if data["organisation"] else None,
            until=data["until"],
            by=who(request),
        )

    @admin.action(description=gettext_lazy("Revoke roles"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[RoleGrant]) -> None:
        done = 0
        for grant in queryset:
            try:
                services.revoke_role(grant_id=grant.pk, by=who(request))
                done += 1
            except DomainError as error:
                messages.error(request, f"{grant.user}: {error}")
        messages.success(request, _("%(n)d roles revoked.") % {"n": done})


@admin.register(Deputy)
class DeputyAdmin(ByService):
    seen_by = AUDITOR
    changed_by = SECURITY
    list_display = ("absent", "deputy", "since", "until")
    autocomplete_fields = ("absent", "deputy")
    list_select_related = ("absent", "deputy")
    fields = ("absent", "deputy", "since", "until")

    def write(self, request: HttpRequest, data: dict[str, Any]) -> Deputy:
        return services.appoint_deputy(
            absent_id=data["absent"].pk,
            deputy_id=data["deputy"].pk,
            since=data["since"],
            until=data["until"],
            by=who(request),
        )


@admin.register(AccessAttempt)
class AccessAttemptAdmin(RoleAdmin):
    """Failed logins that count towards a lock."""

    seen_by = SECURITY | AUDITOR
    installer_may_change = False
    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    exclude = ("get_data", "post_data")
