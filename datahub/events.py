"""What the data hub announces."""

from typing import ClassVar

from commandcenter.journal.events import EventBody


class DeliveryMoved(EventBody):
    """A delivery changed its state, or read on: rows_read counts up while it runs."""

    kind: ClassVar[str] = "datahub.delivery.moved"

    delivery_id: int
    dataset_code: str
    dataset_name: str
    state: str
    rows_read: int
    rows_in: int
    rows_committed: int
    rows_rejected: int
    is_history: bool
