"""Draft, trial, approved by a second person, live, retired; a change of parameters is a new version."""

import json
from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import transaction

from alerts import services
from alerts.models import Alert, Detector
from alerts.packs import all_specs
from commandcenter.core.errors import BadInput, IllegalMove
from commandcenter.journal.models import AuditEntry
from tests.factories.alerts import OZONE, PM25, air, bring, switch
from tests.factories.city import UserFactory

pytestmark = pytest.mark.django_db


def test_packs_load_once_and_their_levels_are_the_standards(city):
    assert services.load_detectors() == {"new": 0, "changed": 0, "same": 2}
    levels = {d.code: {s.level: s.bound for s in d.parameters.steps} for d in Detector.objects.all()}
    assert levels[PM25] == {4: 75, 3: 115, 2: 150, 1: 250}
    assert levels[OZONE] == {4: 160, 3: 200, 2: 300, 1: 400}
    assert all("HJ 633-2012" in spec.source_text and spec.source_text_en for spec in all_specs())


def test_loading_again_keeps_what_people_changed(city):
    services.revise_detector(
        detector_id=Detector.objects.get(code=OZONE).pk,
        by=city["analyst"],
        params={**Detector.objects.get(code=OZONE).params, "clear_at": 120},
        note="试",
    )
    services.load_detectors()
    assert Detector.objects.get(code=OZONE).parameters.clear_at == 120


def test_the_person_who_proposed_it_cannot_approve_it(city):
    detector = switch(OZONE, "trial", city)
    with pytest.raises(PermissionDenied), transaction.atomic():
        services.approve_detector(detector_id=detector.pk, by=city["analyst"])
    detector.refresh_from_db()
    assert detector.state == "trial"
    services.approve_detector(detector_id=detector.pk, by=city["second"])
    services.go_live(detector_id=detector.pk, by=city["analyst"])
    detector.refresh_from_db()
    assert detector.state == "live"
    assert list(detector.moves.values_list("action", "by__username")) == [
        ("declare", None),
        ("try", "analyst"),
        ("approve", "second"),
        ("go_live", "analyst"),
    ]
    assert AuditEntry.objects.filter(action="alerts.approve_detector", target_ref=detector.ref).exists()


@pytest.mark.parametrize(
    ("state", "step"),
    [
        ("draft", "go_live"),
        ("draft", "approve_detector"),
        ("trial", "go_live"),
        ("live", "try_detector"),
    ],
)
def test_no_step_is_left_out(state, step, city, news):
    detector = switch(OZONE, state, city)
    news.forget()
    with pytest.raises(IllegalMove), transaction.atomic():
        getattr(services, step)(detector_id=detector.pk, by=city["second"])
    detector.refresh_from_db()
    assert (detector.state, news) == (state, [])


@pytest.mark.parametrize("role", ["operator", "dispatcher", "officer", "leader", "steward"])
def test_only_analysts_switch(role, city):
    detector = switch(OZONE, "draft", city)
    with pytest.raises(PermissionDenied):
        services.try_detector(detector_id=detector.pk, by=UserFactory(may=[role]))


def test_a_change_of_parameters_is_a_new_version_that_starts_as_a_draft(city, noon):
    detector = switch(OZONE, "live", city, auto_dispatch_from=None)
    bring(air([100, 165]))
    first = Alert.objects.get()
    services.revise_detector(
        detector_id=detector.pk,
        by=city["second"],
        note="更早",
        params={**detector.params, "steps": [{"level": 4, "bound": 90}], "clear_at": 80},
    )
    detector.refresh_from_db()
    assert (detector.state, detector.version, detector.proposed_by) == ("draft", 2, city["second"])
    assert not detector.memories.exists()
    first.refresh_from_db()
    assert first.version == 1  # what was raised stays under the version that raised it


def test_wrong_parameters_are_refused_with_what_and_why(city):
    detector = switch(OZONE, "draft", city)
    with pytest.raises(BadInput) as caught:
        services.revise_detector(
            detector_id=detector.pk, by=city["analyst"], params={**detector.params, "hold_readings": 0}
        )
    assert caught.value.problems[0].field == "hold_readings"
    detector.refresh_from_db()
    assert detector.version == 1


def test_commands(city, noon):
    out = StringIO()
    call_command("load_detectors", "--proposer", "analyst", "--approver", "second", stdout=out)
    assert json.loads(out.getvalue())["live"] == 2
    assert set(Detector.objects.values_list("state", flat=True)) == {"live"}
    bring(air([160.0] * 30, column="pm2_5"))
    out = StringIO()
    call_command("run_detectors", stdout=out)
    assert json.loads(out.getvalue())["detectors"][PM25]["raised"] == 1
