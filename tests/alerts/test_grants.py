"""A detector reads under a grant: stopped, it is blind at once; given back, it catches up."""

from datetime import timedelta

import pytest

from alerts import services
from alerts.models import Alert, Detector
from alerts.tasks import follow_grant
from commandcenter.core import clock
from commandcenter.journal.models import Event
from datahub.models import Dataset
from datahub.sharing import services as sharing
from datahub.sharing.models import Agreement
from datahub.sharing.policies import may_read
from tests.factories.alerts import DATASET, NOW, OZONE, air, bring, clean_air_city, switch
from tests.factories.city import UserFactory

REF = f"alerts.detector:{OZONE}"


@pytest.fixture
def city(db):
    with clock.at(NOW):
        people = clean_air_city()
        people["steward"] = UserFactory(may=["steward"])
        yield people


def stop(people):
    [agreement] = Agreement.objects.filter(consumer_ref=REF, state="granted")
    return sharing.stop_grant(agreement_id=agreement.pk, by=people["steward"], reason="停用")


def tell():
    """What the journal's loop does with the newest step of an agreement."""
    follow_grant(payload=Event.objects.filter(kind="datahub.agreement.moved").latest("pk").body)


def sight():
    return Detector.objects.get(code=OZONE).health


def test_the_packs_detectors_come_with_their_agreements(city):
    for detector in Detector.objects.all():
        agreement = Agreement.objects.get(consumer_ref=f"alerts.detector:{detector.code}")
        assert (agreement.state, agreement.consumer_kind) == ("granted", "platform")
        assert agreement.purpose
        assert agreement.legal_basis
    count = Agreement.objects.count()
    services.load_detectors()
    assert Agreement.objects.count() == count


def test_a_stopped_grant_makes_blind_before_any_row_comes(city):
    switch(OZONE, "live", city)
    stop(city)
    tell()
    detector = Detector.objects.get(code=OZONE)
    assert (detector.health, detector.health_reason.startswith("grant:")) == ("blind", True)


def test_a_blind_detector_reads_nothing_and_raises_nothing(city):
    switch(OZONE, "live", city)
    stop(city)  # nobody tells it: the journal stands still
    bring(air([900.0, 900.0, 900.0]))
    services.run_windows()
    assert not Alert.objects.filter(detector__code=OZONE).exists()
    assert sight() == "blind"
    services.load_detectors()  # a stopped grant does not come back by loading the packs again
    assert not may_read(DATASET, REF)


def test_it_catches_up_when_the_grant_is_back(city):
    switch(OZONE, "live", city)
    stop(city)
    bring(air([900.0, 900.0, 900.0]))
    again = sharing.apply_for(
        dataset_code=DATASET, by=city["analyst"], org_code="", consumer_ref=REF, purpose="臭氧预警",
        legal_basis="《大气污染防治法》", columns=["station", "at", "o3", "lon", "lat"],
        until=NOW + timedelta(days=365),
    )  # fmt: skip
    sharing.pass_check(agreement_id=again.pk, by=city["steward"])
    tell()
    assert sight() == "ok"
    services.run_windows()
    assert Alert.objects.filter(detector__code=OZONE).exists()


def test_conditional_data_needs_a_grant_that_names_the_columns(city):
    Dataset.objects.filter(code=DATASET).update(share_type="conditional")
    assert may_read(DATASET, REF, ["station", "at", "o3"])
    assert not may_read(DATASET, REF, ["station", "pm2_5"])
    assert not may_read(DATASET, "alerts.detector:unknown", ["station"])
    assert not may_read("no.such", REF)


def test_what_it_read_is_counted(city):
    switch(OZONE, "live", city)
    bring(air([10.0, 20.0, 30.0]))
    found = Agreement.objects.with_use().get(consumer_ref=REF)
    assert (found.calls, found.rows) == (1, 3)


def test_only_an_analyst_applies_for_a_detector(city):
    from django.core.exceptions import PermissionDenied

    for who, ref in ((city["steward"], REF), (city["analyst"], "city.organisation:3206-environment")):
        with pytest.raises(PermissionDenied):
            sharing.apply_for(
                dataset_code=DATASET, by=who, org_code="", consumer_ref=ref, purpose="x", legal_basis="y",
                columns=["station"], until=NOW + timedelta(days=5),
            )  # fmt: skip


def test_the_ledger_counts_what_a_detector_made_of_it(city):
    from datahub.sharing.selectors import yields_of

    switch(OZONE, "live", city)
    bring(air([900.0, 900.0, 900.0]))
    services.run_windows()
    alerts = Alert.objects.filter(detector__code=OZONE, trial=False)
    assert alerts.exists()
    agreement = Agreement.objects.get(consumer_ref=REF)
    made, newest = yields_of([agreement])[agreement.pk]
    assert made == alerts.count()
    assert newest[0].made_ref == alerts.latest("pk").ref
