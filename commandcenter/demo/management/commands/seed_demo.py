"""The demo city, once."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from commandcenter.core.errors import DomainError
from commandcenter.demo.divisions import DivisionsMissing
from commandcenter.demo.seed import seed_city


class Command(BaseCommand):
    help = "Make the demo city: areas, staff, three months of history. A second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=90, help="days of history")
        parser.add_argument("--calls", type=float, default=45.0, help="calls on an ordinary weekday")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            made = seed_city(days=options["days"], calls_a_day=options["calls"], say=self._say)
        except (DomainError, DivisionsMissing) as error:
            raise CommandError(str(error)) from error
        if made:
            self._say(f"the demo city stands ({time.monotonic() - started:.0f} s)")
        else:
            self._say("the demo city stands already; nothing was changed")

    def _say(self, text: str) -> None:
        self.stdout.write(f"  {text}")
        self.stdout.flush()
