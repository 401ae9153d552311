"""Fetch from a source here and now. The last line is JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from commandcenter.core.errors import DomainError
from datahub.connectors.models import Source
from datahub.connectors.services import run_source
from datahub.connectors.states import RunOutcome


class Command(BaseCommand):
    help = "Run one source of the data hub, whatever its time (docs/sources.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source_id", type=int, help="as in the address of its page")

    def handle(self, *args: Any, **options: Any) -> None:
        if not Source.objects.filter(pk=options["source_id"]).exists():
            raise CommandError("no such source")
        try:
            run = run_source(options["source_id"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        said = {
            name: getattr(run, name) for name in ("outcome", "rows", "rejected", "batches", "code", "reason")
        }
        print(json.dumps(said, ensure_ascii=False))
        if run.outcome == RunOutcome.FAILED:
            raise CommandError(run.reason)
