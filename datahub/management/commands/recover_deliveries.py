import json
from typing import Any

from django.core.management.base import BaseCommand

from datahub.services import recover_deliveries


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # quick to start; bin/check runs them
    help = "Finish or undo the deliveries that killed processes left open."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps({"finished": recover_deliveries()}))
