"""The only writers of this app."""

from .alerts import dispatch_alert, follow_order, verify_alert
from .detectors import (
    approve_detector,
    go_live,
    load_detectors,
    note_sight,
    put_live,
    retire_detector,
    revise_detector,
    suspend_detector,
    try_detector,
)
from .runs import is_watched, run_history, run_windows, take_batch
from .sight import follow_grant

__all__ = [
    "approve_detector",
    "dispatch_alert",
    "follow_grant",
    "follow_order",
    "go_live",
    "is_watched",
    "load_detectors",
    "note_sight",
    "put_live",
    "retire_detector",
    "revise_detector",
    "run_history",
    "run_windows",
    "suspend_detector",
    "take_batch",
    "try_detector",
    "verify_alert",
]
