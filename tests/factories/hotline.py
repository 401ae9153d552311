"""Tickets for tests, taken by the real service: `TicketFactory(state="awaiting_callback")`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from city.models import Organisation, User
from city.roles import Role
from commandcenter.core import clock
from commandcenter.journal.models import Event
from hotline import services, tasks
from hotline.classify.rules import forget_tree
from hotline.models import Category, Ticket
from hotline.services.categories import load_categories, load_knowledge
from tests.factories.city import CHONGCHUAN, CITY, RUDONG, AreaFactory, OrganisationFactory, UserFactory
from tests.factories.dispatch import dispatcher_of, officer_of

__all__ = ["CHONGCHUAN", "CITY", "RUDONG", "dispatcher_of", "officer_of"]

MORNING = datetime(2026, 6, 10, 2, 0, tzinfo=UTC)  # Wednesday, 10:00 in Shanghai
PHONE = "13800138000"
TITLE = "小区楼下烧烤店夜里油烟很大"
CONTENT = "人民路与青年路口的烧烤店每天夜里油烟扰民，我的电话13900139000，请尽快处理。"


def make_city() -> None:
    """The city with two counties."""
    AreaFactory(code=CITY, name="南通市")
    AreaFactory(code=CHONGCHUAN, name="崇川区", short_name="崇川")
    AreaFactory(code=RUDONG, name="如东县", short_name="如东")


def load_tree() -> None:
    """The real categories and knowledge."""
    load_categories()
    load_knowledge()
    forget_tree()


def operator_of(area_code: str = CITY) -> User:
    return UserFactory(roles=[(Role.OPERATOR, area_code)], area_code=area_code)


def leader_of(area_code: str = CITY) -> User:
    return UserFactory(roles=[(Role.LEADER, area_code)], area_code=area_code)


def unit_of(area_code: str = CHONGCHUAN, function: str = "urban_mgmt", **kwargs: Any) -> Organisation:
    return OrganisationFactory(area_code=area_code, function=function, **kwargs)


def category(code: str = "0706") -> Category:
    parent, _made = Category.objects.get_or_create(code=code[:2], defaults={"name": "市容环境"})
    made = {"name": "油烟扰民", "parent": parent, "function": "urban_mgmt", "keywords": ["油烟", "烧烤"]}
    row, _made = Category.objects.get_or_create(code=code, defaults=made)
    forget_tree()
    return row


def TicketFactory(  # noqa: N802
    *,
    state: str = "new",
    by: User | None = None,
    org: Organisation | None = None,
    at: datetime = MORNING,
    **kwargs: Any,
) -> Ticket:
    """A ticket that came to `state` by its real moves."""
    make_city()
    by = by or operator_of()
    given = {"title": TITLE, "content": CONTENT, "area_code": CHONGCHUAN, "caller_phone": PHONE} | kwargs
    given.setdefault("caller_name", "张三丰")
    with clock.at(at):
        ticket = services.take_ticket(by=by, **given)
        if state == "answered":
            services.answer_ticket(ticket_id=ticket.pk, reply="已告知", by=by)
        elif state == "rejected":
            services.reject_ticket(ticket_id=ticket.pk, ground="court", by=by)
        elif state == "awaiting_dispatch":
            services.queue_ticket(ticket_id=ticket.pk, by=by)
        elif state in ("dispatched", "awaiting_callback", "closed"):
            services.dispatch_ticket(ticket_id=ticket.pk, org_id=(org or unit_of()).pk, by=by)
        if state in ("awaiting_callback", "closed"):
            close_order(ticket)
        if state == "closed":
            call_back(ticket, by=by)
    ticket.refresh_from_db()
    return ticket


def close_order(ticket: Ticket) -> None:
    """The unit signs and handles, a dispatcher checks; the ticket hears of it."""
    from dispatch import services as orders

    ticket.refresh_from_db()
    officer = officer_of(ticket.org)
    orders.sign_order(order_id=ticket.order_id, by=officer)
    orders.handle_order(order_id=ticket.order_id, by=officer, result="已责令加装油烟净化装置")
    orders.check_order(order_id=ticket.order_id, by=dispatcher_of(), passed=True)
    hear(ticket)


def hear(ticket: Ticket) -> None:
    """Tell the ticket all news of its orders, as the journal does; it only reads settled transactions."""
    for event in Event.objects.filter(kind="dispatch.order.moved", body__case_ref=ticket.ref).order_by("pk"):
        tasks.follow_order(payload={**event.body, "event_id": event.pk, "kind": event.kind})


def call_back(ticket: Ticket, by: User, **kwargs: Any) -> Ticket:
    said = {"contacted": True, "solved": "yes", "satisfied": "satisfied", "note": ""} | kwargs
    return services.record_call_back(ticket_id=ticket.pk, by=by, **said)
