"""Sensors that send readings need no heartbeat of their own: a reading that arrives is one."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from django.db import transaction

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.journal.services import audit
from datahub.models import Dataset
from datahub.selectors import spec_of

from ..models import ReadingFeed
from ..policies import may_import
from .beats import MOST_AGE, write

if TYPE_CHECKING:
    from city.models import User


@transaction.atomic
def feed_from(*, dataset_code: str, by: "User | None", on: bool = True) -> None:
    """From now on a dataset's readings are signs of life of the devices that its subject column names."""
    require(by is None or may_import(by))
    dataset = Dataset.objects.filter(code=dataset_code).first()
    if dataset is None or not dataset.subject_column:
        raise BadInput(Problem(None, "dataset", "a dataset whose subject column names devices"))
    if on:
        ReadingFeed.objects.get_or_create(dataset=dataset, defaults={"since": clock.now()})
    else:
        ReadingFeed.objects.filter(dataset=dataset).delete()
    audit(
        actor=by, action="datahub.feed_devices", target_ref=dataset.ref, body={"on": on},
    )  # fmt: skip


def take_readings(dataset_code: str, table: pa.Table, live: np.ndarray) -> int:
    """Note who sent: the newest live reading of each device, at its own time and never in the future.

    A sensor whose clock is so wrong that its readings look old is not heard: what it measures is as wrong.
    """
    spec = spec_of(dataset_code)
    at = clock.now()
    chosen = table.filter(pa.array(live))
    if not chosen.num_rows:
        return 0
    codes = chosen.column(spec.subject_column).to_pylist()
    times: list[Any] = [at] * len(codes)
    if spec.time_column and spec.column(spec.time_column).kind == "time":
        times = chosen.column(spec.time_column).to_pylist()
    newest: dict[str, tuple[datetime, int | None, str]] = {}
    for code, said in zip(codes, times, strict=True):
        if not code or said is None or at - said > MOST_AGE:
            continue
        seen = min(said, at)
        if str(code) not in newest or seen > newest[str(code)][0]:
            newest[str(code)] = (seen, round((said - at).total_seconds()) if said > at else None, "")
    return len(write(newest, "")) if newest else 0
