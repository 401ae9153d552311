"""Who may do what with an order. A person who may not see it never gets this far (404)."""

from typing import TYPE_CHECKING

from city.roles import Role
from city.selectors import areas_of, org_ids_of
from commandcenter.core.codes import within

from .models import Order

if TYPE_CHECKING:
    from city.models import User


def _stands_with_accused(user: "User", order: Order) -> bool:
    accused = order.accused_org_id
    return accused is not None and (user.organisation_id == accused or accused in org_ids_of(user))


def is_unit(user: "User", order: Order) -> bool:
    """An officer of the unit whose duty the order is."""
    return order.org_id in org_ids_of(user, Role.OFFICER) and not _stands_with_accused(user, order)


def is_parent_unit(user: "User", order: Order) -> bool:
    """An officer of the unit that called in or passed down to this one."""
    parent = order.parent
    return parent is not None and is_unit(user, parent)


def is_command(user: "User", order: Order) -> bool:
    """A dispatcher of an area that holds the order's."""
    return any(within(order.area_code, top) for top in areas_of(user, Role.DISPATCHER)) and not (
        _stands_with_accused(user, order)
    )


def may_handle(user: "User", order: Order) -> bool:
    """Sign, contact, handle, and ask for a return, an extension or a hold."""
    return is_unit(user, order)


def may_check(user: "User", order: Order) -> bool:
    """A dispatcher or the unit above, never the person who handled it."""
    if order.handled_by_id == user.pk:
        return False
    return is_command(user, order) or is_parent_unit(user, order)


def may_rule(user: "User", order: Order) -> bool:
    """Decide on a return, an extension or a hold: the centre only (domain facts 1.4)."""
    return is_command(user, order)


def may_redo(user: "User", order: Order) -> bool:
    """Dispatchers, and the desk that learns from the citizen that nothing was solved."""
    desks = areas_of(user, Role.OPERATOR)
    return is_command(user, order) or any(within(order.area_code, top) for top in desks)


def may_release(user: "User", order: Order) -> bool:
    return is_unit(user, order) or is_command(user, order)


def may_share(user: "User", order: Order) -> bool:
    """Call in an assisting unit or pass the order down."""
    return is_unit(user, order) or is_command(user, order)


def may_exclude(user: "User", order: Order) -> bool:
    """Take an order out of accountability items: supervisors of the area, never of the own unit."""
    tops = areas_of(user, Role.SUPERVISOR)
    return any(within(order.area_code, top) for top in tops) and user.organisation_id != order.org_id


def may_cancel(user: "User", order: Order) -> bool:
    return is_command(user, order)
