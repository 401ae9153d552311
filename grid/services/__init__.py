"""The writers of grid: a report, its order, its end."""

from .following import follow_order
from .kinds import ensure_event_kinds, load_event_kinds
from .places import Place, find_place
from .reporting import report_event

__all__ = ["Place", "ensure_event_kinds", "find_place", "follow_order", "load_event_kinds", "report_event"]
