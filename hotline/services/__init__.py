"""The only writers of the hotline."""

from .call_backs import record_call_back
from .callers import ask_to_open_caller, decide_opening, open_caller
from .drafts import drop_draft, save_draft, start_call
from .following import follow_order
from .tickets import answer_ticket, dispatch_ticket, queue_ticket, reject_ticket, take_ticket

__all__ = [
    "answer_ticket",
    "ask_to_open_caller",
    "decide_opening",
    "dispatch_ticket",
    "drop_draft",
    "follow_order",
    "open_caller",
    "queue_ticket",
    "record_call_back",
    "reject_ticket",
    "save_draft",
    "start_call",
    "take_ticket",
]
