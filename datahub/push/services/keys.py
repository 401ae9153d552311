"""Keys that open the push API: issued and stopped by stewards, shown once, kept as a hash."""

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from city.selectors import organisation
from commandcenter.core import clock
from commandcenter.core.crypto import keyed_hash
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.journal.services import audit
from datahub.models import Dataset
from datahub.policies import may_deliver
from datahub.states import DatasetStatus

from ..models import PushKey

if TYPE_CHECKING:
    from city.models import User

TOKEN_PREFIX = "ccp_"
ROWS_PER_MINUTE = 600_000
MOST_ROWS_PER_MINUTE = 100_000_000


def hash_of(token: str) -> str:
    return keyed_hash(token, purpose="push-token")


@transaction.atomic
def issue_key(
    *,
    name: str,
    org_code: str,
    dataset_codes: Collection[str],
    by: "User | None",
    rows_per_minute: int = ROWS_PER_MINUTE,
    until: datetime | None = None,
) -> tuple[PushKey, str]:
    """A new key and the words that open it, which are told this once. by: None for the demo's own feed."""
    require(by is None or may_deliver(by))
    at = clock.now()
    found = list(Dataset.objects.filter(code__in=dataset_codes))
    problems = []
    if not name.strip():
        problems.append(Problem(None, "name", _("A key needs a name.")))
    if organisation(org_code) is None:
        problems.append(Problem(None, "org_code", _("There is no such organisation.")))
    if not found or len(found) != len(set(dataset_codes)):
        problems.append(Problem(None, "dataset_codes", _("Choose at least one dataset.")))
    if by is not None and Dataset.objects.visible_to(by).filter(
        pk__in=[one.pk for one in found]
    ).count() != len(found):
        problems.append(Problem(None, "dataset_codes", _("A dataset of another area.")))
    if any(one.status == DatasetStatus.RETIRED for one in found):
        problems.append(Problem(None, "dataset_codes", _("This dataset is out of use; nothing is taken in.")))
    if not 1 <= rows_per_minute <= MOST_ROWS_PER_MINUTE:
        problems.append(Problem(None, "rows_per_minute", f"1 … {MOST_ROWS_PER_MINUTE}"))
    if until is not None and until <= at:
        problems.append(Problem(None, "until", _("The end lies in the past.")))
    if problems:
        raise BadInput(problems)
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    key = PushKey.objects.create(
        name=name.strip()[:80],
        org_code=org_code,
        token_hash=hash_of(token),
        token_hint=token[-4:],
        rows_per_minute=rows_per_minute,
        since=at,
        until=until,
        issued_by=by,
    )
    key.datasets.set(found)
    audit(
        actor=by,
        action="datahub.issue_push_key",
        target_ref=key.ref,
        body={
            "hint": key.token_hint,
            "organisation": org_code,
            "datasets": sorted(one.code for one in found),
        },
    )
    return key, token


@transaction.atomic
def stop_key(*, key_id: int, by: "User", reason: str) -> PushKey:
    """Takes effect with this transaction: every push asks the row itself."""
    require(may_deliver(by))
    key = PushKey.objects.select_for_update().get(pk=key_id)
    if not reason.strip():
        raise BadInput(Problem(None, "reason", _("A stop needs its reason.")))
    if key.stopped_at is not None:
        raise Conflict(_("This key was stopped before."))
    key.stopped_at, key.stop_reason = clock.now(), reason.strip()[:200]
    key.save(update_fields=["stopped_at", "stop_reason"])
    audit(
        actor=by,
        action="datahub.stop_push_key",
        target_ref=key.ref,
        reason=reason,
        body={"hint": key.token_hint},
    )
    return key
