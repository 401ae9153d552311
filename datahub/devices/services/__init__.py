"""The writers of the device register."""

from .beats import Beat, Heard, hear
from .counting import count_availability
from .faults import acknowledge_fault, follow_order, repair_fault
from .keys import end_key, issue_key, key_of
from .maintenance import announce_maintenance, cancel_maintenance
from .patrol import Round, patrol
from .reading import feed_from, take_readings
from .register import DATASET, Taken, apply_limits, take_rows
from .streams import open_stream, register_stream, stream_shown_to

__all__ = [
    "DATASET",
    "Beat",
    "Heard",
    "Round",
    "Taken",
    "acknowledge_fault",
    "announce_maintenance",
    "apply_limits",
    "cancel_maintenance",
    "count_availability",
    "end_key",
    "feed_from",
    "follow_order",
    "hear",
    "issue_key",
    "key_of",
    "open_stream",
    "patrol",
    "register_stream",
    "repair_fault",
    "stream_shown_to",
    "take_readings",
    "take_rows",
]
