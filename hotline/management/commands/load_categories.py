import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from hotline.services.categories import load_categories, load_knowledge


class Command(BaseCommand):
    help = "Load the hotline's categories and the seed of knowledge. A dry run unless --commit."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--commit", action="store_true", help="write; without it only the counts are shown"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            found = {
                "categories": load_categories(),
                "knowledge": load_knowledge(),
                "committed": options["commit"],
            }
            if not options["commit"]:
                transaction.set_rollback(True)
        self.stdout.write(json.dumps(found, ensure_ascii=False))
