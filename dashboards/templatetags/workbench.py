"""Tags for the frame of every page and for the shared components."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest

from commandcenter.core import clock
from commandcenter.core.templatetags.words import duration_words
from commandcenter.nav import items_for

register = template.Library()


@register.simple_tag(takes_context=True)
def nav_items(context: dict[str, Any]) -> list[dict[str, Any]]:
    """Navigation entries of the signed-in person; the one we are on is marked."""
    request: HttpRequest | None = context.get("request")
    if request is None or not hasattr(request, "user"):
        return []
    items = items_for(request.user)
    fitting = [item for item in items if request.path.startswith(item["url"])]
    current = max(fitting, key=lambda item: len(item["url"]), default=None)
    return [{**item, "current": item is current} for item in items]


@register.simple_tag(takes_context=True)
def page_link(context: dict[str, Any], number: int | str, name: str = "page") -> str:
    """The present address with another page number (filters stay)."""
    request: HttpRequest | None = context.get("request")
    query = request.GET.copy() if request is not None else {}
    query[name] = str(number)
    return "?" + (query.urlencode() if hasattr(query, "urlencode") else urlencode(query))


@register.inclusion_tag("components/time_left.html")
def time_left_bar(
    due_at: datetime | None,
    start_at: datetime | None = None,
    done_at: datetime | None = None,
    provisional: bool = False,
) -> dict[str, Any]:
    """A clock as a bar: amber from a quarter left, red when over, grey without a limit.

    start_at: when the clock began; done_at: when the duty was done, if it was.
    """
    at = done_at or clock.now()
    share, tone = 0, "none"
    if due_at is not None:
        whole = (due_at - start_at).total_seconds() if start_at else 0
        left = (due_at - at).total_seconds()
        share = round(100 * min(1.0, max(0.0, left / whole))) if whole > 0 else (100 if left > 0 else 0)
        tone = "over" if left < 0 else "soon" if share <= 25 else "calm"
        if done_at is not None:
            tone = "late" if left < 0 else "done"
    return {
        "due_at": due_at,
        "done_at": done_at,
        "share": 100 if tone == "over" else share,
        "tone": tone,
        "provisional": provisional,
    }


@register.filter
def duration(seconds: float | None) -> str:
    """The two largest units of a duration."""
    return duration_words(seconds) if seconds is not None else ""
