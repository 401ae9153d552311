"""manage.py load_detectors: bring the packs' detectors in; switch them on where two people are named."""

import json
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from alerts import services
from alerts.models import Detector


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # quick to start; bin/check runs them
    help = "Load detector declarations; a second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("codes", nargs="*", help="only these detectors")
        parser.add_argument("--proposer", help="username of the analyst who starts the trial and switches on")
        parser.add_argument("--approver", help="username of the second person who approves")

    def handle(self, *args: Any, **options: Any) -> None:
        codes = options["codes"] or None
        counts: dict[str, int] = services.load_detectors(codes=codes)
        if options["proposer"] and options["approver"]:
            counts["live"] = services.put_live(
                codes=codes, proposer=_person(options["proposer"]), approver=_person(options["approver"])
            )
        counts["detectors"] = Detector.objects.count()
        self.stdout.write(json.dumps(counts))


def _person(username: str) -> Any:
    user = get_user_model().objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"no such person: {username}")
    return user
