"""Fill the working calendar: published years with 调休, others with weekdays, marked provisional."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from city.services import load_years
from commandcenter.core import clock
from commandcenter.core.times import shanghai_day


class Command(BaseCommand):
    help = "Fill the working calendar; a dry run unless --commit. Safe to repeat; days set by hand stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--years", type=int, nargs="+", help="default: last year, this one and the next")
        parser.add_argument("--commit", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        this: date = shanghai_day(clock.now())
        years = options["years"] or [this.year - 1, this.year, this.year + 1]
        with transaction.atomic():
            filled = load_years(years=years)
            if not options["commit"]:
                transaction.set_rollback(True)
        for one in filled:
            kind = "provisional, weekdays" if one.provisional else "published"
            self.stdout.write(
                f"{one.year}: {kind}; {one.changed} days changed, {one.kept_by_hand} kept as set by hand"
            )
        if not options["commit"]:
            self.stdout.write("dry run: nothing was written; repeat with --commit")
        self.stdout.write(
            json.dumps(
                {
                    "years": len(filled),
                    "provisional": sum(one.provisional for one in filled),
                    "changed": sum(one.changed for one in filled),
                    "committed": options["commit"],
                }
            )
        )
