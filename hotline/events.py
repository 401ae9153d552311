"""What the hotline announces. Never caller data; no title of a sealed ticket."""

from typing import ClassVar

from commandcenter.journal.events import EventBody


class TicketMoved(EventBody):
    kind: ClassVar[str] = "hotline.ticket.moved"

    ticket_id: int
    number: str
    title: str  # empty for a sealed ticket
    action: str
    from_state: str
    to_state: str
    category_code: str  # first level; empty where not chosen or sealed
    channel: str
    request_type: str
    urgency: str
    confidential: bool  # sealed: confidential or whistle-blowing
    org_code: str = ""
    contacted: bool | None = None  # call_back only
    solved: str = ""
    satisfied: str = ""


def audiences(*, sealed: bool) -> list[str]:
    """Who may hear of a ticket. A sealed one is heard at the desk only."""
    return ["desk"] if sealed else ["desk", "command", "leader"]
