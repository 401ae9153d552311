"""Parts of the platform are consumers too: their agreements, and what they read."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import require
from datahub.models import Dataset
from datahub.selectors import spec_for
from datahub.states import DatasetStatus

from ..models import Agreement, ShareCount, Yield
from ..policies import PREVIEW, grant_for, may_use, unread
from ..states import ENDED, AgreementState, ConsumerKind, Way
from ..terms import terms_of
from ._moving import locked, write
from .applying import give_number, is_mounted, needed
from .calls import _count

PREVIEW_PURPOSE = "数据管理部门开展目录核对、质量检查时查看少量脱敏样例。"
PREVIEW_BASIS = "《政务数据共享条例》（国务院令第809号）：目录管理与数据质量管理职责。"


@transaction.atomic
def ensure_platform_grant(
    *, consumer_ref: str, dataset_code: str, columns: Iterable[str], purpose: str, legal_basis: str
) -> Agreement | None:
    """Seed the agreement of a detector, figure or preview; nothing happens where one was ever made.

    A grant that people stopped stays stopped. Further columns make a further agreement.
    Returns the live grant; None when it was stopped or there is no such dataset.
    """
    dataset = Dataset.objects.select_for_update().filter(code=dataset_code).first()
    if dataset is None:
        return None
    known = {column.code for column in spec_for(dataset).columns}
    wanted = [name for name in dict.fromkeys(columns) if name in known]
    if not wanted:
        return None
    own = Agreement.objects.filter(dataset=dataset, consumer_ref=consumer_ref)
    if own.filter(state__in=ENDED).exists():
        return grant_for(dataset_code, consumer_ref)
    if own.exists() and not unread(dataset_code, {consumer_ref: wanted}):
        return grant_for(dataset_code, consumer_ref)
    at = clock.now()
    agreement = Agreement.objects.create(
        number=uuid.uuid4().hex[:24],
        dataset=dataset,
        state=AgreementState.GRANTED,
        consumer_kind=ConsumerKind.PLATFORM,
        consumer_ref=consumer_ref,
        purpose=purpose,
        legal_basis=legal_basis,
        columns=list(terms_of(spec_for(dataset), columns=wanted).columns),
        mounted=is_mounted(dataset),
        applied_at=at,
        granted_at=at,
    )
    give_number(agreement, at)
    write(agreement, "seed", "", at=at, note=purpose)
    return agreement


def seed_previews() -> int:
    """The steward's preview of every published dataset, as an agreement that can be stopped."""
    have = Agreement.objects.filter(consumer_ref=PREVIEW).values("dataset_id")
    made = 0
    for dataset in Dataset.objects.filter(status=DatasetStatus.PUBLISHED).exclude(pk__in=have):
        made += ensure_preview(dataset) is not None
    return made


def ensure_preview(dataset: Dataset) -> Agreement | None:
    return ensure_platform_grant(
        consumer_ref=PREVIEW,
        dataset_code=dataset.code,
        columns=[column.code for column in spec_for(dataset).columns],
        purpose=PREVIEW_PURPOSE,
        legal_basis=PREVIEW_BASIS,
    )


@transaction.atomic
def note_read(*, consumer_ref: str, dataset_code: str, rows: int) -> None:
    """A part of the platform read rows under its grant: counted by the day, not written one by one."""
    agreement = grant_for(dataset_code, consumer_ref)
    if agreement is None:
        return
    count = _count(agreement, Way.PLATFORM)

    ShareCount.objects.filter(pk=count.pk).update(
        calls=F("calls") + 1, rows=F("rows") + rows, last_at=clock.now()
    )


@transaction.atomic
def note_made(*, consumer_ref: str, dataset_code: str, made_ref: str, title: str) -> None:
    """A part of the platform made something (an alert) out of what it read under its grant."""
    agreement = grant_for(dataset_code, consumer_ref)
    if agreement is not None:
        note_yield(agreement=agreement, title=title[:200], made_ref=made_ref)


@transaction.atomic
def report_yield(*, agreement_id: int, by: Any, title: str, amount: Any = None, unit: str = "") -> Yield:
    """The consumer says what came of a grant."""
    agreement = locked(agreement_id)
    require(may_use(by, agreement))
    needed(title, "title", _("Say what came of it."))
    return note_yield(agreement=agreement, title=title.strip(), amount=amount, unit=unit, by=by)


@transaction.atomic
def note_yield(
    *,
    agreement: Agreement,
    title: str,
    made_ref: str = "",
    amount: Any = None,
    unit: str = "",
    by: Any = None,
) -> Yield:
    """What a grant produced, for the ledger."""
    return Yield.objects.create(
        agreement=agreement, title=title, made_ref=made_ref, amount=amount, unit=unit, by=by, at=clock.now()
    )
