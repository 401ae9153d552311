import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from datahub.services.upkeep import vacuum_lake
from datahub.vault.restoring import reapply_erasures


class Command(BaseCommand):
    help = "After a restore: erase again whoever the backup brought back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--list", type=Path, help="the list of the erased as it stood before the restore")
        parser.add_argument(
            "--vacuum", action="store_true", help="nobody reads the lake yet: old files go at once"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        again = reapply_erasures(options["list"])
        if again and options["vacuum"]:
            vacuum_lake(keep_hours=0)
        self.stdout.write(json.dumps({"erased_again": again}))
