"""How often one address may ask: the public needs no login, so this stands between it and the lake."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from redis.exceptions import RedisError

# What -> (times, in so many seconds).
LIMITS: dict[str, tuple[int, int]] = {
    "page": (240, 60),
    "rows": (30, 60),
    "api": (240, 60),
    "ask": (5, 3_600),
    "look_up": (10, 60),
    "guess": (20, 3_600),
}


def take(what: str, who: str) -> int:
    """Count one; 0 while there is room, else the seconds until there is again. Without Redis all pass."""
    most, seconds = LIMITS[what]
    now = int(time.time())
    key = f"portal:{what}:{who}:{now // seconds}"
    try:
        cache.add(key, 0, timeout=seconds + 5)
        count = cache.incr(key)
    except (RedisError, ValueError):
        return 0
    return 0 if count <= most else seconds - now % seconds


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR") or "")


View = Callable[..., HttpResponse]


def limited(what: str) -> Callable[[View], View]:
    def around(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            wait = take(what, address_of(request))
            if wait:
                answer = render(request, "429.html", status=429)
                answer["Retry-After"] = str(wait)
                return answer
            return view(request, *args, **kwargs)

        return guarded

    return around
