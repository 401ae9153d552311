"""End of the set-up: disable every superuser, once the three administrators are there."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from city.services import disable_superusers
from commandcenter.core.errors import DomainError


class Command(BaseCommand):
    help = "Disable superusers; refuses while a system, security or audit administrator is missing."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            names = disable_superusers()
        except DomainError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"superusers disabled: {', '.join(names) or 'none was active'}")
