"""One writer per dataset at a time.

A session's advisory lock says whether the writer lives: PostgreSQL lets it go with the
connection, so a killed process blocks nobody. The token fences off a writer that lost its
connection without noticing: every step of a delivery checks that the token is still its own.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from commandcenter.core import clock
from commandcenter.core.errors import Conflict
from datahub.models import Dataset, DatasetWriter

LOCK_CLASS = 0x6C616B65  # "lake"
WAIT_S = 600.0
POLL_S = 0.1


class LostClaim(Exception):
    """Somebody else writes this dataset by now."""


@dataclass(frozen=True)
class Claim:
    dataset: Dataset
    token: int

    def hold(self) -> DatasetWriter:
        """Inside a transaction: the claim's row, locked. Raises LostClaim."""
        writer = DatasetWriter.objects.select_for_update().get(dataset=self.dataset)
        if writer.token != self.token:
            raise LostClaim(self.dataset.code)
        return writer


def _ask(sql: str, dataset_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [LOCK_CLASS, dataset_id])
        return bool(cursor.fetchone()[0])


@contextmanager
def writing(dataset: Dataset, *, wait: bool) -> Iterator[Claim | None]:
    """Claim the dataset; without `wait` gives None at once when somebody else has it.

    Raises Conflict when the wait takes longer than WAIT_S.
    """
    until = time.monotonic() + (WAIT_S if wait else 0)
    while not _ask("SELECT pg_try_advisory_lock(%s, %s)", dataset.pk):
        if not wait:
            yield None
            return
        if time.monotonic() > until:
            raise Conflict(dataset.code, code="dataset_busy")
        time.sleep(POLL_S)
    try:
        yield _register(dataset)
    finally:
        try:
            _ask("SELECT pg_advisory_unlock(%s, %s)", dataset.pk)
        except (OperationalError, InterfaceError):
            connection.close()  # the lock went with the connection


def _register(dataset: Dataset) -> Claim:
    with transaction.atomic():
        DatasetWriter.objects.get_or_create(dataset=dataset)
        DatasetWriter.objects.filter(dataset=dataset).update(
            token=F("token") + 1, holder=f"{socket.gethostname()}:{os.getpid()}", claimed_at=clock.now()
        )
        return Claim(dataset, DatasetWriter.objects.get(dataset=dataset).token)
