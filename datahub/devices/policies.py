"""Who may do what with devices. Whoever may not see one never gets this far (404)."""

from typing import Any

from city.roles import Role
from city.selectors import areas_of
from commandcenter.core.codes import within
from datahub.sharing.querysets import officer_orgs

from .models import Device, Fault, Maintenance
from .querysets import AREA_ROLES


def _in_area(user: Any, area_code: str, *roles: Role) -> bool:
    tops = areas_of(user, *roles)
    return any(within(area_code, top) for top in tops)


def may_see_devices(user: Any) -> bool:
    return bool(user.is_authenticated and user.has_role(*AREA_ROLES, Role.OFFICER))


def is_owner(user: Any, thing: Device | Fault | Maintenance) -> bool:
    """An officer of the organisation that answers for it."""
    return thing.owner_code in officer_orgs(user)


def may_import(user: Any) -> bool:
    """Deliver the register, name datasets of readings, give out keys: the data steward."""
    return bool(user.is_authenticated and user.has_role(Role.STEWARD))


def may_work_fault(user: Any, fault: Fault) -> bool:
    """Acknowledge it, say that it is repaired. Where an order was sent, signing and handling that one do."""
    if not user.is_authenticated or fault.order_id is not None:
        return False
    return is_owner(user, fault) or _in_area(user, fault.area_code, Role.STEWARD)


def may_announce(user: Any, owner_code: str) -> bool:
    """Announce maintenance: the owner, or the steward for him."""
    return bool(user.is_authenticated) and (
        owner_code in officer_orgs(user) or bool(areas_of(user, Role.STEWARD))
    )


def may_register_stream(user: Any, device: Device) -> bool:
    return bool(user.is_authenticated) and (
        is_owner(user, device) or _in_area(user, device.area_code, Role.STEWARD)
    )


def may_open_stream(user: Any, device: Device) -> bool:
    """The owner's officers, dispatchers and leaders of the area. A steward keeps the register and sees no
    pictures."""
    return bool(user.is_authenticated) and (
        is_owner(user, device)
        or _in_area(user, device.area_code, Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR)
    )
