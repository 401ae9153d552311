"""The journal loop as a process."""

import logging
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import OperationalError, close_old_connections, connection

from commandcenter.journal.live import BellRope
from commandcenter.journal.loop import one_round

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Position events, fold summaries, tell listeners and seal the audit log, for ever."

    def handle(self, *args: Any, **options: Any) -> None:
        going = True

        def stop(*_: Any) -> None:
            nonlocal going
            going = False

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        rope = BellRope()
        self.stdout.write("journal: running")
        while going:
            try:
                close_old_connections()
                one_round()
            except OperationalError as error:
                log.warning("journal: the database is away: %s", error)
                connection.close()
                time.sleep(1)
                continue
            rope.wait(0.5)
