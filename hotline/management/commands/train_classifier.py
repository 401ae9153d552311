import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from commandcenter.core.errors import BadInput
from hotline.services.training import train_classifier


class Command(BaseCommand):
    help = "Train the classifier on a labelled table (title, content, label). Last line: JSON with macro_f1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            run = train_classifier(path=options["file"])
        except BadInput as error:
            raise CommandError(str(error)) from error
        for name, score in sorted(run.per_class.items(), key=lambda pair: -pair[1]):
            self.stdout.write(f"  F1 {score:.3f}  {name}")
        self.stdout.write(
            json.dumps(
                {
                    "macro_f1": round(run.version.macro_f1, 4),
                    "classes": len(run.per_class),
                    "rows": run.version.rows,
                    "skipped": run.skipped,
                    "version": run.version.version,
                    "seconds": round(time.monotonic() - started, 2),
                },
                ensure_ascii=False,
            )
        )
