"""What grid announces."""

from typing import ClassVar

from commandcenter.journal.events import EventBody


class ReportMoved(EventBody):
    """One move of a grid report. title and kind are empty where the kind is confidential."""

    kind: ClassVar[str] = "grid.report.moved"

    report_id: int
    number: str
    title: str
    action: str
    from_state: str
    to_state: str
    kind_code: str
    kind_name: str
    urgency: str
    confidential: bool
    org_code: str = ""
    order_ref: str = ""
    reporter_id: int
