"""Verdicts, dispatch by a person, and what the order's end does to the alert."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from alerts import services
from alerts.models import Alert, AlertEvidence, AlertMove
from commandcenter.core import clock
from commandcenter.core.errors import DomainError, IllegalMove
from commandcenter.journal.models import AuditEntry, Event
from dispatch import services as orders
from dispatch.models import Order
from tests.factories.alerts import NOW, OZONE, air, bring, switch
from tests.factories.city import CHONGCHUAN, RUDONG, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def raised(city, noon):
    """A real alert that waits for a person."""
    switch(OZONE, "live", city, auto_dispatch_from=None)
    bring(air([210]))
    return Alert.objects.get()


@pytest.fixture
def officer(city):
    return UserFactory(
        roles=[("officer", CHONGCHUAN, city["county_office"])], organisation=city["county_office"]
    )


@pytest.fixture
def dispatcher(city):
    return UserFactory(username="dispatcher", may=["dispatcher"])


def actions(alert):
    return list(alert.moves.values_list("action", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_verdict_then_an_order_then_its_end(city, raised, officer, dispatcher, pump):
    services.verify_alert(alert_id=raised.pk, by=city["analyst"], verdict="true", note="确有超标")
    order = services.dispatch_alert(alert_id=raised.pk, by=city["analyst"], note="请核查")
    assert (order.org, order.level, order.case_ref) == (city["county_office"], 3, raised.ref)
    assert "210.0" in order.content
    with clock.at(NOW + timedelta(minutes=20)):
        orders.sign_order(order_id=order.pk, by=officer)
        orders.handle_order(order_id=order.pk, by=officer, result="已停产整改")
        orders.check_order(order_id=order.pk, by=dispatcher, passed=True, note="属实")
        pump()
    raised.refresh_from_db()
    assert (raised.state, raised.verdict) == ("resolved", "true")
    assert actions(raised) == ["raise", "verify", "dispatch", "resolve"]
    assert AuditEntry.objects.filter(action="alerts.verify_alert", target_ref=raised.ref).exists()


def test_the_news_of_an_order_may_come_twice(city, raised, news):
    order = services.dispatch_alert(alert_id=raised.pk, by=city["analyst"])
    payload = {"case_ref": raised.ref, "order_id": order.pk, "number": order.number, "org_code": "x"}
    for action in ("open", "close", "close"):
        services.follow_order(payload={**payload, "action": action})
    raised.refresh_from_db()
    assert actions(raised) == ["raise", "dispatch", "resolve"]
    news.forget()
    services.follow_order(payload={**payload, "action": "close"})
    services.follow_order(payload={**payload, "action": "close", "order_id": order.pk + 1})
    services.follow_order(payload={**payload, "action": "close", "case_ref": "grid.report:1"})
    assert news == []


def test_an_order_that_ends_without_result_gives_the_alert_back(city, raised, dispatcher, hear):
    order = services.dispatch_alert(alert_id=raised.pk, by=city["analyst"])
    orders.cancel_order(order_id=order.pk, by=dispatcher, reason="误派", ground="fault")
    hear()
    raised.refresh_from_db()
    assert raised.state == "verified"
    again = services.dispatch_alert(alert_id=raised.pk, by=city["analyst"])
    hear()
    raised.refresh_from_db()
    assert (raised.state, raised.order_ref) == ("dispatched", f"dispatch.order:{again.pk}")


def test_a_false_alarm_is_over(city, raised):
    services.verify_alert(alert_id=raised.pk, by=city["analyst"], verdict="false", note="仪器校准")
    raised.refresh_from_db()
    assert (raised.state, raised.verdict, raised.resolved_at) == ("resolved", "false", NOW)
    assert not Order.objects.exists()


@pytest.mark.parametrize("role", ["operator", "officer", "grid_worker", "leader", "steward", "system_admin"])
def test_who_may_not_judge_or_dispatch_changes_nothing(role, city, raised, news):
    person = UserFactory(may=[role])
    news.forget()
    for act in (
        lambda: services.verify_alert(alert_id=raised.pk, by=person, verdict="true"),
        lambda: services.dispatch_alert(alert_id=raised.pk, by=person),
    ):
        with pytest.raises(PermissionDenied), transaction.atomic():
            act()
    raised.refresh_from_db()
    assert (raised.state, raised.verdict, actions(raised), news) == ("raised", "", ["raise"], [])


def test_an_analyst_of_another_county_may_not(city, raised):
    stranger = UserFactory(roles=[("analyst", RUDONG)])
    with pytest.raises(PermissionDenied):
        services.verify_alert(alert_id=raised.pk, by=stranger, verdict="true")
    assert not Alert.objects.visible_to(stranger).exists()


@pytest.mark.parametrize(
    ("before", "error"),
    [
        pytest.param("trial", DomainError, id="a trial sends nobody out"),
        pytest.param("false", DomainError, id="judged false"),
        pytest.param("dispatched", IllegalMove, id="an order is out already"),
    ],
)
def test_no_second_and_no_wrong_order(before, error, city, raised, news):
    if before == "trial":
        Alert.objects.update(trial=True)
    elif before == "false":
        Alert.objects.update(verdict="false")
    else:
        services.dispatch_alert(alert_id=raised.pk, by=city["analyst"])
    news.forget()
    count = Order.objects.count()
    with pytest.raises(error), transaction.atomic():
        services.dispatch_alert(alert_id=raised.pk, by=city["analyst"])
    assert (Order.objects.count(), news) == (count, [])


def test_the_database_itself_keeps_trials_without_orders_and_one_open_alert(city, raised):
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.filter(pk=raised.pk).update(trial=True, order_ref="dispatch.order:1")
    raised.pk, raised.number, raised.started_at = None, "x", NOW + timedelta(hours=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        raised.save(force_insert=True)


@pytest.mark.parametrize("model", [AlertMove, AlertEvidence])
def test_steps_and_evidence_cannot_be_rewritten(model, city, raised):
    for sql in (f"UPDATE {model._meta.db_table} SET at = now()", f"DELETE FROM {model._meta.db_table}"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_an_excursion_during_an_open_order_belongs_to_it(city, noon):
    switch(OZONE, "live", city)
    bring(air([210, 100], end=NOW))
    with clock.at(NOW + timedelta(hours=8)):
        bring(air([320], end=NOW + timedelta(hours=8)))
    alert = Alert.objects.get()
    assert (alert.level, alert.cleared_at, Order.objects.count()) == (2, None, 1)
    assert actions(alert) == ["raise", "dispatch", "clear", "return", "rise"]
    assert Event.objects.filter(kind="dispatch.order.moved").count() == 1
