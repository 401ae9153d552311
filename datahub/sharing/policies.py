"""Who may apply, check, decide and stop; and which part of the platform may read what."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from city.roles import Role
from city.selectors import areas_of, organisation
from commandcenter.core import clock
from commandcenter.core.codes import within
from datahub.models import Dataset
from datahub.states import PrivacyClass, ShareType

from .models import Agreement
from .querysets import officer_orgs
from .states import ENDED, AgreementState, ConsumerKind

PREVIEW = "datahub.preview:sample"


def steward_of(user: Any, dataset: Dataset) -> bool:
    """The data bureau's steward for the dataset's area."""
    tops = areas_of(user, Role.STEWARD)
    return bool(tops) and (not dataset.area_code or any(within(dataset.area_code, top) for top in tops))


def speaks_for_provider(user: Any, dataset: Dataset) -> bool:
    """An officer of the organisation that provides it; the steward where no such organisation is known."""
    if dataset.provider and dataset.provider in officer_orgs(user):
        return True
    return steward_of(user, dataset) and (not dataset.provider or organisation(dataset.provider) is None)


def speaks_for_consumer(user: Any, agreement: Agreement) -> bool:
    if agreement.consumer_kind != ConsumerKind.ORGANISATION and agreement.applied_by_id == user.pk:
        return True
    return bool(agreement.consumer_org) and agreement.consumer_org in officer_orgs(user)


def may_see_sharing(user: Any) -> bool:
    return bool(
        user.is_authenticated
        and user.has_role(Role.STEWARD, Role.OFFICER, Role.ANALYST, Role.LEADER, Role.SUPERVISOR)
    )


def may_apply(user: Any, org_code: str) -> bool:
    """Any organisation's officer, for his own organisation."""
    return bool(user.is_authenticated) and org_code in officer_orgs(user)


def may_apply_in_its_name(user: Any, consumer_ref: str) -> bool:
    """An analyst for a detector or a figure, the steward for a peer; others apply through their officers."""
    if not user.is_authenticated:
        return False
    if kind_of(consumer_ref) == ConsumerKind.PEER:
        return bool(user.has_role(Role.STEWARD))
    return kind_of(consumer_ref) == ConsumerKind.PLATFORM and bool(user.has_role(Role.ANALYST))


def kind_of(consumer_ref: str) -> str:
    if consumer_ref.startswith("datahub.peer:"):
        return ConsumerKind.PEER
    platform = consumer_ref.startswith(("alerts.", "dashboards.", "datahub.preview:", "datahub.quality:"))
    return ConsumerKind.PLATFORM if platform else ConsumerKind.ORGANISATION


def may_check(user: Any, agreement: Agreement) -> bool:
    return bool(user.is_authenticated) and steward_of(user, agreement.dataset)


def may_decide(user: Any, agreement: Agreement) -> bool:
    return bool(user.is_authenticated) and speaks_for_provider(user, agreement.dataset)


def may_stop(user: Any, agreement: Agreement) -> bool:
    """The provider, the steward, and the consumer himself."""
    return bool(user.is_authenticated) and (
        steward_of(user, agreement.dataset)
        or speaks_for_provider(user, agreement.dataset)
        or speaks_for_consumer(user, agreement)
    )


def may_use(user: Any, agreement: Agreement) -> bool:
    """Take the token, set a webhook, report what came of it: the consumer."""
    return bool(user.is_authenticated) and speaks_for_consumer(user, agreement)


# ---------------------------------------------------------------- parts of the platform


def grant_for(dataset_code: str, consumer_ref: str, *, at: datetime | None = None) -> Agreement | None:
    """The live grant under which this consumer reads this dataset; None without one."""
    live = Agreement.objects.live(at=at or clock.now())
    found: Agreement | None = (
        live.filter(dataset__code=dataset_code, consumer_ref=consumer_ref)
        .select_related("dataset")
        .order_by("-pk")
        .first()
    )
    return found


def may_read(dataset_code: str, consumer_ref: str, columns: Collection[str] = ()) -> bool:
    """Whether a detector, figure or preview may read these columns now."""
    return not unread(dataset_code, {consumer_ref: columns})


def is_open_to_all(dataset_code: str) -> bool:
    """Shared unconditionally and without personal data."""
    dataset = Dataset.objects.filter(code=dataset_code).only("share_type", "privacy_class").first()
    return dataset is not None and _everybodys(dataset)


def _everybodys(dataset: Dataset) -> bool:
    plain = (PrivacyClass.NONE, PrivacyClass.INTERNAL)
    return dataset.share_type == ShareType.UNCONDITIONAL and dataset.privacy_class in plain


def unread(dataset_code: str, wanted: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Consumers that may not read their columns now -> why. Two queries, however many consumers.

    A live grant is needed. Without any agreement at all only what everybody may have is open: a dataset
    shared unconditionally, without personal data. Once a grant was stopped or ran out, that is final.
    """
    if not wanted:
        return {}
    at = clock.now()
    dataset = Dataset.objects.filter(code=dataset_code).only("share_type", "privacy_class").first()
    if dataset is None:
        return dict.fromkeys(wanted, "unknown_dataset")
    rows = Agreement.objects.filter(
        dataset=dataset, consumer_ref__in=list(wanted), state__in=[AgreementState.GRANTED, *ENDED]
    ).values_list("consumer_ref", "state", "expires_at", "columns")
    granted: dict[str, set[str]] = {}
    known: set[str] = set()
    for ref, state, expires_at, columns in rows:
        known.add(ref)
        if state == AgreementState.GRANTED and (expires_at is None or expires_at > at):
            granted.setdefault(ref, set()).update(columns)
    everybodys = _everybodys(dataset)
    found: dict[str, str] = {}
    for ref, columns in wanted.items():
        if ref in granted:
            missing = sorted(set(columns) - granted[ref])
            if missing:
                found[ref] = "columns: " + ", ".join(missing)
        elif ref in known:
            found[ref] = "ended"
        elif not everybodys:
            found[ref] = "no_grant"
    return found


def is_platform(agreement: Agreement) -> bool:
    return agreement.consumer_kind == ConsumerKind.PLATFORM
