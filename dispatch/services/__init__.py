"""The only writers of dispatch. Ids in, keyword-only, one transaction and one clock reading each."""

from .devices import follow_fault
from .following import recompute_deadlines, relocate_orders
from .handling import cancel_order, check_order, contact_caller, handle_order, redo_order, sign_order
from .opening import open_assist, open_order, pass_down
from .requests import (
    MAX_EXTENDED_DAYS,
    decide_extension,
    decide_hold,
    release_order,
    request_extension,
    request_hold,
    request_return,
    rule_return,
)
from .scoring import exclude_order

__all__ = [
    "MAX_EXTENDED_DAYS",
    "cancel_order",
    "check_order",
    "contact_caller",
    "decide_extension",
    "decide_hold",
    "exclude_order",
    "follow_fault",
    "handle_order",
    "open_assist",
    "open_order",
    "pass_down",
    "recompute_deadlines",
    "redo_order",
    "release_order",
    "relocate_orders",
    "request_extension",
    "request_hold",
    "request_return",
    "rule_return",
    "sign_order",
]
