"""Keeps one link running for each subscription that is not paused, with the settings of now."""

import time

from .link import Link
from .models import Subscription

STOP_S = 10.0


class Manager:
    def __init__(self) -> None:
        self._links: dict[int, Link] = {}

    def look(self) -> None:
        """Start what is new, stop what is paused or gone, start over what was changed."""
        wanted = dict(Subscription.objects.filter(paused=False).values_list("pk", "revision"))
        for pk, link in list(self._links.items()):
            if wanted.get(pk) != link.revision or not link.is_alive():
                self._end([link])
                del self._links[pk]
        for pk, revision in wanted.items():
            if pk not in self._links:
                self._links[pk] = Link(pk, revision)
                self._links[pk].start()

    def stop(self) -> None:
        """What is gathered is kept first."""
        self._end(list(self._links.values()))
        self._links.clear()

    def _end(self, links: list[Link]) -> None:
        for link in links:
            link.stop()
        until = time.monotonic() + STOP_S
        for link in links:
            link.join(max(0.0, until - time.monotonic()))
