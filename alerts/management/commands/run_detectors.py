"""manage.py run_detectors: a window run now, or a trial over past days (--since, --until)."""

import json
import time
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from alerts import services
from alerts.models import Detector


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # quick to start; bin/check runs them
    help = "Let the detectors read the days touched since they last ran."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("codes", nargs="*", help="only these detectors")
        parser.add_argument("--since", type=date.fromisoformat, help="try on past days from this one")
        parser.add_argument("--until", type=date.fromisoformat, help="to this one")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.perf_counter()
        codes = options["codes"] or None
        if options["since"] and options["until"]:
            chosen = Detector.objects.watching()
            if codes:
                chosen = chosen.filter(code__in=codes)
            done = {
                detector.code: services.run_history(
                    detector_id=detector.pk, first=options["since"], last=options["until"]
                )
                for detector in chosen
            }
        else:
            done = services.run_windows(codes=codes)
        self.stdout.write(json.dumps({"detectors": done, "seconds": round(time.perf_counter() - started, 2)}))
