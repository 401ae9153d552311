"""How allauth and axes behave here: no sign-up, everything audited, sockets closed, secrets encrypted."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from city.grants import grants_of
from city.models import User
from city.sessions import touch
from commandcenter.core.crypto import decrypt, encrypt
from commandcenter.journal.live import close_sockets_of
from commandcenter.journal.services import audit

_SILENT = ("logged_in", "logged_out")  # the page itself shows it


def _ip(request: HttpRequest | None) -> str | None:
    return request.META.get("REMOTE_ADDR") or None if request is not None else None


class StaffAccounts(DefaultAccountAdapter):
    """People of the centre get their account from an administrator."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("city:home")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("city:profile")

    def add_message(
        self, request: HttpRequest, level: Any, message_template: Any = None, *args: Any, **kw: Any
    ) -> None:
        if message_template and any(f"/{name}." in str(message_template) for name in _SILENT):
            return
        super().add_message(request, level, message_template, *args, **kw)

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        touch(request.session)
        audit(actor=user, action="city.login", target_ref=f"city.user:{user.pk}", ip=_ip(request))
        answer: HttpResponse = super().post_login(request, user, **kwargs)
        return answer

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        name = str(credentials.get("username") or "")[:80]
        audit(
            actor=None,
            action="city.login",
            target_ref=f"city.login:{name}",
            result="refused",
            ip=_ip(request),
        )

    @transaction.atomic
    def logout(self, request: HttpRequest) -> None:
        user, key = request.user, request.session.session_key
        audit(actor=user, action="city.logout", ip=_ip(request))  # type: ignore[arg-type]
        close_sockets_of(user.pk, session_key=key)  # type: ignore[arg-type]
        super().logout(request)

    @transaction.atomic
    def set_password(self, user: Any, password: str) -> None:
        """Sessions elsewhere end with the old password, and so do their sockets."""
        user.set_password(password)
        user.must_change_password = False
        user.save()
        audit(
            actor=user, action="city.change_password", target_ref=f"city.user:{user.pk}", ip=_ip(self.request)
        )
        close_sockets_of(user.pk)

    def send_notification_mail(self, template_prefix: str, user: Any, *args: Any, **kwargs: Any) -> None:
        """No mail: staff addresses are not kept. allauth tells of each change of a second factor here,
        as mfa/email/totp_activated and the like, and that is audited."""
        if template_prefix.startswith("mfa/"):
            change = template_prefix.rsplit("/", 1)[-1]
            audit(
                actor=user,
                action=f"city.mfa_{change}",
                target_ref=f"city.user:{user.pk}",
                ip=_ip(self.request),
            )


class StaffSecondFactor(DefaultMFAAdapter):
    """Second factors: their secrets are encrypted at rest."""

    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text)


def username_of(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """The name that a login attempt is counted under (axes), whichever form it came from."""
    found = (credentials or {}).get("username") or (credentials or {}).get("login")
    if not found and request is not None:
        found = request.POST.get("login") or request.POST.get("username")
    return str(found or "").strip().lower()[:150]


def mfa_wanted(user: User) -> bool:
    """Whether this person's role demands a second factor that he has not enrolled yet.

    MFA_REQUIRED_ROLES is a configurable default: nobody in a demo, the administrators in production.
    """
    roles = getattr(settings, "MFA_REQUIRED_ROLES", ())
    if not roles or not any(grant.role in roles for grant in grants_of(user)):
        return False
    return not StaffSecondFactor().is_mfa_enabled(user, types=["totp"])
