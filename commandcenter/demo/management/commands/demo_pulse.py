"""Push the demo city."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from commandcenter.demo.feed import tick


class Command(BaseCommand):
    help = "Let the demo city live faster for a while: load for tests and for showing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=30.0)
        parser.add_argument("--rate", type=float, default=10.0, help="how many times the usual pace")

    def handle(self, *args: Any, **options: Any) -> None:
        end = time.monotonic() + options["seconds"]
        total = {"calls": 0, "steps": 0, "reports": 0}
        while time.monotonic() < end:
            started = time.monotonic()
            done = tick(seconds=1.0, rate=options["rate"])
            for name in total:
                total[name] += getattr(done, name)
            time.sleep(max(0.0, 1.0 - (time.monotonic() - started)))
        self.stdout.write(json.dumps(total))
