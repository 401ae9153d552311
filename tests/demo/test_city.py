"""The demo city is made by the services, and everything planted can be found."""

import random
from datetime import timedelta

import pytest
from django.core.management import call_command

from alerts.models import Alert
from city.models import Organisation, User
from commandcenter.core import clock
from commandcenter.demo import feed, truths
from commandcenter.demo.seed import seed_city, seeded_at
from commandcenter.journal.models import AuditEntry, Event
from commandcenter.journal.selectors import trace_graph
from commandcenter.journal.services import pump
from datahub.connectors.models import SourceRun
from datahub.models import Delivery
from datahub.portal.models import DataRequest
from datahub.quality.models import Incident
from datahub.sharing.models import Agreement, ShareCall
from dispatch.models import Order, OrderMove
from hotline.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)


def order_of(title: str) -> Order:
    return Order.objects.filter(title=title).order_by("-pk").first()


def actions(title: str) -> list[str]:
    moves = OrderMove.objects.filter(order__title=title).order_by("pk")
    return list(moves.values_list("action", flat=True))


def test_the_city_stands_and_its_truths_can_be_found(settings):
    settings.DEMO, settings.DEMO_PASSWORD = True, "Try-the-city-2026"
    assert seed_city(days=19, calls_a_day=6, say=lambda _: None)
    assert not seed_city(days=19, calls_a_day=6, say=lambda _: None)  # a second run changes nothing

    # people and units
    assert User.objects.get(username="officer").check_password("Try-the-city-2026")
    assert not User.objects.filter(username="op01", password__startswith="argon2").exists()
    assert Organisation.objects.filter(code="320613-housing").exists()

    # a whole chain, from the call to the score
    order = order_of(truths.WHOLE_CHAIN)
    assert order.state == "closed"
    nodes = {ref.split(":")[0] for ref in trace_graph(order.ref).nodes}
    assert {"hotline.ticket", "dispatch.order", "journal.fact"} <= nodes
    assert Ticket.objects.get(title=truths.WHOLE_CHAIN).satisfied == "satisfied"

    # courses that are not smooth
    assert {"redo", "handle", "close"} <= set(actions(truths.REDONE))
    assert {"request_return", "return"} <= set(actions(truths.RETURNED))
    assert Order.objects.filter(title=truths.RETURNED, org__code="320613-urban_mgmt").exists()
    assert "refuse_return" in actions(truths.RULED)
    assert order_of(truths.RULED).ruled
    assert "extend" in actions(truths.EXTENDED)
    assert order_of(truths.HELD).held_at is not None
    assert order_of(truths.PROVISIONAL).provisional_due

    # data shared in every state, with calls under the grants and one clock that ran out
    asked = Agreement.objects.filter(consumer_kind="organisation")
    states = dict(asked.values_list("dataset__code", "state"))
    assert states["chem.vehicle_track"] == "checked"
    assert states["hotline.tickets"] == "stopped"
    assert states["economy.company"] == "expired"
    assert {"applied", "returned", "refused", "granted"} <= {*asked.values_list("state", flat=True)}
    assert asked.exclude(escalated_at=None).get().dataset.code == "chem.vehicle_track"
    assert ShareCall.objects.filter(outcome="refused").exists()
    assert {*DataRequest.objects.values_list("state", flat=True)} == {
        "received", "in_review", "opened", "declined",
    }  # fmt: skip

    # sources that deliver, and one whose columns changed
    runs = list(SourceRun.objects.order_by("pk").values_list("source__dataset__code", "outcome"))
    assert runs[-1] == ("traffic.parking", "failed")
    assert ("lifeline.tap_water", "delivered") in runs
    assert Incident.objects.filter(kind="columns_changed", dataset__code="traffic.parking").exists()

    # sealed tickets leave no title in any event
    for title in (truths.WHISTLEBLOW, truths.CONFIDENTIAL):
        assert Ticket.objects.get(title=title).sealed
        assert not Event.objects.filter(body__title=title).exists()

    # data: rejects that add up, alerts that became orders
    spoilt = Delivery.objects.get(file_name="如东洋口站补报.csv")
    assert (spoilt.rows_in, spoilt.rows_rejected) == (24, truths.BAD_DELIVERY_ROWS)
    raised = Alert.objects.filter(trial=False)
    assert {"NT06", "NT01", "NT02"} <= set(raised.values_list("subject", flat=True))
    assert Order.objects.filter(kind="alert").count() >= 3

    # summaries, audit and lake agree with the rows
    call_command("recount", "--check")
    call_command("audit_verify")
    call_command("lake_verify")

    # it keeps moving
    before = (Ticket.objects.count(), OrderMove.objects.count())
    rng = random.Random(1)
    for minute in range(4):
        with clock.at(seeded_at() + timedelta(minutes=10 + minute * 5)):
            feed.tick(seconds=60, rate=3, rng=rng)
            pump()
    assert Ticket.objects.count() > before[0]
    assert OrderMove.objects.count() > before[1]
    call_command("recount", "--check")


def test_an_interrupted_seed_is_not_built_upon():
    AuditEntry.objects.create(at=clock.now(), action="demo.seed_started")
    with pytest.raises(Exception, match="interrupted"):
        seed_city(days=1, calls_a_day=1, say=lambda _: None)
    assert not User.objects.exists()


def test_nothing_feeds_itself_outside_a_demo(settings):
    from commandcenter.demo.tasks import live_feed

    settings.DEMO = False
    live_feed()
    assert not Ticket.objects.exists()
