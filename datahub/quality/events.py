"""What quality announces. Values of rows stay on the page."""

from datetime import datetime
from typing import ClassVar

from commandcenter.journal.events import EventBody


class IncidentMoved(EventBody):
    kind: ClassVar[str] = "datahub.incident.moved"

    incident_id: int
    number: str
    action: str
    from_state: str
    to_state: str
    incident_kind: str
    reason: str
    severity: str
    dataset_code: str
    dataset_name: str
    org_code: str
    due_at: datetime


class CorrectionMoved(EventBody):
    kind: ClassVar[str] = "datahub.correction.moved"

    correction_id: int
    number: str
    action: str
    from_state: str
    to_state: str
    dataset_code: str
    dataset_name: str
    provider: str
    requester_org: str
    due_at: datetime | None
