import json
import sys
import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from alerts.models import Detector
from alerts.services.judging import of_window
from commandcenter.core import clock
from commandcenter.core.times import shanghai_day
from datahub.selectors import asking, latest_versions
from datahub.services.comparing import compare_engines


class Command(BaseCommand):
    help = (
        "Ask DuckDB and a Spark cluster the same: every dataset, and every detector that watches. "
        "Changes nothing. Ends in a line of JSON; exit status 1 where they differ."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("engine", help="as LAKE_ENGINE will name it: spark://host:port")
        parser.add_argument("--days", type=int, default=7, help="newest days with rows, per dataset")
        parser.add_argument("--dataset", action="append", help="only this one; may be given again")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(compare_engines(options["engine"], days=options["days"], codes=options["dataset"]))
        for one in found:
            here, there = one["seconds"]
            self.stdout.write(
                f"{one['dataset']}: {one['rows']} rows, {one['days']} days, {here} s here, {there} s there, "
                + ("equal" if not one["problems"] else "DIFFERENT")
            )
            for problem in one["problems"]:
                self.stderr.write(f"  {problem}")
        wrong = sum(bool(one["problems"]) for one in found)
        detectors = Detector.objects.watching().order_by("code")
        if options["dataset"]:
            detectors = detectors.filter(dataset_code__in=options["dataset"])
        looked = 0
        for detector in detectors:
            same = self._same(detector, options["engine"], options["days"])
            looked += same is not None
            wrong += same is False
        said = {"datasets": len(found), "detectors": looked, "different": wrong}
        self.stdout.write(json.dumps(said))
        if wrong:
            sys.exit(1)

    def _same(self, detector: Detector, engine: str, days: int) -> bool | None:
        """Whether both find the same episodes; None where there is nothing to look at."""
        last = latest_versions(detector.dataset_code)["last"]
        if last is None:
            return None
        last = min(last, shanghai_day(clock.now()))
        answers, seconds = [], []
        for chosen in ("duckdb", engine):
            with asking(chosen):
                began = time.perf_counter()
                answers.append(of_window(detector, last - timedelta(days=days - 1), last))
                seconds.append(round(time.perf_counter() - began, 3))
        same = answers[0] == answers[1]
        episodes = sum(map(len, answers[0][0].values()))
        self.stdout.write(
            f"{detector.code}: {episodes} episodes, {seconds[0]} s here, {seconds[1]} s there: "
            + ("equal" if same else "DIFFERENT")
        )
        return same
