"""Doorbells of the data hub; all of them on the lake queue, whose workers are threads."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from datahub import services
from datahub.cascade import tasks as _cascade  # noqa: F401  the worker finds them here
from datahub.connectors import tasks as _connectors  # noqa: F401
from datahub.devices import tasks as _devices  # noqa: F401
from datahub.push import tasks as _push  # noqa: F401
from datahub.quality import tasks as _quality  # noqa: F401
from datahub.services import upkeep
from datahub.sharing import tasks as _sharing  # noqa: F401
from datahub.upload import tasks as _upload  # noqa: F401
from datahub.vault import tasks as _vault  # noqa: F401


@shared_task(name="datahub.fold_blobs")
def fold_blobs() -> int:
    """Each second: what was pushed becomes deliveries."""
    return services.fold_blobs()


@shared_task(name="datahub.recover_deliveries")
def recover_deliveries() -> int:
    """What a killed process left is finished or undone."""
    return services.recover_deliveries()


@shared_task(name="datahub.work_dataset")
def work_dataset(*, dataset_code: str) -> int:
    """An upload waits: bring the dataset's deliveries to their end."""
    return services.work_dataset(dataset_code)


@shared_task(name="datahub.compact_lake")
def compact_lake() -> int:
    """Each hour: the many small files of a day become few."""
    return upkeep.compact_lake()


@shared_task(name="datahub.apply_retention")
def apply_retention() -> int:
    """Rows that were kept long enough leave the tables."""
    return upkeep.apply_retention()


@shared_task(name="datahub.vacuum_lake")
def vacuum_lake() -> int:
    """Files that no reader can need any more leave the disk."""
    return upkeep.vacuum_lake()


@worker_ready.connect
def recover_at_start(**_: Any) -> None:
    """A worker that starts may follow one that was killed: do not wait for the timetable."""
    recover_deliveries.apply_async(queue="lake")
