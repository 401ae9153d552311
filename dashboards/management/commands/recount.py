"""recount --check: do the summaries equal their rows?  recount --write: make them equal."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from dashboards.recount import Difference, compare
from dashboards.services import write_recount

SHOWN = 20


class Command(BaseCommand):
    help = "Compare the cockpit's sums with a count of the rows."

    def add_arguments(self, parser: CommandParser) -> None:
        mode = parser.add_mutually_exclusive_group(required=True)
        mode.add_argument(
            "--check", action="store_true", help="only say what differs; ends with 1 if anything does"
        )
        mode.add_argument("--write", action="store_true", help="set the sums right")

    def handle(self, **options: Any) -> None:
        started = time.perf_counter()
        if options["write"]:
            wrong = write_recount()
        else:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    # One snapshot for sums, cursor, waiting events and rows: it may run beside everything.
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                wrong = compare()
        for difference in wrong[:SHOWN]:
            self.stdout.write(self.line(difference))
        if len(wrong) > SHOWN:
            self.stdout.write(f"… and {len(wrong) - SHOWN} more")
        result = {
            "differences": len(wrong),
            "written": bool(options["write"]),
            "seconds": round(time.perf_counter() - started, 2),
        }
        self.stdout.write(json.dumps(result))
        if wrong and options["check"]:
            raise CommandError("the summaries differ from their rows")

    def line(self, difference: Difference) -> str:
        where = f"{difference.area} {difference.day} {difference.figure}"
        return f"{where}: kept {difference.kept}, rows {difference.rows}"
