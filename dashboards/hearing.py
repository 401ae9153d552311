"""What a socket may hear, and what it is told: its wish, its groups, the words of an event."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.utils import translation
from django.utils.crypto import constant_time_compare

from city.selectors import watch_groups
from city.sessions import is_idle
from commandcenter.core.codes import ancestors, within
from commandcenter.journal.models import Event
from commandcenter.journal.selectors import events_between, folded_position

from . import figures
from .words import line

FURTHEST_BACK = 2_000  # events; a screen that was away longer starts anew

Groups = frozenset[tuple[str, str]]


def number(value: Any) -> int | None:
    return int(value) if str(value).isdecimal() and not isinstance(value, bool) else None


def wish_of(text: str | None) -> tuple[str, bool, int | None] | None:
    """Area, whether figures are wanted, and the position to resume from; None for nonsense."""
    try:
        wish = json.loads(text or "")
        area = wish.get("watch") or ""
    except (ValueError, AttributeError):
        return None
    if not isinstance(area, str):
        return None
    return area, bool(wish.get("figures")), number(wish.get("since"))


def narrowed(groups: Groups, area: str) -> Groups:
    """The groups of a screen that looks at one area: only audiences held there or above it."""
    return frozenset((area, audience) for top, audience in groups if within(area, top))


def families_in(groups: Groups, area: str) -> frozenset[str]:
    """Families of figures that members of these groups are sent for an area; personal groups give none."""
    over = set(ancestors(area)) if area else set()
    return figures.families_for(audience for top, audience in groups if top in over)


def message_of(event: Event, language: str) -> str:
    with translation.override(language):
        shown = line(event.kind, event.body)
    message = {
        "type": "event",
        "position": event.position,  # type: ignore[attr-defined]
        "kind": event.kind,
        "body": event.body,
        "area": event.area_code,
        "at": event.at.isoformat(),
        "line": shown.as_dict() if shown else None,
        "deltas": [
            {
                "figure": delta.figure,
                "n": delta.n,
                "day": "" if delta.day == figures.GAUGE_DAY else delta.day.isoformat(),
            }
            for delta in figures.deltas(event)
            if not delta.figure.startswith(figures.SEALED)
        ],
    }
    return json.dumps(message, ensure_ascii=False)


def groups_of(user: Any) -> Groups:
    return frozenset(watch_groups(user))


def missed(groups: Groups, since: int) -> list[Event] | None:
    """The events after a position that these groups hear; None when that is too long ago."""
    end = folded_position()
    if since > end or end - since > FURTHEST_BACK:
        return None
    events = events_between(since, end, limit=FURTHEST_BACK)
    return [event for event in events if heard_by(groups, event)]


def heard_by(groups: Groups, event: Event) -> bool:
    areas = set(ancestors(event.area_code)) if event.area_code else {""}
    return any(area in areas and audience in event.audiences for area, audience in groups)


def user_of_session(session_key: str | None, user_id: int) -> Any:
    """The user when the session still stands and belongs to them, else None."""
    if not session_key:
        return None
    session = SessionStore(session_key)
    if session.get(SESSION_KEY) != str(user_id) or is_idle(session):
        return None
    user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    return (
        user
        if constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
        else None
    )


def language_of(scope: dict[str, Any]) -> str:
    chosen = scope.get("cookies", {}).get("django_language", "")
    if chosen and translation.check_for_language(chosen):
        return chosen
    headers = dict(scope.get("headers", []))
    accepted = headers.get(b"accept-language", b"").decode("latin-1").lower()
    return "en" if accepted.startswith("en") else "zh-hans"
