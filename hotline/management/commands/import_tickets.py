import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from commandcenter.core.errors import DomainError
from hotline.services.importing import import_tickets

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Import old tickets from CSV or XLSX. They keep their own times; no clock, order or score starts. "
        "Last line: JSON with rows_in, taken, duplicates, rejected, seconds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--mapping", required=True, help="a built-in or saved mapping, such as tipdm")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            result = import_tickets(path=options["file"], mapping=options["mapping"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        for problem in result.problems[:SHOWN]:
            self.stderr.write(str(problem))
        if len(result.problems) > SHOWN:
            self.stderr.write(f"… {len(result.problems) - SHOWN} more, kept with import {result.run.pk}")
        run = result.run
        self.stdout.write(
            json.dumps(
                {
                    "rows_in": run.rows_in,
                    "taken": run.taken,
                    "duplicates": run.duplicates,
                    "rejected": run.rejected,
                    "seconds": round(time.monotonic() - started, 2),
                }
            )
        )
