"""add_column DATASET CODE KIND: rows that are there read null in the new column."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from pydantic import ValidationError

from commandcenter.core.errors import DomainError
from datahub.declare import ColumnSpec
from datahub.services.catalogue import add_column


class Command(BaseCommand):
    help = "Add a column to a dataset. Nothing else about its rows can be changed; see datahub.lake.schema."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset")
        parser.add_argument("code")
        parser.add_argument("kind", choices=["text", "integer", "number", "boolean", "time", "date"])
        parser.add_argument("--name", default="", help="what people call it")
        parser.add_argument("--unit", default="")
        parser.add_argument("--personal", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            column = ColumnSpec(
                code=options["code"],
                kind=options["kind"],
                name=options["name"] or options["code"],
                unit=options["unit"],
                personal=options["personal"],
            )
            dataset = add_column(options["dataset"], column)
        except (DomainError, ValidationError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{dataset.code}: revision {dataset.revision}")
