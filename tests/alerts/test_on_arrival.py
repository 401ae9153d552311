"""Live rows are judged the moment they come: one alert per subject, one order per alert."""

from datetime import timedelta

import pytest

from alerts.models import Alert, AlertEvidence, DetectorState, TouchedDay
from alerts.services import run_windows
from alerts.taps import on_rows
from commandcenter.core import clock
from commandcenter.journal.models import Event
from commandcenter.journal.selectors import trace_graph
from datahub.selectors import engine, row_by_ref
from tests.factories.alerts import DATASET, NOW, OZONE, air, bring, switch

pytestmark = pytest.mark.django_db


def events():
    return [e.body for e in Event.objects.filter(kind="alerts.alert.moved").order_by("pk")]


def actions(alert):
    return list(alert.moves.values_list("action", flat=True))


def test_a_live_reading_becomes_an_alert_and_an_order(city, noon):
    switch(OZONE, "live", city)
    delivery = bring(air([90, 120, 210]))
    (alert,) = Alert.objects.all()
    assert (alert.state, alert.level, alert.trial, alert.value) == ("dispatched", 3, False, 210)
    assert (alert.started_at, alert.raised_at) == (NOW, NOW)
    assert (alert.area_code, alert.receiver) == ("320613", city["county_office"])
    assert (round(alert.location.x, 2), round(alert.location.y, 2)) == (120.85, 31.95)
    assert alert.order_ref.startswith("dispatch.order:")
    (evidence,) = alert.evidence.all()
    assert (evidence.row_ref, evidence.value) == (f"datahub.row:{delivery.pk}:3", 210)
    assert row_by_ref(evidence.row_ref)["values"]["o3"] == 210
    assert trace_graph(alert.ref).nodes == [alert.ref, evidence.row_ref, alert.order_ref]
    (order,) = Event.objects.filter(kind="dispatch.order.moved")
    assert order.body["level"] == 3
    assert order.body["org_code"] == "320613-hj"
    assert [(b["action"], b["level"], b["trial"]) for b in events()] == [
        ("raise", 3, False),
        ("dispatch", 3, False),
    ]
    heard = Event.objects.filter(kind="alerts.alert.moved").first().audiences
    assert heard == ["leader", "command", "analyst", "org:320613-hj"]


def test_one_alert_while_it_lasts_and_its_level_rises_by_a_move(city, noon):
    switch(OZONE, "live", city)
    bring(air([170], end=NOW - timedelta(hours=3)))
    bring(air([180], end=NOW - timedelta(hours=2)))
    bring(air([310], end=NOW - timedelta(hours=1)))
    (alert,) = Alert.objects.all()
    assert (alert.level, actions(alert)) == (2, ["raise", "dispatch", "rise"])
    assert [b["from_level"] for b in events()] == [None, None, 4]
    assert Event.objects.filter(kind="dispatch.order.moved").count() == 1
    bring(air([120]))
    alert.refresh_from_db()
    assert (alert.state, alert.cleared_at) == ("dispatched", NOW)  # its order is still open


def test_between_clear_threshold_and_bound_nothing_happens(city, noon):
    switch(OZONE, "live", city, auto_dispatch_from=None)
    bring(air([170, 155], end=NOW - timedelta(hours=1)))
    (alert,) = Alert.objects.all()
    assert (alert.state, alert.cleared_at) == ("raised", None)
    bring(air([150]))
    alert.refresh_from_db()
    assert (alert.state, alert.cleared_at, actions(alert)) == ("resolved", NOW, ["raise", "resolve"])


def test_cooldown_spares_people_a_second_call(city, noon):
    switch(OZONE, "live", city, auto_dispatch_from=None)
    bring(air([170, 100, 170], end=NOW))
    assert Alert.objects.count() == 1
    with clock.at(NOW + timedelta(hours=1)):
        bring(air([250], end=NOW + timedelta(hours=1)))  # graver: called at once
    assert sorted(Alert.objects.values_list("level", flat=True)) == [3, 4]


def test_the_same_batch_twice_raises_nothing_twice(city, noon, news):
    switch(OZONE, "live", city)
    delivery = bring(air([90, 210]))
    table = engine().to_arrow(engine().table(DATASET))
    news.forget()
    for _again in range(2):
        on_rows(DATASET, delivery.pk, table, table.column("_live").to_pylist())
        run_windows()
    assert Alert.objects.count() == 1
    assert AlertEvidence.objects.count() == 1
    assert news == []


def test_missing_values_neither_raise_nor_clear(city, noon):
    switch(OZONE, "live", city, auto_dispatch_from=None)
    bring(air([None, 170, None, None]))
    (alert,) = Alert.objects.all()
    assert (alert.state, alert.started_at) == ("raised", NOW - timedelta(hours=2))


def test_late_rows_are_left_to_a_window_run(city, noon):
    switch(OZONE, "live", city, auto_dispatch_from=None)
    bring(air([90]))
    bring(air([210], end=NOW - timedelta(hours=5)))
    assert not Alert.objects.exists()
    assert TouchedDay.objects.exists()
    run_windows()
    (alert,) = Alert.objects.all()
    assert (alert.trial, alert.started_at) == (False, NOW - timedelta(hours=5))
    assert not TouchedDay.objects.exists()


def test_in_trial_nobody_is_sent_out(city, noon):
    switch(OZONE, "approved", city)
    bring(air([90, 450]))
    (alert,) = Alert.objects.all()
    assert (alert.trial, alert.state, alert.level, alert.order_ref) == (True, "raised", 1, "")
    assert not Event.objects.filter(kind="dispatch.order.moved").exists()
    assert {tuple(e.audiences) for e in Event.objects.filter(kind="alerts.alert.moved")} == {("analyst",)}


def test_a_draft_does_not_look(city, noon):
    bring(air([450]))
    run_windows()
    assert not Alert.objects.exists()
    assert not DetectorState.objects.exists()


def test_where_no_unit_answers_people_decide(city, noon):
    detector = switch(OZONE, "live", city)
    type(detector).objects.filter(pk=detector.pk).update(function="fire")
    bring(air([210]))
    (alert,) = Alert.objects.all()
    assert (alert.state, actions(alert)) == ("raised", ["raise", "not_sent"])


def test_a_detector_that_fails_says_so_and_stops_nobody(city, noon):
    broken = switch(OZONE, "live", city)
    type(broken).objects.filter(pk=broken.pk).update(subject_column="nowhere")
    switch("env-pm25-24h", "live", city)
    bring(air([210]))
    broken.refresh_from_db()
    assert broken.health == "error"
    assert broken.moves.filter(action="health", body__health="error").exists()
    assert not Alert.objects.exists()
    type(broken).objects.filter(pk=broken.pk).update(subject_column="station")
    run_windows()
    broken.refresh_from_db()
    assert broken.health == "ok"
    assert Alert.objects.count() == 1  # what it missed was kept for the next run
