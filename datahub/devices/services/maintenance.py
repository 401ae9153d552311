"""Announced work: its devices may be silent, and nobody is charged for it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from city.selectors import area, organisation
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.journal.services import audit

from ..models import Device, Maintenance
from ..policies import may_announce
from ..states import DeviceKind

if TYPE_CHECKING:
    from city.models import User

LONGEST = timedelta(days=31)  # longer work is a suspension, which the register itself says


@transaction.atomic
def announce_maintenance(
    *,
    owner_code: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    by: "User",
    area_code: str = "",
    kind: str = "",
    device_id: int | None = None,
) -> Maintenance:
    """Work that begins now or later: what was silent before it stays charged to its owner."""
    require(may_announce(by, owner_code))
    at = clock.now()
    problems = []
    if organisation(owner_code) is None:
        problems.append(Problem(None, "owner_code", _("No such organisation.")))
    if area_code and area(area_code) is None:
        problems.append(Problem(None, "area_code", _("No such area.")))
    if kind and kind not in DeviceKind.values:
        problems.append(Problem(None, "kind", _("No such kind of device.")))
    if device_id is not None and not Device.objects.filter(pk=device_id, owner_code=owner_code).exists():
        problems.append(Problem(None, "device", _("No such device of this owner.")))
    if not reason.strip():
        problems.append(Problem(None, "reason", _("Say what will be done.")))
    if starts_at < at - timedelta(minutes=5):
        problems.append(Problem(None, "starts_at", _("Maintenance is announced before it begins.")))
    if not starts_at < ends_at <= starts_at + LONGEST:
        problems.append(Problem(None, "ends_at", _("It ends after it begins, within 31 days.")))
    if problems:
        raise BadInput(problems)
    made = Maintenance.objects.create(
        owner_code=owner_code,
        area_code=area_code,
        kind=kind,
        device_id=device_id,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip()[:200],
        by=by,
        at=at,
    )
    audit(
        actor=by,
        action="datahub.announce_maintenance",
        target_ref=f"datahub.maintenance:{made.pk}",
        reason=made.reason,
        body={
            "owner": owner_code, "area": area_code, "kind": kind, "device": device_id,
            "from": starts_at.isoformat(), "until": ends_at.isoformat(),
        },
    )  # fmt: skip
    return made


@transaction.atomic
def cancel_maintenance(*, maintenance_id: int, by: "User") -> Maintenance:
    """It ends now, or never begins."""
    made = Maintenance.objects.select_for_update().get(pk=maintenance_id)
    require(may_announce(by, made.owner_code))
    if made.cancelled_at is not None:
        raise Conflict(_("This was cancelled already."))
    made.cancelled_at = clock.now()
    made.save(update_fields=["cancelled_at"])
    audit(actor=by, action="datahub.cancel_maintenance", target_ref=f"datahub.maintenance:{made.pk}")
    return made
