"""What dispatch announces. Holds nothing that an audience of the event may not read."""

from datetime import datetime
from typing import ClassVar

from commandcenter.journal.events import EventBody


class OrderMoved(EventBody):
    """One move of an order. `title` is empty for a confidential order.

    on_time: whether a sign, contact or handle met its deadline; None for every other action.
    role and parent_id tell a joint or passed-down order; its case_ref is the parent order's
    reference, so that a ticket does not take the end of an assist for the end of its own order.
    successor_id: after a return, the order that the ruling gave to another unit for the same case.
    """

    kind: ClassVar[str] = "dispatch.order.moved"

    order_id: int
    number: str
    title: str
    action: str
    from_state: str
    to_state: str
    round: int
    order_kind: str
    case_ref: str
    org_code: str
    org_name: str
    urgency: str
    level: int | None = None
    role: str = "lead"
    parent_id: int | None = None
    successor_id: int | None = None
    on_time: bool | None = None
    confidential: bool = False
    sign_due_at: datetime | None = None
    due_at: datetime | None = None
