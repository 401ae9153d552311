"""The writers of pulled sources."""

from .running import run_due, run_source
from .sources import accept_columns, drop_draft, run_soon, save_source, set_paused
from .trying import ask, check_connection, list_tables, try_connection, try_run

__all__ = [
    "accept_columns",
    "ask",
    "check_connection",
    "drop_draft",
    "list_tables",
    "run_due",
    "run_soon",
    "run_source",
    "save_source",
    "set_paused",
    "try_connection",
    "try_run",
]
