"""What the login page shows besides its form."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts

from city.selectors import demo_logins

register = template.Library()


@register.simple_tag
def demo_people() -> dict[str, Any] | None:
    """Accounts to try and their password; None unless this is a demo."""
    if not getattr(settings, "DEMO", False):
        return None
    people = demo_logins()
    return {"people": people, "password": getattr(settings, "DEMO_PASSWORD", "")} if people else None


@register.simple_tag
def password_rules() -> list[str]:
    """What a new password must be, one sentence each."""
    return password_validators_help_texts()


@register.filter
def minutes(delta: Any) -> int:
    """Whole minutes of a timedelta."""
    return int(delta.total_seconds() // 60) if delta else 0
