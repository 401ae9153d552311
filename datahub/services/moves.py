"""Every change of a delivery's state goes through here: locked, checked against the table, announced."""

import time
from typing import Any

from django.db import transaction

from city.selectors import roots
from commandcenter.core import clock
from commandcenter.core.moves import next_state
from commandcenter.journal.live import announce
from datahub.events import DeliveryMoved
from datahub.faults import Refusal
from datahub.models import Dataset, Delivery
from datahub.quality.services.ending import delivery_ended
from datahub.states import FINAL, FRESH, MOVES, SourceKind

from .writers import Claim

AUDIENCES = ["steward", "leader"]
PROGRESS_EVERY_S = 1.0


def home_area(dataset: Dataset) -> str:
    """The area of rows without a place of their own: the dataset's, else the city."""
    return dataset.area_code or next(iter(roots()), "")


def tell(delivery: Delivery) -> None:
    """An ended one is told of at the place and time that its row keeps: figures are recounted from it."""
    announce(
        DeliveryMoved(
            area_code=delivery.area_code or home_area(delivery.dataset),
            audiences=AUDIENCES,
            at=delivery.finished_at or clock.now(),
            delivery_id=delivery.pk,
            dataset_code=delivery.dataset.code,
            dataset_name=delivery.dataset.name,
            state=delivery.state,
            rows_read=delivery.rows_read,
            rows_in=delivery.rows_in,
            rows_committed=delivery.rows_committed,
            rows_rejected=delivery.rows_rejected,
            is_history=delivery.is_history,
        )
    )


@transaction.atomic
def move(delivery: Delivery, action: str, claim: Claim | None, **values: Any) -> None:
    """Take one step of the table, together with the values it brings."""
    if claim is not None:
        claim.hold()
    state = Delivery.objects.select_for_update().values_list("state", flat=True).get(pk=delivery.pk)
    delivery.state = next_state(MOVES, action, state)
    if delivery.state in FINAL:
        values["area_code"] = home_area(delivery.dataset)
    for name, value in values.items():
        setattr(delivery, name, value)
    delivery.save(update_fields=["state", *values])
    at = clock.now()
    dataset = Dataset.objects.filter(pk=delivery.dataset_id)
    before = dataset.values_list("fresh_at", flat=True).get() if delivery.state in FRESH else None
    # Old rows brought in by hand do not prove that the source is alive; nor do mended ones.
    if delivery.state in FRESH and not delivery.is_history and delivery.source != SourceKind.REPLAY:
        dataset.update(fresh_at=at)
    if delivery.state in FINAL:
        delivery_ended(delivery, before, at)
    tell(delivery)


def refuse(delivery: Delivery, refusal: Refusal, claim: Claim | None, **values: Any) -> None:
    """Nothing of it reached the table; say why."""
    move(
        delivery,
        "refuse",
        claim,
        reason=refusal.code,
        detail=refusal.detail[:2000],
        fault_row=refusal.row,
        fault_column=refusal.column[:200],
        finished_at=clock.now(),
        **values,
    )


class Progress:
    """Counts up a running delivery, for those who watch, about once a second."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self._last = time.monotonic()

    def __call__(self, rows: int, passed: int) -> None:
        if time.monotonic() - self._last < PROGRESS_EVERY_S:
            return
        self._last = time.monotonic()
        self.delivery.rows_read, self.delivery.rows_passed = rows, passed
        with transaction.atomic():
            self.delivery.save(update_fields=["rows_read", "rows_passed"])
            tell(self.delivery)
