"""The detectors themselves: the episodes, and the alerts that follow, are the same from either engine."""

import json
import random
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction

from alerts import services
from alerts.models import Alert
from alerts.services.judging import of_window
from commandcenter.core.times import shanghai_day
from tests.factories.alerts import NOW, OZONE, PM25, air, bring, switch

pytestmark = pytest.mark.django_db
END = NOW - timedelta(days=4000)


def weather(seed, hours, low, high):
    """Air that drifts between clean and foul, in tenths, with instruments that fall silent."""
    chance, value, found = random.Random(seed), low, []
    for _hour in range(hours):
        value = min(
            max(value + chance.choice([-1, -1, 1, 1, 1]) * chance.random() * (high - low) / 12, low), high
        )
        if chance.random() < 0.02:
            value = low
        found.append(None if chance.random() < 0.06 else round(value, 1))
    return found


@pytest.fixture
def air_of_months(city, noon):
    """Three stations for sixteen days, both pollutants, four days of them delivered again with other values."""
    for n, station in enumerate("ABC"):
        bring(air(weather(n, 384, 20, 190), column="pm2_5", station=station, end=END))
        bring(
            air(weather(n + 10, 384, 60, 420), column="o3", station=station, end=END - timedelta(minutes=30))
        )
    bring(air(weather(7, 96, 60, 280), column="pm2_5", station="B", end=END - timedelta(days=4)))
    # Exactly on the mildest bound for three days: still within.
    bring(air([74.9, 75.1] * 36, column="pm2_5", station="D", end=END))
    return city


@pytest.mark.parametrize("code", [PM25, OZONE])
def test_the_same_episodes(both, air_of_months, code):
    detector = switch(code, "trial", air_of_months)
    last = shanghai_day(END)
    here, there = both.ask(lambda: of_window(detector, last - timedelta(days=18), last))
    assert there == here
    found, newest = here
    assert set(newest) == ({"A", "B", "C", "D"} if code == PM25 else {"A", "B", "C"})
    assert "D" not in found
    assert sum(map(len, found.values())) >= 6


def test_the_same_alerts(both, air_of_months):
    """A whole window run down to PostgreSQL: alerts, their steps, and the evidence by row."""
    detectors = [switch(code, "trial", air_of_months) for code in (PM25, OZONE)]

    def run():
        with transaction.atomic():
            for detector in detectors:
                last = shanghai_day(END)
                services.run_history(detector_id=detector.pk, first=last - timedelta(days=18), last=last)
            found = [
                (
                    (a.detector.code, a.subject, a.level, a.started_at, a.raised_at, a.cleared_at, a.peak),
                    list(a.moves.order_by("pk").values_list("action", flat=True)),
                    list(a.evidence.order_by("pk").values_list("role", "row_ref", "value", "measure")),
                )
                for a in Alert.objects.order_by("detector__code", "subject", "started_at")
            ]
            transaction.set_rollback(True)  # so that the second engine starts from the same
        return found

    here, there = both.ask(run)
    assert not Alert.objects.exists()
    assert len(here) >= 6
    assert there == here


def test_a_city_compares_before_it_changes_the_setting(both, air_of_months, capsys, monkeypatch):
    switch(PM25, "trial", air_of_months)
    switch(OZONE, "trial", air_of_months)
    from datahub.lake.engine_spark import spark_engine  # only where there is Spark

    call_command("compare_engines", both.cluster.url, days=20)
    said = capsys.readouterr().out
    assert json.loads(said.splitlines()[-1]) == {"datasets": 1, "detectors": 2, "different": 0}
    # A cluster that counts differently is found out.
    spoilt = spark_engine(both.cluster.url).backend
    honest = spoilt.to_pyarrow
    monkeypatch.setattr(spoilt, "to_pyarrow", lambda asked: honest(asked).slice(1))
    with pytest.raises(SystemExit):
        call_command("compare_engines", both.cluster.url, days=2)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["different"] >= 1
