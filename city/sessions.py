"""How long a session may rest. Requests that a page makes by itself do not keep it awake."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from commandcenter.core import clock

ACTIVE_AT = "_active_at"  # seconds since 1970 of the person's last own request
WRITE_EVERY = 60  # seconds; the mark is not written at each click
DEFAULT_IDLE_SECONDS = 30 * 60
BACKGROUND_HEADER = "X-Background"  # our modules set it on refreshes that nobody asked for
BACKGROUND_PATHS = ("/tiles/", "/static/", "/healthz", "/metrics")


def idle_seconds() -> int:
    return int(getattr(settings, "SESSION_IDLE_SECONDS", DEFAULT_IDLE_SECONDS))


def is_background(request: HttpRequest) -> bool:
    return BACKGROUND_HEADER in request.headers or request.path.startswith(BACKGROUND_PATHS)


def is_idle(session: Any) -> bool:
    """Whether this session rested too long. Sockets ask too, when they renew their rights."""
    active_at = session.get(ACTIVE_AT)
    return active_at is not None and clock.now().timestamp() - float(active_at) > idle_seconds()


def touch(session: Any) -> None:
    at = clock.now().timestamp()
    if at - float(session.get(ACTIVE_AT, 0)) >= WRITE_EVERY:
        session[ACTIVE_AT] = int(at)
