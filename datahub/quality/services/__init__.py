"""The writers of quality. Mending is imported from its own module: it stands above deliveries."""

from .incidents import (
    act_on_incident,
    clear_incident,
    raise_incident,
    watch_incidents,
)

__all__ = ["act_on_incident", "clear_incident", "raise_incident", "watch_incidents"]
