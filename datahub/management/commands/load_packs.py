import json
from typing import Any

from django.core.management.base import BaseCommand

from datahub.services import load_packs


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # quick to start; bin/check runs them
    help = "Bring the catalogue to what the packs declare. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(load_packs()))
