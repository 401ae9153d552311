"""People, places and cases for the dashboards' tests; cases are made by the real services."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from city.models import Organisation, User
from city.roles import Role
from dispatch import services as orders
from hotline import services as tickets
from tests.factories.city import (
    CHONGCHUAN,
    CITY,
    RUDONG,
    AreaFactory,
    OrganisationFactory,
    UserFactory,
    square,
)


@dataclass
class People:
    leader: User
    operator: User
    dispatcher: User
    officer: User
    other_officer: User
    county_leader: User
    unit: Organisation
    other_unit: Organisation


def make_city() -> People:
    """A city with two counties; a unit and its officer in each."""
    AreaFactory(code=CITY, name="南通市", polygon=square(120.8, 31.8, 0.6))
    AreaFactory(code=CHONGCHUAN, name="崇川区", polygon=square(120.8, 31.9))
    AreaFactory(code=RUDONG, name="如东县", polygon=square(121.0, 32.2))
    AreaFactory(code=f"{CHONGCHUAN}001", name="城东街道", polygon=square(120.8, 31.9, 0.05))
    unit = OrganisationFactory(code="320613-zj", area_code=CHONGCHUAN, function="housing")
    other = OrganisationFactory(code="320623-zj", area_code=RUDONG, function="housing")
    return People(
        leader=UserFactory(roles=[(Role.LEADER, CITY)]),
        operator=UserFactory(roles=[(Role.OPERATOR, CITY)]),
        dispatcher=UserFactory(roles=[(Role.DISPATCHER, CITY)]),
        officer=UserFactory(roles=[(Role.OFFICER, CHONGCHUAN, unit)], organisation=unit),
        other_officer=UserFactory(roles=[(Role.OFFICER, RUDONG, other)], organisation=other),
        county_leader=UserFactory(roles=[(Role.LEADER, CHONGCHUAN)]),
        unit=unit,
        other_unit=other,
    )


def take(people: People, *, area: str = f"{CHONGCHUAN}001", **more: Any) -> Any:
    given = {"title": "路灯不亮", "content": "人民路 5 号门前路灯一周不亮", "area_code": area} | more
    return tickets.take_ticket(by=people.operator, **given)


def whole_case(people: People, **more: Any) -> SimpleNamespace:
    """A ticket that was dispatched, signed, handled and checked; it waits for the call-back after a pump."""
    ticket = take(people, **more)
    ticket = tickets.dispatch_ticket(ticket_id=ticket.pk, org_id=people.unit.pk, by=people.operator)
    orders.sign_order(order_id=ticket.order_id, by=people.officer)
    if ticket.order.contact_needed:
        orders.contact_caller(order_id=ticket.order_id, by=people.officer, outcome="reached")
    orders.handle_order(order_id=ticket.order_id, by=people.officer, result="已更换灯泡", solved="yes")
    orders.check_order(order_id=ticket.order_id, by=people.dispatcher, passed=True)
    return SimpleNamespace(ticket=ticket, order_id=ticket.order_id)
