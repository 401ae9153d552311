"""The writers of the cascade."""

from .peers import add_peer, add_route, give_key, set_paused
from .syncing import sync_all, sync_catalogue, sync_peer, sync_route

__all__ = [
    "add_peer",
    "add_route",
    "give_key",
    "set_paused",
    "sync_all",
    "sync_catalogue",
    "sync_peer",
    "sync_route",
]
