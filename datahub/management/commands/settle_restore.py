import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from datahub.services.restored import relocate_files, rewind_lake


class Command(BaseCommand):
    help = "Part of bin/restore: the lake back to what the dump knew, and waiting files found again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--media", default="", help="folder of uploaded files when the backup was made")

    def handle(self, *args: Any, **options: Any) -> None:
        done = {
            "commits_cut": rewind_lake(),
            "files_moved": relocate_files(options["media"].rstrip("/"), str(settings.MEDIA_ROOT).rstrip("/")),
        }
        self.stdout.write(json.dumps(done))
