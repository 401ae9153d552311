import json
import sys
from typing import Any

from django.core.management.base import BaseCommand

from datahub.services.verifying import verify_lake


class Command(BaseCommand):
    help = (
        "Reconcile deliveries with the rows of the lake. Ends in a line of JSON; exit status 1 on a problem."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify_lake()
        for one in found:
            state = "clean" if not one["problems"] else f"{len(one['problems'])} problems"
            if one["deleted"]:
                state = f"{one['deleted']} rows deleted on purpose, {state}"
            self.stdout.write(
                f"{one['dataset']}: {one['rows']} rows of {one['deliveries']} deliveries "
                f"in {one['files']} files, version {one['version']}: {state}"
            )
            for problem in one["problems"]:
                self.stderr.write(f"  {problem}")
        problems = sum(len(one["problems"]) for one in found)
        self.stdout.write(
            json.dumps(
                {
                    "datasets": len(found),
                    "deliveries": sum(one["deliveries"] for one in found),
                    "rows": sum(one["rows"] for one in found),
                    "deleted": sum(one["deleted"] for one in found),
                    "open": sum(one["open"] for one in found),
                    "problems": problems,
                }
            )
        )
        if problems:
            sys.exit(1)
