"""A call from outside: let in or refused, answered, counted, written down."""

import time
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, DomainError
from commandcenter.core.times import shanghai_day
from commandcenter.journal.services import audit
from datahub.selectors import spec_for
from datahub.states import DatasetStatus

from ..cursors import Cursor
from ..models import Agreement, ShareCall, ShareCount, ShareKey
from ..reading import Page, pin_cursor, question, read_page
from ..states import AgreementState, Denial, Outcome, Way
from ..terms import Condition, Terms
from .ending import hash_of

STRANGERS_A_MINUTE = 60  # calls with an unknown token from one address that are still written down
_GRANTED_ONCE = (AgreementState.GRANTED, AgreementState.STOPPED, AgreementState.EXPIRED)


class Denied(DomainError):
    """A call that was refused, and written down as refused."""

    code = "denied"

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.label, code=denial.value)
        self.denial = denial
        self.status = {Denial.QUOTA: 429, Denial.BAD_REQUEST: 400}.get(denial, 403)


class TooManyStrangers(DomainError):
    """One address tries token after token; not even written down any more."""

    code = "slow_down"


@dataclass(frozen=True)
class Asked:
    """What a call says: texts as they came, not yet checked."""

    dataset_code: str
    token: str = ""
    columns: list[str] | None = None
    conditions: tuple[Condition, ...] = ()
    cursor: str = ""
    limit: int = 1_000
    form: str = "json"
    ip: str | None = None


def terms_of_agreement(agreement: Agreement) -> Terms:
    return Terms(
        columns=tuple(agreement.columns),
        rows=tuple(Condition.model_validate(row) for row in agreement.row_filter),
        masks=agreement.masking,
    )


def answer(asked: Asked) -> tuple[Agreement, Page]:
    """The page a call asks for. Raises Denied and BadInput, both written down, and TooManyStrangers."""
    began = time.monotonic()
    agreement = admit(asked)
    try:
        spec = spec_for(agreement.dataset)
        terms = terms_of_agreement(agreement)
        wanted = question(spec, terms, columns=asked.columns, conditions=list(asked.conditions))
        if asked.cursor:
            cursor = Cursor.read(asked.cursor, code=agreement.dataset.code, asked=wanted.asked)
        else:
            cursor = Cursor(agreement.dataset.code, asked=wanted.asked)
        cursor = pin_cursor(agreement.dataset, cursor)
        page = read_page(
            agreement.dataset, terms, wanted, cursor=cursor, limit=asked.limit, salt=agreement.consumer_ref
        )
    except BadInput:
        note_call(agreement, asked.dataset_code, Way.API, Outcome.REFUSED, denial=Denial.BAD_REQUEST,
                  form=asked.form, ip=asked.ip)  # fmt: skip
        raise
    note_call(
        agreement,
        asked.dataset_code,
        Way.API,
        Outcome.OK,
        rows=page.rows,
        form=asked.form,
        version=page.version,
        position=page.resume.place,
        took_ms=int((time.monotonic() - began) * 1000),
        ip=asked.ip,
        counted=True,
    )
    return agreement, page


def admit(asked: Asked) -> Agreement:
    """The grant under which the call may be answered, with one call taken from its quota."""
    agreement, denial = _find(asked)
    if denial is None and agreement is not None:
        if take_call(agreement, Way.API):
            return agreement
        denial = Denial.QUOTA
    raise refuse_call(agreement, denial or Denial.NOT_GRANTED, asked)


def _find(asked: Asked) -> tuple[Agreement | None, Denial | None]:
    if not asked.token:
        return None, Denial.NO_TOKEN
    token_hash = hash_of(asked.token)
    found = Agreement.objects.filter(token_hash=token_hash).select_related("dataset").first()
    if found is None:
        ref = consumer_of(token_hash)
        if ref is None:
            return None, Denial.UNKNOWN_TOKEN
        own = Agreement.objects.filter(consumer_ref=ref, dataset__code=asked.dataset_code)
        held = own.filter(state__in=_GRANTED_ONCE).select_related("dataset")
        found = held.live(at=clock.now()).order_by("-pk").first() or held.order_by("-pk").first()
    if found is None or found.dataset.code != asked.dataset_code:
        return found, Denial.NOT_GRANTED
    return found, standing(found)


def consumer_of(token_hash: str) -> str | None:
    """Whose key this is; None for no key that is in force."""
    return (
        ShareKey.objects.filter(token_hash=token_hash, until=None)
        .values_list("consumer_ref", flat=True)
        .first()
    )


def standing(agreement: Agreement) -> Denial | None:
    """Why nothing may be read under this agreement now; None when it may."""
    at = clock.now()
    if agreement.state == AgreementState.STOPPED:
        return Denial.STOPPED
    ran_out = agreement.expires_at is not None and agreement.expires_at <= at
    if agreement.state == AgreementState.EXPIRED or ran_out:
        return Denial.EXPIRED
    if agreement.state != AgreementState.GRANTED:
        return Denial.NOT_GRANTED
    if agreement.dataset.status != DatasetStatus.PUBLISHED:
        return Denial.RETIRED
    return None


@transaction.atomic
def take_call(agreement: Agreement, way: str) -> bool:
    """Count one call; False when the day's are used up. One UPDATE: two calls cannot share the last."""
    count = _count(agreement, way)
    counts = ShareCount.objects.filter(pk=count.pk)
    if agreement.quota_calls is not None:
        counts = counts.filter(calls__lt=agreement.quota_calls)
    return bool(counts.update(calls=F("calls") + 1, last_at=clock.now()))


def _count(agreement: Agreement, way: str) -> ShareCount:
    key = {"agreement": agreement, "day": shanghai_day(clock.now()), "way": way}
    found = ShareCount.objects.filter(**key).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return ShareCount.objects.create(**key)
    except IntegrityError:
        return ShareCount.objects.get(**key)


@transaction.atomic
def note_call(
    agreement: Agreement | None,
    dataset_code: str,
    way: str,
    outcome: str,
    *,
    denial: str = "",
    rows: int = 0,
    form: str = "",
    version: int | None = None,
    position: str = "",
    took_ms: int = 0,
    ip: str | None = None,
    body: dict[str, Any] | None = None,
    counted: bool = False,
) -> ShareCall:
    """Write a call down. counted: its call was taken from the quota already, only its rows are added."""
    at = clock.now()
    if agreement is not None:
        counts = ShareCount.objects.filter(pk=_count(agreement, way).pk)
        if outcome == Outcome.REFUSED:
            counts.update(refused=F("refused") + 1, last_at=at)
        elif outcome == Outcome.OK:
            counts.update(rows=F("rows") + rows, calls=F("calls") + (0 if counted else 1), last_at=at)
    return ShareCall.objects.create(
        agreement=agreement,
        dataset_code=dataset_code[:80],
        way=way,
        outcome=outcome,
        denial=denial,
        form=form,
        rows=rows,
        lake_version=version,
        position=position,
        took_ms=took_ms,
        ip=ip,
        body=body or {},
        day=shanghai_day(at),
        at=at,
    )


def refuse_call(agreement: Agreement | None, denial: Denial, asked: Asked) -> Denied:
    """Log, audit, and the error to raise."""
    if denial in (Denial.NO_TOKEN, Denial.UNKNOWN_TOKEN) and _flooding(asked.ip):
        raise TooManyStrangers(_("Too many calls with an unknown token."))
    with transaction.atomic():
        note_call(
            agreement, asked.dataset_code, Way.API, Outcome.REFUSED, denial=denial, form=asked.form,
            ip=asked.ip,
        )  # fmt: skip
        audit(
            actor=None,
            action="datahub.share_call",
            target_ref=agreement.ref if agreement else f"datahub.dataset:{asked.dataset_code[:80]}",
            reason=denial.value,
            result="refused",
            ip=asked.ip,
            body={
                "dataset": asked.dataset_code[:80],
                "consumer": agreement.consumer_ref if agreement else "",
                "denial": denial.value,
            },
        )
    return Denied(denial)


def refuse_unclear(asked: Asked) -> None:
    """A call that cannot be understood: a stranger hears only that he is one, a consumer what is wrong.

    Raises Denied for the stranger; the caller then says what is wrong, and the call is written down.
    """
    agreement, denial = _find(asked)
    if denial is not None:
        raise refuse_call(agreement, denial, asked)
    note_call(
        agreement, asked.dataset_code, Way.API, Outcome.REFUSED, denial=Denial.BAD_REQUEST, form=asked.form,
        ip=asked.ip,
    )  # fmt: skip


def _flooding(ip: str | None) -> bool:
    """Whether an address has sent too many unknown tokens this minute; a dead cache counts nothing."""
    try:
        key = f"share:stranger:{ip}:{int(time.time() // 60)}"
        cache.add(key, 0, timeout=120)
        return int(cache.incr(key)) > STRANGERS_A_MINUTE
    except (RedisError, ValueError, OSError):
        return False
