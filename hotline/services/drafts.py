"""What an operator has typed is kept every second, so that a crash loses nothing."""

import json
from typing import TYPE_CHECKING, Any

from commandcenter.core import clock
from hotline.models import Draft

if TYPE_CHECKING:
    from city.models import User

LONGEST = 20_000  # characters of all fields together


def start_call(*, by: "User") -> Draft:
    """The operator's draft; begun now where there is none. The call's time runs from its beginning."""
    at = clock.now()
    draft, _made = Draft.objects.get_or_create(
        operator=by, defaults={"started_at": at, "saved_at": at, "body": "{}"}
    )
    return draft


def save_draft(*, by: "User", body: dict[str, str], restart: bool = False) -> Draft:
    """Keep the form's fields as they stand. restart: the first words of a new call set its beginning."""
    at = clock.now()
    text = json.dumps({key: value[:5_000] for key, value in body.items()}, ensure_ascii=False)[:LONGEST]
    try:
        json.loads(text)
    except ValueError:
        text = "{}"
    draft = start_call(by=by)
    draft.body, draft.saved_at = text, at
    if restart:
        draft.started_at = at
    draft.save()
    return draft


def drop_draft(*, by: "User") -> None:
    Draft.objects.filter(operator=by).delete()


def body_of(draft: Draft) -> dict[str, Any]:
    try:
        found = json.loads(draft.body or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
