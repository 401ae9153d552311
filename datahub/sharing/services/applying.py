"""From an application to its grant or refusal."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, DomainError, Problem, require
from commandcenter.core.refs import make_ref
from commandcenter.core.times import shanghai_day
from commandcenter.journal.services import audit
from datahub.models import Dataset, Delivery
from datahub.selectors import dataset as find_dataset
from datahub.selectors import spec_for
from datahub.states import DatasetStatus, DeliveryState, ShareType

from ..clocks import check_due, decision_due
from ..models import Agreement
from ..policies import kind_of, may_apply, may_apply_in_its_name, may_check, may_decide, may_use
from ..states import AgreementState
from ..terms import Terms, terms_of
from ._moving import locked, move, tell, write

if TYPE_CHECKING:
    from city.models import User


class NotShared(DomainError):
    """The dataset is of the kind that is not shared; the message says on which basis."""

    code = "not_shared"


def apply_for(
    *,
    dataset_code: str,
    by: "User",
    org_code: str,
    purpose: str,
    legal_basis: str,
    columns: Iterable[str],
    until: datetime,
    row_filter: Iterable[Mapping[str, Any]] = (),
    quota_calls: int | None = None,
    consumer_ref: str = "",
) -> Agreement:
    """Send an application in; its formal check is due within the limit.

    consumer_ref: a part of the platform (a detector, a figure) or a peer, applied for in its name.

    Raises NotShared, BadInput, Conflict where the same organisation waits for the same dataset already.
    """
    require(may_apply_in_its_name(by, consumer_ref) if consumer_ref else may_apply(by, org_code))
    at = clock.now()
    dataset = find_dataset(dataset_code)
    if dataset.share_type == ShareType.NONE:
        basis = share_basis(dataset)
        audit(
            actor=by,
            action="datahub.apply_for",
            target_ref=dataset.ref,
            reason=basis,
            result="refused",
            body={"org": org_code},
        )
        raise NotShared(_("This dataset is not shared. Basis: %(basis)s") % {"basis": basis})
    terms = _checked(dataset, org_code, purpose, legal_basis, columns, row_filter, until, at)
    return _create(
        dataset=dataset,
        by=by,
        at=at,
        terms=terms,
        consumer_kind=kind_of(consumer_ref),
        consumer_ref=consumer_ref or make_ref("city.organisation", org_code),
        consumer_org=org_code,
        purpose=purpose.strip(),
        legal_basis=legal_basis.strip(),
        quota_calls=quota_calls,
        asked_until=until,
    )


def share_basis(dataset: Dataset) -> str:
    """Why a dataset is shared as it is, as the catalogue says."""
    return getattr(dataset, "share_basis", "") or _("the catalogue names none; ask its provider")


def _checked(
    dataset: Dataset,
    org_code: str,
    purpose: str,
    legal_basis: str,
    columns: Iterable[str],
    row_filter: Iterable[Mapping[str, Any]],
    until: datetime,
    at: datetime,
) -> Terms:
    problems = []
    if dataset.status != DatasetStatus.PUBLISHED:
        problems.append(Problem(None, "dataset", _("The dataset is not published.")))
    if dataset.provider and dataset.provider == org_code:
        problems.append(Problem(None, "dataset", _("Your organisation provides this dataset itself.")))
    if not purpose.strip():
        problems.append(Problem(None, "purpose", _("Say what the data is needed for.")))
    if not legal_basis.strip():
        problems.append(Problem(None, "legal_basis", _("Name the legal basis.")))
    if until <= at:
        problems.append(Problem(None, "until", _("The end lies in the past.")))
    if problems:
        raise BadInput(problems)
    return terms_of(spec_for(dataset), columns=columns, rows=row_filter)


@transaction.atomic
def _create(*, dataset: Dataset, by: "User", at: datetime, terms: Terms, **values: Any) -> Agreement:
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    own = Agreement.objects.open().filter(dataset=dataset, consumer_ref=values["consumer_ref"])
    if own.exists():
        raise Conflict(_("An application of yours for this dataset is under way."))
    agreement = Agreement.objects.create(
        number=uuid.uuid4().hex[:24],
        dataset=dataset,
        columns=list(terms.columns),
        row_filter=[c.model_dump(mode="json") for c in terms.rows],
        mounted=is_mounted(dataset),
        applied_by=by,
        applied_at=at,
        clock_since=at,
        due_at=check_due(at),
        **values,
    )
    give_number(agreement, at)
    write(agreement, "apply", "", at=at, by=by, note=agreement.purpose)
    tell(agreement, "apply", "", at=at)
    audit(
        actor=by,
        action="datahub.apply_for",
        target_ref=agreement.ref,
        reason=agreement.purpose,
        body={"dataset": dataset.code, "for": agreement.consumer_ref, "columns": agreement.columns},
    )
    return agreement


def give_number(agreement: Agreement, at: datetime) -> None:
    agreement.number = f"GX-{shanghai_day(at).year}-{agreement.pk:06d}"
    agreement.save(update_fields=["number"])


def is_mounted(dataset: Dataset) -> bool:
    """Whether there is a resource behind the catalogue's entry: something was delivered."""
    return Delivery.objects.filter(dataset=dataset, state=DeliveryState.COMMITTED).exists()


@transaction.atomic
def return_application(*, agreement_id: int, by: "User", note: str) -> Agreement:
    """Something is missing: back to the applicant, and the clock stands still."""
    agreement = locked(agreement_id)
    require(may_check(by, agreement))
    needed(note, "note", _("Say what is missing."))
    move(agreement, "return", at=clock.now(), by=by, note=note, due_at=None, clock_since=None)
    return agreement


@transaction.atomic
def complete_application(
    *, agreement_id: int, by: "User", purpose: str, legal_basis: str, columns: Iterable[str], note: str = ""
) -> Agreement:
    """The applicant mends it; the formal check begins anew."""
    agreement = locked(agreement_id)
    require(may_use(by, agreement))
    needed(purpose, "purpose", _("Say what the data is needed for."))
    needed(legal_basis, "legal_basis", _("Name the legal basis."))
    terms = terms_of(spec_for(agreement.dataset), columns=columns, rows=agreement.row_filter)
    at = clock.now()
    move(
        agreement, "complete", at=at, by=by, note=note, purpose=purpose.strip(),
        legal_basis=legal_basis.strip(), columns=list(terms.columns), clock_since=at, due_at=check_due(at),
        escalated_at=None,
    )  # fmt: skip
    return agreement


@transaction.atomic
def pass_check(*, agreement_id: int, by: "User", note: str = "") -> Agreement:
    """The formal check is passed: unconditional data is granted at once, the rest goes to its provider."""
    agreement = locked(agreement_id)
    require(may_check(by, agreement))
    at = clock.now()
    dataset = agreement.dataset
    if dataset.share_type == ShareType.NONE:
        raise NotShared(_("This dataset is not shared. Basis: %(basis)s") % {"basis": share_basis(dataset)})
    if dataset.share_type == ShareType.UNCONDITIONAL:
        return _grant(agreement, "grant_directly", by, note, at, agreement.asked_until or at)
    mounted = is_mounted(dataset)
    move(
        agreement, "pass_check", at=at, by=by, note=note, mounted=mounted, clock_since=at,
        due_at=decision_due(at, mounted=mounted), escalated_at=None,
    )  # fmt: skip
    return agreement


@transaction.atomic
def grant(
    *,
    agreement_id: int,
    by: "User",
    note: str = "",
    columns: Iterable[str] | None = None,
    row_filter: Iterable[Mapping[str, Any]] | None = None,
    masking: Mapping[str, str] | None = None,
    quota_calls: int | None = None,
    until: datetime | None = None,
) -> Agreement:
    """The provider agrees, to no more than was asked: fewer columns, more conditions, an earlier end."""
    agreement = locked(agreement_id)
    require(may_decide(by, agreement))
    at = clock.now()
    chosen = list(agreement.columns) if columns is None else list(columns)
    beyond = [name for name in chosen if name not in agreement.columns]
    if beyond:
        raise BadInput([Problem(None, name, _("This column was not applied for.")) for name in beyond])
    end = min(filter(None, (until, agreement.asked_until)))
    if end <= at:
        raise BadInput(Problem(None, "until", _("The end lies in the past.")))
    rows = [*agreement.row_filter, *(row_filter or ())]
    terms = terms_of(spec_for(agreement.dataset), columns=chosen, rows=rows, masks=masking)
    agreement.columns = list(terms.columns)
    agreement.row_filter = [c.model_dump(mode="json") for c in terms.rows]
    agreement.masking = terms.masks
    agreement.quota_calls = min(filter(None, (quota_calls, agreement.quota_calls)), default=None)
    agreement.save(update_fields=["columns", "row_filter", "masking", "quota_calls"])
    return _grant(agreement, "grant", by, note, at, end)


def _grant(
    agreement: Agreement, action: str, by: "User", note: str, at: datetime, until: datetime
) -> Agreement:
    move(
        agreement, action, at=at, by=by, note=note, granted_at=at, expires_at=until, due_at=None,
        clock_since=None,
        body={"columns": agreement.columns, "rows": agreement.row_filter, "masking": agreement.masking},
    )  # fmt: skip
    audit(
        actor=by,
        action="datahub.grant",
        target_ref=agreement.ref,
        reason=note,
        body={
            "dataset": agreement.dataset.code,
            "consumer": agreement.consumer_ref,
            "columns": agreement.columns,
            "until": until.isoformat(),
        },
    )
    return agreement


@transaction.atomic
def refuse_application(*, agreement_id: int, by: "User", note: str) -> Agreement:
    """With the reason, by whoever has it on his desk."""
    agreement = locked(agreement_id)
    at_check = agreement.state == AgreementState.APPLIED
    require(may_check(by, agreement) if at_check else may_decide(by, agreement))
    needed(note, "note", _("A refusal needs its reason."))
    move(
        agreement, "refuse", at=clock.now(), by=by, note=note, reason=note.strip(), due_at=None,
        clock_since=None,
    )  # fmt: skip
    audit(actor=by, action="datahub.refuse_application", target_ref=agreement.ref, reason=note)
    return agreement


@transaction.atomic
def withdraw_application(*, agreement_id: int, by: "User", note: str = "") -> Agreement:
    agreement = locked(agreement_id)
    require(may_use(by, agreement))
    move(agreement, "withdraw", at=clock.now(), by=by, note=note, due_at=None, clock_since=None)
    return agreement


def needed(text: str, field: str, why: str) -> None:
    if not text.strip():
        raise BadInput(Problem(None, field, why))
