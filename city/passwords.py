"""What a password must be: long enough, of several classes, and not one of the last few.

The numbers are practice, not a standard; they are configurable defaults in AUTH_PASSWORD_VALIDATORS.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from city.models import PasswordHistory, User
from commandcenter.core import clock

MIN_LENGTH = 8
CLASSES = 3
REMEMBERED = 5


def classes_in(password: str) -> int:
    """How many of the four classes occur: lower case, upper case, digits, everything else."""
    kinds = set()
    for character in password:
        category = unicodedata.category(character)
        kinds.add({"Ll": "lower", "Lu": "upper", "Nd": "digit"}.get(category, "other"))
    return len(kinds)


class ComplexityValidator:
    def __init__(self, min_length: int = MIN_LENGTH, classes: int = CLASSES) -> None:
        self.min_length = min_length
        self.classes = classes

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) < self.min_length or classes_in(password) < self.classes:
            raise ValidationError(self.get_help_text(), code="password_too_simple")

    def get_help_text(self) -> str:
        return _(
            "At least %(length)d characters, of %(classes)d kinds: "
            "lower case, upper case, digits, other characters."
        ) % {"length": self.min_length, "classes": self.classes}


class HistoryValidator:
    """Refuses the present password and the last ones. Django calls `password_changed` after each save."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self.remembered = remembered

    def validate(self, password: str, user: Any = None) -> None:
        if not isinstance(user, User) or user.pk is None:
            return
        hashes = list(
            user.old_passwords.order_by("-at").values_list("password", flat=True)[: self.remembered]
        )
        if user.has_usable_password() and user.password not in hashes:
            hashes.append(user.password)
        if any(check_password(password, old) for old in hashes):
            raise ValidationError(self.get_help_text(), code="password_used_before")

    def password_changed(self, password: str, user: Any = None) -> None:
        if not isinstance(user, User) or not user.has_usable_password():
            return
        at = clock.now()
        PasswordHistory.objects.create(user=user, password=user.password, at=at)
        User.objects.filter(pk=user.pk).update(password_changed_at=at)
        keep = user.old_passwords.order_by("-at").values_list("pk", flat=True)[: self.remembered]
        user.old_passwords.exclude(pk__in=list(keep)).delete()

    def get_help_text(self) -> str:
        return _("Not one of your last %(number)d passwords.") % {"number": self.remembered}
