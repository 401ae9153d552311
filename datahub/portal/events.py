"""What the portal announces: to the stewards only."""

from datetime import datetime
from typing import ClassVar

from commandcenter.journal.events import EventBody


class DataRequestMoved(EventBody):
    kind: ClassVar[str] = "datahub.data_request.moved"

    request_id: int
    number: str
    action: str
    from_state: str
    to_state: str
    due_at: datetime
