"""After a restore."""

from typing import Any

from django.core.management.base import BaseCommand

from commandcenter.journal.loop import rebase


class Command(BaseCommand):
    help = "After a restore into another cluster, before anything writes: forget old transaction ids."

    def handle(self, *args: Any, **options: Any) -> None:
        rebase()
        self.stdout.write("journal rebased")
