"""Who sees which order: rows are chosen by organisation and area in the query."""

import pytest
from django.contrib.auth.models import AnonymousUser

from city.roles import Role
from dispatch import services
from dispatch.models import Order
from tests.factories.city import CHONGCHUAN, CITY, RUDONG, OrganisationFactory, UserFactory
from tests.factories.dispatch import OrderFactory, dispatcher_of, officer_of, unit

pytestmark = pytest.mark.django_db


def seen_by(user) -> set[int]:
    return set(Order.objects.visible_to(user).values_list("pk", flat=True))


@pytest.fixture
def orders():
    return {
        "education": OrderFactory(org=unit(function="education")),
        "police": OrderFactory(org=unit(function="police")),
        "rudong": OrderFactory(org=unit(RUDONG, function="education")),
        "secret": OrderFactory(org=unit(function="justice"), confidential=True),
    }


def ids(orders, *names):
    return {orders[name].pk for name in names}


def test_an_officer_sees_the_own_unit_only_not_the_police_next_door_nor_another_county(orders):
    assert seen_by(officer_of(orders["education"].org)) == ids(orders, "education")
    assert seen_by(officer_of(orders["rudong"].org)) == ids(orders, "rudong")


def test_a_dispatcher_sees_the_area_confidential_ones_too(orders):
    assert seen_by(dispatcher_of(CHONGCHUAN)) == ids(orders, "education", "police", "secret")
    assert seen_by(dispatcher_of(CITY)) == ids(orders, "education", "police", "secret", "rudong")


@pytest.mark.parametrize("role", [Role.LEADER, Role.SUPERVISOR])
def test_leaders_see_the_area_without_confidential_orders(orders, role):
    assert seen_by(UserFactory(roles=[(role, CHONGCHUAN)])) == ids(orders, "education", "police")


@pytest.mark.parametrize(
    "role", [Role.OPERATOR, Role.GRID_WORKER, Role.ANALYST, Role.STEWARD, Role.SYSTEM_ADMIN]
)
def test_other_roles_see_none(orders, role):
    assert seen_by(UserFactory(roles=[(role, CITY)])) == set()


def test_nobody_sees_without_login(orders):
    assert seen_by(AnonymousUser()) == set()


def test_a_lead_unit_sees_the_orders_it_passed_on_and_the_helper_only_its_own(orders):
    lead = orders["education"]
    officer, helper = officer_of(lead.org), unit()
    services.sign_order(order_id=lead.pk, by=officer)
    child = services.open_assist(order_id=lead.pk, by=officer, org_id=helper.pk, task="x")
    assert seen_by(officer) == {lead.pk, child.pk}
    assert seen_by(officer_of(helper)) == {child.pk}


def test_people_of_the_accused_unit_see_nothing_of_it_in_any_role():
    accused = OrganisationFactory(code="accused", area_code=CITY, kind="command_centre")
    order = OrderFactory(confidential=True, accused_org_id=accused.pk)
    commander = UserFactory(roles=[(Role.DISPATCHER, CITY)], organisation=accused)
    two_hats = UserFactory(roles=[(Role.OFFICER, CITY, accused), (Role.OFFICER, CHONGCHUAN, order.org)])
    assert seen_by(commander) == set()
    assert seen_by(two_hats) == set()
    assert seen_by(officer_of(order.org)) == {order.pk}
