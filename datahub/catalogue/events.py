"""What the catalogue announces: to the stewards only."""

from typing import ClassVar

from commandcenter.journal.events import EventBody


class DatasetMoved(EventBody):
    kind: ClassVar[str] = "datahub.dataset.moved"

    dataset_code: str
    dataset_name: str
    action: str
    from_state: str
    to_state: str
