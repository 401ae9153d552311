"""Login, the way home, and one's own page."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from city import services
from city.accounts import StaffSecondFactor
from city.models import Deputy, User
from city.roles import ADMIN_ROLES, HOME_URLS, Role
from city.selectors import Grant, area_path_name, grants_of
from commandcenter.core import clock
from commandcenter.core.errors import DomainError


def home_url(user: User) -> str:
    """The first page of the first role in the list that this person holds; his own page when he has none."""
    roles = {grant.role for grant in grants_of(user)}
    for role, name in HOME_URLS:
        if role in roles:
            try:
                return reverse(name)
            except NoReverseMatch:  # that app is not installed
                continue
    if user.is_superuser:
        return reverse("admin:index")
    return reverse("city:profile")


@require_http_methods(["GET", "HEAD"])
def home(request: HttpRequest) -> HttpResponseBase:
    """Strangers get the login page here, staff are sent to their work."""
    if isinstance(request.user, User):
        return redirect(home_url(request.user))
    return LoginView.as_view()(request)


class DeputyForm(forms.Form):
    deputy = forms.ModelChoiceField(queryset=User.objects.none(), label=gettext_lazy("Deputy"))
    until = forms.DateTimeField(
        label=gettext_lazy("Until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleagues = User.objects.none()
        if user.organisation_id is not None:
            colleagues = User.objects.filter(organisation_id=user.organisation_id, is_active=True).exclude(
                pk=user.pk
            )
            colleagues = colleagues.exclude(grants__role__in=ADMIN_ROLES)
        self.fields["deputy"].queryset = colleagues  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            field.widget.attrs["data-test"] = f"deputy-{name}"


def _role_rows(grants: tuple[Grant, ...]) -> list[dict[str, Any]]:
    return [
        {
            "role": Role(grant.role).label,
            "place": area_path_name(grant.area_code),
            "org": grant.org_code,
            "as_deputy": grant.for_user is not None,
        }
        for grant in grants
    ]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)
    form = DeputyForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            services.appoint_deputy(
                absent_id=user.pk,
                deputy_id=form.cleaned_data["deputy"].pk,
                since=clock.now(),
                until=form.cleaned_data["until"],
                by=user,
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The deputy has been appointed."))
            return redirect("city:profile")
    grants = grants_of(user)
    return render(
        request,
        "city/profile.html",
        {
            "form": form,
            "roles": _role_rows(grants),
            "is_administrator": any(grant.role in ADMIN_ROLES for grant in grants),
            "deputies": Deputy.objects.filter(absent=user, until__gt=clock.now()).select_related("deputy"),
            "standing_in": Deputy.objects.active().filter(deputy=user).select_related("absent"),
            "has_second_factor": StaffSecondFactor().is_mfa_enabled(user, types=["totp"]),
            "area_path": area_path_name(user.area_code),
        },
        status=422 if form.is_bound else 200,
    )


@login_required
@require_POST
def end_deputy(request: HttpRequest, pk: int) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)
    row = Deputy.objects.filter(pk=pk, absent=user).first()
    if row is None:
        return HttpResponse(status=404)
    try:
        services.end_deputy(deputy_row_id=row.pk, by=user)
        messages.success(request, _("The deputyship has ended."))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("city:profile")
