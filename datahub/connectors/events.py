"""What the pulled sources announce; why a run failed stands on the source's page."""

from typing import ClassVar

from commandcenter.journal.events import EventBody


class SourceMoved(EventBody):
    """A run of a source began or ended, or the source was switched on or off."""

    kind: ClassVar[str] = "datahub.source.moved"

    source_id: int
    name: str
    dataset_code: str
    outcome: str
    rows: int
    failures: int
