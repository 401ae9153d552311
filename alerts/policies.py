"""Who may do what with detectors and alerts. Which rows one sees is the queryset's business."""

from __future__ import annotations

from typing import TYPE_CHECKING

from city.grants import areas_of
from city.roles import Role
from commandcenter.core.codes import within

from .models import Alert, Detector

if TYPE_CHECKING:
    from city.models import User


def may_judge(user: User, alert: Alert) -> bool:
    """Give a verdict: an analyst of the area; a dispatcher on what is no trial."""
    roles = [Role.ANALYST] if alert.trial else [Role.ANALYST, Role.DISPATCHER]
    return any(within(alert.area_code, top) for top in areas_of(user, *roles))


def may_dispatch(user: User, alert: Alert) -> bool:
    """Send an order out for a real alert."""
    tops = areas_of(user, Role.ANALYST, Role.DISPATCHER)
    return not alert.trial and any(within(alert.area_code, top) for top in tops)


def may_edit(user: User, detector: Detector) -> bool:
    """Try, revise, switch on and off: an analyst of the whole area that the detector speaks for."""
    return any(within(detector.default_area, top) for top in areas_of(user, Role.ANALYST))


def may_approve(user: User, detector: Detector) -> bool:
    """A second person: an analyst or supervisor of the area who did not propose this version."""
    tops = areas_of(user, Role.ANALYST, Role.SUPERVISOR, Role.LEADER)
    return user.pk != detector.proposed_by_id and any(within(detector.default_area, top) for top in tops)
