"""Who runs a source: taken under a lock, kept by a beat, lost by silence.

A worker that is killed beats no more; after LEASE_S its source is due again, and whoever takes it goes on
where the batches stand. A worker that was only slow finds at its next step that the lease is another's.
"""

import logging
import threading
import uuid
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connection, transaction

from commandcenter.core import clock
from commandcenter.journal.live import announce
from datahub.services.moves import AUDIENCES, home_area

from ..errors import LostLease
from ..events import SourceMoved
from ..models import Source, SourceRun
from ..states import RUN_MOVES, RunOutcome
from ..timing import next_run

log = logging.getLogger(__name__)
AT_ONCE = 2  # of a city, so that folding and deliveries always find a worker's thread
LEASE_S = 60.0
BEAT_S = 15.0


@transaction.atomic
def take(source_id: int | None = None) -> tuple[Source, str] | None:
    """The source that is due longest, or this one whatever its time; None when there is none to be had."""
    at = clock.now()
    rows = Source.objects.select_for_update(skip_locked=True, of=("self",)).select_related("dataset")
    if source_id is None:
        if Source.objects.filter(lease_until__gte=at).exclude(lease="").count() >= AT_ONCE:
            return None
        found = rows.due(at=at).order_by("next_run_at", "pk").first()
    else:
        found = rows.filter(pk=source_id).first()
        if found is not None and found.lease and found.lease_until and found.lease_until > at:
            return None
    if found is None:
        return None
    for left in found.runs.filter(outcome=RunOutcome.RUNNING):
        left.outcome = RUN_MOVES["interrupt"].to or ""
        left.ended_at = at
        left.save(update_fields=["outcome", "ended_at"])
    found.lease, found.lease_until = uuid.uuid4().hex, at + timedelta(seconds=LEASE_S)
    found.next_run_at = found.next_run_at or next_run(found, at)
    found.save(update_fields=["lease", "lease_until", "next_run_at"])
    return found, found.lease


def hold(source_id: int, lease: str) -> Source:
    """Inside a transaction: the source's row, locked. Raises LostLease."""
    found = Source.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=source_id)
    if found.lease != lease:
        raise LostLease(str(source_id))
    return found


class Heart:
    """Keeps a lease alive while its holder works, from a thread with a connection of its own."""

    def __init__(self, source_id: int, lease: str) -> None:
        self._mine = {"pk": source_id, "lease": lease}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"source-{source_id}", daemon=True)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_S):
            with suppress(DatabaseError):  # the next beat, or the lease runs out
                until = clock.now() + timedelta(seconds=LEASE_S)
                Source.objects.filter(**self._mine).update(lease_until=until)
            connection.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=5)


def tell(source: Source, run: SourceRun | None = None) -> None:
    announce(
        SourceMoved(
            area_code=home_area(source.dataset),
            audiences=AUDIENCES,
            at=clock.now(),
            source_id=source.pk,
            name=source.name,
            dataset_code=source.dataset.code,
            outcome=run.outcome if run else "",
            rows=run.rows if run else 0,
            failures=source.failures,
        )
    )
