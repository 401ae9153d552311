"""The administrators' pages: rules for the system administrator, a look for the auditor, nothing else."""

import pytest

from dispatch.models import ClockRule
from tests.factories.city import UserFactory
from tests.factories.dispatch import OrderFactory

pytestmark = pytest.mark.django_db
RULES, ORDERS, MOVES = "/admin/dispatch/clockrule/", "/admin/dispatch/order/", "/admin/dispatch/ordermove/"


@pytest.mark.parametrize(
    ("role", "seen"),
    [("system_admin", {RULES}), ("security_admin", set()), ("audit_admin", {ORDERS, MOVES})],
)
def test_each_administrator_sees_the_own_pages(client, role, seen):
    client.force_login(UserFactory(may=[role]))
    assert {url for url in (RULES, ORDERS, MOVES) if client.get(url).status_code == 200} == seen


def test_the_auditor_reads_no_words_of_the_citizen_and_changes_nothing(client):
    order = OrderFactory(title="Street lamp out")
    client.force_login(UserFactory(may=["audit_admin"]))
    page = client.get(f"{ORDERS}{order.pk}/change/").content.decode()
    assert order.number in page
    assert "Street lamp out" not in page
    client.post(f"{ORDERS}{order.pk}/change/", {"state": "closed"})
    order.refresh_from_db()
    assert order.state == "dispatched"


def test_a_rule_that_the_administrator_writes_is_for_orders_to_come(client):
    before = OrderFactory()
    client.force_login(UserFactory(may=["system_admin"]))
    answer = client.post(
        f"{RULES}add/", {"clock": "sign", "amount": "60", "unit": "working_minutes", "active": "on"}
    )
    assert (answer.status_code, ClockRule.objects.count()) == (302, 1)
    after = OrderFactory()
    assert after.sign_due_at < before.sign_due_at
    before.refresh_from_db()
    assert before.clocks["sign"]["amount"] == 240
