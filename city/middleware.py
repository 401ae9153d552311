"""The gate that every request of a logged-in person passes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from city import sessions
from city.accounts import mfa_wanted
from city.models import User
from commandcenter.core import clock
from commandcenter.journal.live import close_sockets_of
from commandcenter.journal.services import audit

Respond = Callable[[HttpRequest], HttpResponseBase]


class SessionGateMiddleware:
    """Ends sessions that rested too long, and sends people to what they must do first.

    Must stand after the authentication middleware.
    """

    # What stays open to somebody who has to change his password or to enrol a second factor.
    OPEN_PREFIXES = ("/accounts/", "/i18n/", "/static/", "/healthz")

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self.get_response(request)
        if sessions.is_idle(request.session):
            return self._expire(request)
        if not sessions.is_background(request):
            sessions.touch(request.session)
        duty = self._duty(request)
        return HttpResponseRedirect(duty) if duty else self.get_response(request)

    def _expire(self, request: HttpRequest) -> HttpResponse:
        user, key = request.user, request.session.session_key
        assert isinstance(user, User)
        audit(actor=user, action="city.session_expired", ip=request.META.get("REMOTE_ADDR"))
        close_sockets_of(user.pk, session_key=key)
        logout(request)
        to = f"{reverse('account_login')}?{urlencode({'idle': 1, 'next': request.get_full_path()})}"
        if "HX-Request" in request.headers:
            answer = HttpResponse(status=401)
            answer["HX-Redirect"] = f"{reverse('account_login')}?idle=1"
            return answer
        if request.path.startswith("/api/") or sessions.is_background(request):
            return JsonResponse(
                {
                    "code": "session_expired",
                    "detail": _("Your session rested too long. Please log in again."),
                },
                status=401,
            )
        return HttpResponseRedirect(to)

    def _duty(self, request: HttpRequest) -> str | None:
        """Where this person must go first; None as a rule."""
        user = request.user
        if not isinstance(user, User) or request.path.startswith(self.OPEN_PREFIXES):
            return None
        if user.must_change_password or self._password_too_old(user):
            return reverse("account_change_password")
        if mfa_wanted(user):
            return reverse("mfa_activate_totp")
        return None

    def _password_too_old(self, user: User) -> bool:
        days = int(getattr(settings, "PASSWORD_MAX_AGE_DAYS", 0))
        if not days or user.password_changed_at is None:
            return False
        return clock.now() - user.password_changed_at > timedelta(days=days)
