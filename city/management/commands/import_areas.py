"""Load the lists of administrative divisions and their boundaries as a new generation of areas."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from city.imports import AreaPlan, plan_areas
from city.services import import_areas
from city.states import Level
from commandcenter.core.coordinates import TO_CGCS2000
from commandcenter.core.errors import BadInput


class Command(BaseCommand):
    help = "Read division lists and boundaries; a dry run unless --commit. The last line is JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--divisions", type=Path, required=True, help="folder with *cities/areas/streets/villages.csv"
        )
        parser.add_argument("--polygons", type=Path, help="GeoJSON FeatureCollection with adcode and name")
        parser.add_argument(
            "--datum", choices=sorted(TO_CGCS2000), help="what the polygons' coordinates are in"
        )
        parser.add_argument(
            "--source", default="", help="where the lists come from; kept with the generation"
        )
        parser.add_argument("--commit", action="store_true", help="load and switch on")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["polygons"] and not options["datum"]:
            raise CommandError("--polygons needs --datum")
        try:
            plan = plan_areas(
                divisions=options["divisions"], polygons=options["polygons"], datum=options["datum"]
            )
        except BadInput as error:
            for problem in error.problems:
                self.stderr.write(str(problem))
            raise CommandError(f"nothing was loaded: {len(error.problems)} problem(s)") from None
        self._report(plan)
        if options["commit"]:
            self._commit(plan, options["source"])
        else:
            self.stdout.write("dry run: nothing was loaded; repeat with --commit to load and switch on")
        self.stdout.write(json.dumps(plan.summary()))

    def _report(self, plan: AreaPlan) -> None:
        counts = " + ".join(f"{plan.divisions.count(level):,}" for level in list(Level)[:4])
        self.stdout.write(f"{len(plan.divisions.units):,} units: {counts} (city, county, town, village)")
        for note in plan.divisions.notes:
            self.stdout.write(note)
        if plan.boundaries.polygons:
            self.stdout.write(f"{len(plan.boundaries.polygons)} polygons, {plan.boundaries.datum} → cgcs2000")
        for row in plan.boundaries.renamed:
            self.stdout.write(f"renamed code, matched by name: {row.name} {row.old_code} → {row.new_code}")
        for unit in plan.without_polygon:
            self.stdout.write(f"without polygon: {unit.code} {unit.name}")

    def _commit(self, plan: AreaPlan, source: str) -> None:
        files = ", ".join([*plan.divisions.files, *filter(None, [plan.boundaries.file])])
        loaded = import_areas(plan=plan, source=(f"{source}: " if source else "") + files)
        if loaded is None:
            self.stdout.write("already in force: nothing to do")
            return
        generation, cells = loaded
        self.stdout.write(f"generation {generation.number} is in force; {cells:,} grid cells kept")
