"""The writers of quality. Mending and rules are imported from their own modules: they stand above deliveries."""

from .incidents import (
    act_on_incident,
    clear_incident,
    raise_incident,
    watch_incidents,
)

__all__ = ["act_on_incident", "clear_incident", "raise_incident", "watch_incidents"]
