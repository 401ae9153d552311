"""Doorbells of the data hub; all of them on the lake queue, whose workers are threads."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from datahub import services
from datahub.cascade import tasks as _cascade  # noqa: F401  the worker finds them here
from datahub.sharing import tasks as _sharing  # noqa: F401


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


@worker_ready.connect
def recover_at_start(**_: Any) -> None:
    """A worker that starts may follow one that was killed: do not wait for the timetable."""
    recover_deliveries.apply_async(queue="lake")
