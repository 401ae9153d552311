"""The subscriptions as a process."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection

from datahub.push.manager import Manager

log = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0


class Command(BaseCommand):
    help = "Read the subscriptions of MQTT brokers, for ever; changes are picked up within seconds."

    def handle(self, *args: Any, **options: Any) -> None:
        ended = threading.Event()
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: ended.set())
        manager = Manager()
        self.stdout.write("mqtt: running")
        self.stdout.flush()
        while not ended.is_set():
            try:
                manager.look()
            except (OperationalError, InterfaceError) as error:
                log.warning("mqtt: the database is away: %s", error)
                connection.close()
            ended.wait(LOOK_EVERY_S)
        manager.stop()
