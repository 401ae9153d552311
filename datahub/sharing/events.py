"""What sharing announces. Purposes and terms stay on the page."""

from datetime import datetime
from typing import ClassVar

from commandcenter.journal.events import EventBody


class AgreementMoved(EventBody):
    """An agreement took a step of its table; `escalate` says that a clock ran out."""

    kind: ClassVar[str] = "datahub.agreement.moved"

    agreement_id: int
    number: str
    action: str
    from_state: str
    to_state: str
    dataset_code: str
    dataset_name: str
    provider: str
    consumer_ref: str
    consumer_org: str
    due_at: datetime | None
