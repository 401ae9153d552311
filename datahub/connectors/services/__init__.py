"""The writers of pulled sources."""

from .running import run_due, run_source
from .sources import accept_columns, drop_draft, run_soon, save_source, set_paused

__all__ = [
    "accept_columns",
    "drop_draft",
    "run_due",
    "run_soon",
    "run_source",
    "save_source",
    "set_paused",
]
