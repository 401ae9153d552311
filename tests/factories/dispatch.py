"""Orders for tests, opened by the real service: `OrderFactory(org=unit)`; `signed_by=officer` etc. move on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from city.models import Organisation, User
from city.roles import Role
from commandcenter.core import clock
from dispatch import services
from dispatch.models import Order
from tests.factories.city import CHONGCHUAN, CITY, OrganisationFactory, UserFactory

# Wednesday 2026-06-10, 10:00 in Shanghai: a plain working day.
MORNING = datetime(2026, 6, 10, 2, 0, tzinfo=UTC)


def unit(area_code: str = CHONGCHUAN, **kwargs: Any) -> Organisation:
    return OrganisationFactory(area_code=area_code, **kwargs)


def officer_of(org: Organisation) -> User:
    return UserFactory(roles=[(Role.OFFICER, org.area_code, org)], organisation=org, area_code=org.area_code)


def dispatcher_of(area_code: str = CITY) -> User:
    return UserFactory(roles=[(Role.DISPATCHER, area_code)], area_code=area_code)


def OrderFactory(  # noqa: N802
    *,
    org: Organisation | None = None,
    at: datetime = MORNING,
    state: str = "dispatched",
    officer: User | None = None,
    dispatcher: User | None = None,
    **kwargs: Any,
) -> Order:
    """An order that came to `state` by its real moves, all at the moment `at`."""
    org = org or unit()
    given: dict[str, Any] = {
        "kind": "ticket",
        "case_ref": "hotline.ticket:1",
        "title": "Street lamp out",
        "content": "The lamp before number 5 has been out for a week.",
        "area_code": org.area_code,
        "place": "Renmin Road 5",
    } | kwargs
    with clock.at(at):
        order = services.open_order(org_id=org.pk, **given)
        if state == "dispatched":
            return order
        officer = officer or officer_of(org)
        services.sign_order(order_id=order.pk, by=officer)
        if state == "return_review":
            services.request_return(order_id=order.pk, by=officer, reason="Not ours")
        if state == "held":
            from datetime import timedelta

            services.request_hold(
                order_id=order.pk,
                by=officer,
                reason="Frost",
                release_condition="Thaw",
                review_on=(at + timedelta(days=30)).date(),
            )
            services.decide_hold(order_id=order.pk, by=dispatcher or dispatcher_of(), granted=True)
        if state in ("handled", "closed"):
            services.handle_order(order_id=order.pk, by=officer, result="Replaced the bulb")
        if state == "closed":
            services.check_order(order_id=order.pk, by=dispatcher or dispatcher_of(), passed=True)
        if state == "cancelled":
            services.cancel_order(order_id=order.pk, by=None, reason="Sent twice", ground="duplicate")
        if state == "returned":
            services.request_return(order_id=order.pk, by=officer, reason="Not ours")
            services.rule_return(
                order_id=order.pk, by=dispatcher or dispatcher_of(), accepted=True, note="Right"
            )
    order.refresh_from_db()
    return order
