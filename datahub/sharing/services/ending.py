"""Tokens, stops, and the watch over clocks and ends."""

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from city.functions import Function
from city.selectors import responsible_org, roots
from commandcenter.core import clock
from commandcenter.core.crypto import keyed_hash
from commandcenter.core.errors import require
from commandcenter.journal.services import audit, record_fact
from datahub.quality.services import raise_incident
from datahub.quality.states import IncidentKind

from ..models import Agreement, ShareKey
from ..policies import may_stop, may_use
from ..states import AgreementState
from ._moving import locked, move
from .applying import needed

if TYPE_CHECKING:
    from city.models import User

TOKEN_PREFIX = "ccs_"


def hash_of(token: str) -> str:
    return keyed_hash(token, purpose="share-token")


def new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


@transaction.atomic
def issue_token(*, agreement_id: int, by: "User") -> str:
    """A new token, told to the consumer this once; the one before it is worth nothing from now on."""
    agreement = locked(agreement_id)
    require(may_use(by, agreement))
    token = new_token()
    move(
        agreement, "new_token", at=clock.now(), by=by, token_hash=hash_of(token), token_hint=token[-4:],
    )  # fmt: skip
    audit(
        actor=by,
        action="datahub.issue_token",
        target_ref=agreement.ref,
        body={"hint": agreement.token_hint, "dataset": agreement.dataset.code},
    )
    return token


@transaction.atomic
def issue_key(*, consumer_ref: str, by: "User | None" = None) -> str:
    """A token for all grants of one consumer (another level's platform); former ones end."""
    at = clock.now()
    ShareKey.objects.filter(consumer_ref=consumer_ref, until=None).update(until=at)
    token = new_token()
    ShareKey.objects.create(
        consumer_ref=consumer_ref, token_hash=hash_of(token), token_hint=token[-4:], since=at
    )
    audit(actor=by, action="datahub.issue_key", target_ref=consumer_ref, body={"hint": token[-4:]})
    return token


@transaction.atomic
def stop_grant(*, agreement_id: int, by: "User", reason: str) -> Agreement:
    """Takes effect with this transaction: every call and every read asks the row itself."""
    agreement = locked(agreement_id)
    require(may_stop(by, agreement))
    needed(reason, "reason", _("A stop needs its reason."))
    at = clock.now()
    move(agreement, "stop", at=at, by=by, note=reason, reason=reason.strip(), ended_at=at)
    audit(
        actor=by,
        action="datahub.stop_grant",
        target_ref=agreement.ref,
        reason=reason,
        body={"dataset": agreement.dataset.code, "consumer": agreement.consumer_ref},
    )
    return agreement


# ---------------------------------------------------------------- the watch


def watch_agreements() -> dict[str, int]:
    """End what has run out and report clocks that did. Calls do not wait for this: they look themselves."""
    at = clock.now()
    done = {"expired": 0, "escalated": 0}
    ran_out = Agreement.objects.filter(state=AgreementState.GRANTED, expires_at__lte=at)
    for pk in list(ran_out.values_list("pk", flat=True)):
        done["expired"] += _expire(pk, at)
    late = Agreement.objects.overdue(at=at).filter(escalated_at=None)
    for pk in list(late.values_list("pk", flat=True)):
        done["escalated"] += _escalate(pk, at)
    return done


@transaction.atomic
def _expire(pk: int, at: datetime) -> bool:
    agreement = locked(pk)
    ends = agreement.expires_at
    if agreement.state != AgreementState.GRANTED or ends is None or ends > at:
        return False
    move(agreement, "expire", at=at, ended_at=ends)
    audit(
        actor=None,
        action="datahub.expire_grant",
        target_ref=agreement.ref,
        body={"dataset": agreement.dataset.code, "consumer": agreement.consumer_ref},
    )
    return True


@transaction.atomic
def _escalate(pk: int, at: datetime) -> bool:
    """A clock ran out: told to the data bureau, once per clock, and counted against who was late."""
    agreement = locked(pk)
    if agreement.due_at is None or agreement.due_at >= at or agreement.escalated_at is not None:
        return False
    if agreement.state not in (AgreementState.APPLIED, AgreementState.CHECKED):
        return False
    area = agreement.dataset.area_code or next(iter(roots()), "")
    bureau = responsible_org(area, Function.DATA) if area else None
    bureau_code = bureau.code if bureau else ""
    late = bureau_code if agreement.state == AgreementState.APPLIED else agreement.dataset.provider
    move(
        agreement, "escalate", at=at, escalated_at=at,
        body={"late": late, "told": bureau_code, "due_at": agreement.due_at.isoformat()},
    )  # fmt: skip
    record_fact(
        kind="datahub.share_deadline",
        subject_ref=agreement.ref,
        org_code=late,
        area_code=area,
        happened_at=agreement.due_at,
        due_at=agreement.due_at,
        outcome="late",
    )
    raise_incident(
        kind=IncidentKind.CLOCK_OVER,
        key=agreement.number,
        dataset=agreement.dataset,
        reason=f"clock_{agreement.state}",
        detail=agreement.number,
        ref=agreement.ref,
        org_code=late,
        at=at,
    )
    return True
