"""Tokens of the heartbeat API."""

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from city.selectors import organisation
from commandcenter.core import clock
from commandcenter.core.crypto import keyed_hash
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.journal.services import audit

from ..models import HeartbeatKey
from ..policies import may_import

if TYPE_CHECKING:
    from city.models import User

PREFIX = "cch_"
USED_EVERY = timedelta(minutes=1)  # how often the last use is written down


def hash_of(token: str) -> str:
    return keyed_hash(token, purpose="heartbeat-token")


@transaction.atomic
def issue_key(*, name: str, owner_code: str, by: "User | None") -> tuple[HeartbeatKey, str]:
    """A new key and its token, told this once."""
    require(by is None or may_import(by))
    if not name.strip():
        raise BadInput(Problem(None, "name", _("Say who will send with it.")))
    if owner_code and organisation(owner_code) is None:
        raise BadInput(Problem(None, "owner_code", _("No such organisation.")))
    token = PREFIX + secrets.token_urlsafe(32)
    key = HeartbeatKey.objects.create(
        name=name.strip()[:80],
        owner_code=owner_code,
        token_hash=hash_of(token),
        token_hint=token[-4:],
        since=clock.now(),
        by=by,
    )
    audit(
        actor=by,
        action="datahub.issue_heartbeat_key",
        target_ref=f"datahub.heartbeat_key:{key.pk}",
        body={"name": key.name, "owner": owner_code, "hint": key.token_hint},
    )
    return key, token


@transaction.atomic
def end_key(*, key_id: int, by: "User") -> HeartbeatKey:
    """From now on its token is worth nothing."""
    require(may_import(by))
    key = HeartbeatKey.objects.select_for_update().get(pk=key_id)
    if key.until is None:
        key.until = clock.now()
        key.save(update_fields=["until"])
        audit(actor=by, action="datahub.end_heartbeat_key", target_ref=f"datahub.heartbeat_key:{key.pk}")
    return key


def key_of(token: str) -> HeartbeatKey | None:
    """The live key of a token; its use is noted once a minute."""
    if not token.startswith(PREFIX):
        return None
    at = clock.now()
    live = HeartbeatKey.objects.filter(Q(until__isnull=True) | Q(until__gt=at), token_hash=hash_of(token))
    key = live.first()
    if key is not None and (key.used_at is None or at - key.used_at > USED_EVERY):
        HeartbeatKey.objects.filter(pk=key.pk).update(used_at=at)
    return key
