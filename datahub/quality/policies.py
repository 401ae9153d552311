"""Who may acknowledge, mend, close; who may ask for a correction and who decides it."""

from typing import Any

from city.roles import Role
from city.selectors import areas_of
from commandcenter.core import clock
from commandcenter.core.codes import within
from datahub.models import Dataset
from datahub.sharing.models import Agreement
from datahub.sharing.policies import speaks_for_provider, steward_of
from datahub.sharing.querysets import officer_orgs

from .models import CorrectionRequest, Incident


def may_see_quality(user: Any) -> bool:
    return bool(user.is_authenticated and user.has_role(Role.STEWARD, Role.OFFICER))


def may_work_incident(user: Any, incident: Incident) -> bool:
    """Acknowledge, mend, report as mended: the owner's officers, and the steward in their place."""
    return bool(user.is_authenticated) and (
        (bool(incident.org_code) and incident.org_code in officer_orgs(user))
        or may_close_incident(user, incident)
    )


def may_close_incident(user: Any, incident: Incident) -> bool:
    """Close what is not mended: the data bureau only, so that no owner waves himself through."""
    if not user.is_authenticated:
        return False
    tops = areas_of(user, Role.STEWARD)
    return bool(tops) and (not incident.area_code or any(within(incident.area_code, top) for top in tops))


def may_change_rules(user: Any, dataset: Dataset) -> bool:
    return bool(user.is_authenticated) and steward_of(user, dataset)


def may_decide_correction(user: Any, correction: CorrectionRequest) -> bool:
    return bool(user.is_authenticated) and speaks_for_provider(user, correction.dataset)


def may_ask_correction(user: Any, dataset: Dataset) -> bool:
    """Whoever sees the dataset, and officers of an organisation that has it under a grant or provides it."""
    if not user.is_authenticated:
        return False
    if Dataset.objects.visible_to(user).filter(pk=dataset.pk).exists():
        return True
    orgs = officer_orgs(user)
    if dataset.provider in orgs:
        return True
    live = Agreement.objects.live(at=clock.now())
    return bool(orgs) and live.filter(dataset=dataset, consumer_org__in=orgs).exists()


def may_withdraw_correction(user: Any, correction: CorrectionRequest) -> bool:
    return bool(user.is_authenticated) and (
        correction.asked_by_id == user.pk
        or (bool(correction.requester_org) and correction.requester_org in officer_orgs(user))
    )


def may_mend(user: Any, dataset: Dataset) -> bool:
    """Rejected rows: the steward of the dataset's area, and the officers of where they came from."""
    return bool(user.is_authenticated) and (
        steward_of(user, dataset) or (bool(dataset.provider) and dataset.provider in officer_orgs(user))
    )
