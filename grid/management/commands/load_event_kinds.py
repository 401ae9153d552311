"""manage.py load_event_kinds: bring grid's list of kinds in line with its data file."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from grid.services import load_event_kinds


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # quick to start; bin/check runs them
    help = "Load the kinds of grid events; a second run changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(load_event_kinds()))
