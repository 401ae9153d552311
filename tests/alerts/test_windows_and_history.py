"""Window runs: the mean of 24 h, history as trials, blindness."""

from datetime import UTC, date, datetime, timedelta

import pytest

from alerts import services
from alerts.models import Alert, DetectorState, TouchedDay
from alerts.services.runs import spans
from commandcenter.core import clock
from commandcenter.journal.models import Event
from datahub.selectors import row_by_ref
from tests.factories.alerts import NOW, OZONE, PM25, air, bring, switch

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2014, 3, 10, 4, 0, tzinfo=UTC)


def kinds():
    return set(Event.objects.values_list("kind", flat=True))


def test_history_raises_trials_with_evidence_from_the_file_and_no_order(city, noon):
    switch(PM25, "live", city)
    switch(OZONE, "live", city)
    values = [40.0] * 24 + [200.0] * 30 + [20.0] * 40
    delivery = bring(air(values, column="pm2_5", end=LONG_AGO))
    assert delivery.is_history
    assert not Alert.objects.exists()
    done = services.run_windows()
    assert done[PM25]["trial"] == 1
    (alert,) = Alert.objects.all()
    assert (alert.trial, alert.state, alert.order_ref, alert.receiver) == (True, "resolved", "", None)
    assert list(alert.moves.values_list("action", flat=True)) == ["raise", "rise", "rise", "resolve"]
    assert kinds() & {"dispatch.order.moved", "alerts.alert.moved"} == set()
    trial = Event.objects.get(kind="alerts.trial.finished")
    assert (trial.audiences, trial.body["alerts_new"]) == (["analyst"], 1)
    rows = list(alert.evidence.exclude(role__in=["rise", "clear"]))
    assert len(rows) == 24  # the readings of the mean
    for row in rows:
        assert row_by_ref(row.row_ref)["values"]["pm2_5"] == row.value
    trigger = alert.evidence.get(role="trigger")
    assert trigger.measure == pytest.approx(sum(r.value for r in rows) / 24)
    assert trigger.measure > 75


def test_a_second_run_and_a_second_delivery_of_the_same_file_change_nothing(city, noon):
    detector = switch(PM25, "trial", city)
    table = air([100.0] * 48, column="pm2_5", end=LONG_AGO)
    bring(table)
    services.run_windows()
    before = list(Alert.objects.values_list("pk", "cleared_at", "peak"))
    assert len(before) == 1
    services.run_history(detector_id=detector.pk, first=date(2014, 3, 1), last=date(2014, 3, 20))
    assert list(Alert.objects.values_list("pk", "cleared_at", "peak")) == before


def test_a_file_that_goes_on_extends_the_same_trial(city, noon):
    switch(PM25, "trial", city)
    bring(air([100.0] * 48, column="pm2_5", end=LONG_AGO))
    services.run_windows()
    bring(air([300.0] * 20 + [0.0] * 30, column="pm2_5", end=LONG_AGO + timedelta(hours=50)))
    services.run_windows()
    (alert,) = Alert.objects.all()
    assert alert.cleared_at is not None
    assert alert.peak > 200


def test_two_stations_and_far_apart_days_are_judged_apart(city, noon):
    switch(PM25, "trial", city)
    bring(air([100.0] * 40 + [0.0] * 24, column="pm2_5", station="A", end=LONG_AGO))
    bring(air([100.0] * 40 + [0.0] * 24, column="pm2_5", station="B", end=LONG_AGO + timedelta(days=400)))
    services.run_windows()
    assert sorted(Alert.objects.values_list("subject", flat=True)) == ["A", "B"]


def test_a_mean_over_live_rows_raises_a_real_alert_and_its_order(city, noon):
    switch(PM25, "live", city)
    bring(air([160.0] * 30, column="pm2_5"))
    services.run_windows()
    alert = Alert.objects.get(trial=False)
    assert (alert.state, alert.level) == ("dispatched", 2)
    assert Alert.objects.filter(trial=True).count() == 0
    assert alert.evidence.count() >= 20
    services.run_windows()
    assert Alert.objects.count() == 1
    memory = DetectorState.objects.get(subject="A", detector__code=PM25)
    assert (memory.last_at, memory.no_data_since) == (NOW, None)


def test_an_excursion_that_began_in_the_past_and_still_lasts_is_real(city, noon):
    """As with an old file re-dated to today: most rows are history, the last day is live."""
    switch(PM25, "live", city)
    bring(air([160.0] * 24 * 5, column="pm2_5"))
    services.run_windows()
    alert = Alert.objects.get(trial=False)
    assert alert.order_ref
    assert alert.raised_at > NOW - timedelta(hours=25)
    assert alert.started_at < NOW - timedelta(days=3)


def test_when_the_air_is_clean_again_the_alert_says_so(city, noon):
    switch(PM25, "live", city, auto_dispatch_from=None)
    bring(air([160.0] * 30, column="pm2_5"))
    services.run_windows()
    with clock.at(NOW + timedelta(hours=24)):
        bring(air([0.0] * 24, column="pm2_5", end=NOW + timedelta(hours=24)))
        services.run_windows()
    alert = Alert.objects.get(trial=False)
    assert alert.state == "resolved"
    assert alert.cleared_at > NOW


def test_a_late_source_makes_blind_and_is_no_trouble_and_no_all_clear(city, noon):
    detector = switch(OZONE, "live", city, auto_dispatch_from=None)
    bring(air([170]))
    services.run_windows()
    detector.refresh_from_db()
    assert detector.health == "ok"
    later = NOW + timedelta(hours=9)
    with clock.at(later):
        services.run_windows()
        services.run_windows()
    detector.refresh_from_db()
    assert (detector.health, detector.health_since) == ("blind", later)
    assert detector.moves.filter(action="health").count() == 1  # said once
    alert = Alert.objects.get()
    assert (alert.state, alert.cleared_at) == ("raised", None)
    assert DetectorState.objects.get().no_data_since == later
    with clock.at(later):
        bring(air([90], end=later))
        services.run_windows()
    detector.refresh_from_db()
    alert.refresh_from_db()
    assert (detector.health, alert.state) == ("ok", "resolved")
    assert DetectorState.objects.get().no_data_since is None


def test_a_mark_that_comes_during_a_run_is_not_lost(city, noon, monkeypatch):
    detector = switch(PM25, "trial", city)
    bring(air([100.0] * 30, column="pm2_5", end=LONG_AGO))
    from alerts.services import runs

    real = runs.of_window

    def meanwhile(*args):
        TouchedDay.objects.create(detector=detector, day=LONG_AGO.date(), at=NOW)
        return real(*args)

    monkeypatch.setattr(runs, "of_window", meanwhile)
    services.run_windows()
    assert TouchedDay.objects.count() == 1


def test_days_far_apart_are_short_reads():
    days = {date(2014, 1, 1), date(2014, 1, 5), date(2026, 11, 20)}
    assert spans(days, 7) == [(date(2014, 1, 1), date(2014, 1, 5)), (date(2026, 11, 20), date(2026, 11, 20))]
    assert spans(set(), 7) == []
