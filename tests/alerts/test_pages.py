"""Pages and API: each sees its own rows, the rest is 404."""

import pytest
from django.urls import reverse

from alerts import services
from alerts.models import Alert, Detector
from dispatch.models import Order
from tests.factories.alerts import OZONE, PM25, air, bring, switch
from tests.factories.city import CHONGCHUAN, RUDONG, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    other = OrganisationFactory(code="320623-hj", function="environment", area_code=RUDONG)
    return {
        **city,
        "officer": UserFactory(roles=[("officer", CHONGCHUAN, city["county_office"])]),
        "officer_elsewhere": UserFactory(roles=[("officer", RUDONG, other)]),
        "dispatcher": UserFactory(may=["dispatcher"]),
        "leader_elsewhere": UserFactory(roles=[("leader", RUDONG)]),
        "leader": UserFactory(may=["leader"]),
        "operator": UserFactory(may=["operator"]),
        "grid_worker": UserFactory(may=["grid_worker"]),
    }


@pytest.fixture
def real(people, noon):
    switch(OZONE, "live", people, auto_dispatch_from=None)
    bring(air([90, 210]))
    return Alert.objects.get()


@pytest.fixture
def trial(people, noon):
    switch(OZONE, "trial", people)
    bring(air([90, 210]))
    return Alert.objects.get()


SEES_REAL = {"analyst", "second", "officer", "dispatcher", "leader"}
ALL = [*SEES_REAL, "officer_elsewhere", "leader_elsewhere", "operator", "grid_worker"]


@pytest.mark.parametrize("who", sorted(ALL))
def test_a_real_alert_is_seen_by_its_own_people_only(who, client, people, real):
    client.force_login(people[who])
    status = 200 if who in SEES_REAL else 404
    for url in (
        reverse("alerts:alert", args=[real.pk]),
        reverse("alerts:series", args=[real.pk]),
        f"/api/v1/alerts/{real.pk}/",
    ):
        assert client.get(url).status_code == status, url
    ids = [row["id"] for row in client.get("/api/v1/alerts/").json()["results"]]
    assert ids == ([real.pk] if who in SEES_REAL else [])


@pytest.mark.parametrize("who", sorted(ALL))
def test_a_trial_is_the_analysts_own(who, client, people, trial):
    client.force_login(people[who])
    status = 200 if who in ("analyst", "second") else 404
    assert client.get(reverse("alerts:alert", args=[trial.pk])).status_code == status
    assert client.get(f"/api/v1/alerts/{trial.pk}/").status_code == status


@pytest.mark.parametrize("who", ["officer", "leader", "operator"])
def test_detectors_are_not_for_everyone(who, client, people):
    client.force_login(people[who])
    assert client.get(reverse("alerts:detector", args=[OZONE])).status_code == 404
    assert client.get("/api/v1/alerts/detectors/").json() == []
    assert client.post(reverse("alerts:switch", args=[OZONE, "try"])).status_code == 404
    assert Detector.objects.get(code=OZONE).state == "draft"


def test_nobody_without_login(client, real):
    for url in (
        reverse("alerts:list"),
        reverse("alerts:alert", args=[real.pk]),
        reverse("alerts:series", args=[real.pk]),
    ):
        assert client.get(url).status_code == 302
    assert client.get("/api/v1/alerts/").status_code in (401, 403)


def test_the_list_filters_and_refreshes(client, people, real):
    client.force_login(people["analyst"])
    url = reverse("alerts:list")
    row = f'data-alert="{real.pk}"'
    assert row in client.get(url).content.decode()
    assert row in client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert row not in client.get(url, {"level": "1"}).content.decode()
    assert row in client.get(url, {"level": "3", "detector": OZONE, "subject": "A"}).content.decode()
    assert row not in client.get(url, {"trial": "1"}).content.decode()
    assert client.get(url, {"level": "nonsense", "detector": "none", "page": "x"}).status_code == 200


def test_trials_stand_apart(client, people, trial):
    client.force_login(people["analyst"])
    row = f'data-alert="{trial.pk}"'
    assert row not in client.get(reverse("alerts:list")).content.decode()
    assert row in client.get(reverse("alerts:list"), {"trial": "1"}).content.decode()
    client.force_login(people["leader"])
    assert row not in client.get(reverse("alerts:list"), {"trial": "1"}).content.decode()


def test_the_page_shows_the_evidence_and_takes_verdict_and_dispatch(client, people, real):
    client.force_login(people["analyst"])
    page = client.get(reverse("alerts:alert", args=[real.pk])).content.decode()
    for mark in (
        "alert-chart",
        "evidence-row",
        "verdict-true",
        "verdict-partly",
        "verdict-false",
        "verdict-unknown",
        "dispatch",
    ):
        assert f'data-test="{mark}"' in page
    assert real.evidence.get(role="trigger").row_ref in page
    client.post(reverse("alerts:verify", args=[real.pk]), {"verdict": "partly", "note": "短时"})
    client.post(reverse("alerts:dispatch", args=[real.pk]), {"note": "请处置"})
    real.refresh_from_db()
    assert (real.verdict, real.state) == ("partly", "dispatched")
    order = Order.objects.get()
    assert order.case_ref == real.ref
    page = client.get(reverse("alerts:alert", args=[real.pk])).content.decode()
    assert reverse("dispatch:order", args=[order.pk]) in page
    assert 'data-test="dispatch"' not in page


def test_a_wrong_verdict_changes_nothing(client, people, real):
    client.force_login(people["analyst"])
    assert client.post(reverse("alerts:verify", args=[real.pk]), {"verdict": "maybe"}).status_code == 302
    assert client.post(f"/api/v1/alerts/{real.pk}/verify/", {"verdict": "maybe"}).status_code == 400
    real.refresh_from_db()
    assert (real.state, real.verdict) == ("raised", "")


def test_the_api_judges_and_dispatches_once(client, people, real):
    client.force_login(people["dispatcher"])
    assert client.post(f"/api/v1/alerts/{real.pk}/verify/", {"verdict": "true"}).json()["state"] == "verified"
    assert client.post(f"/api/v1/alerts/{real.pk}/dispatch/", {}).json()["state"] == "dispatched"
    refused = client.post(f"/api/v1/alerts/{real.pk}/dispatch/", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
    client.force_login(people["officer"])
    assert client.post(f"/api/v1/alerts/{real.pk}/verify/", {"verdict": "false"}).status_code == 403
    assert Order.objects.count() == 1


def test_the_chart_reads_the_same_numbers_as_the_detector(client, people, noon):
    switch(PM25, "live", people)
    bring(air([160.0] * 30, column="pm2_5"))
    services.run_windows()
    alert = Alert.objects.get(trial=False)
    client.force_login(people["analyst"])
    chart = client.get(reverse("alerts:series", args=[alert.pk])).json()
    assert chart["from_lake"]
    assert chart["mean"]
    assert [s["bound"] for s in chart["steps"]] == [75, 115, 150, 250]
    at = {t: measure for t, _value, measure in chart["points"]}
    assert at[chart["raised_at"]] == pytest.approx(alert.value)
    assert min(at) < chart["started_at"] <= chart["raised_at"] <= max(at)


def test_the_detector_page_says_what_it_does_and_switches(client, people, real):
    client.force_login(people["analyst"])
    services.verify_alert(alert_id=real.pk, by=people["analyst"], verdict="true")
    page = client.get(reverse("alerts:detector", args=[OZONE])).content.decode()
    assert "100.00%" in page
    assert 'data-test="switch-suspend"' in page
    client.post(reverse("alerts:switch", args=[OZONE, "suspend"]))
    assert Detector.objects.get(code=OZONE).state == "trial"
    client.post(reverse("alerts:switch", args=[OZONE, "approve"]))  # the proposer himself
    assert Detector.objects.get(code=OZONE).state == "trial"
    client.force_login(people["second"])
    assert (
        'data-test="switch-approve"' in client.get(reverse("alerts:detector", args=[OZONE])).content.decode()
    )
    client.post(reverse("alerts:switch", args=[OZONE, "approve"]))
    assert Detector.objects.get(code=OZONE).state == "approved"
    assert client.post(reverse("alerts:switch", args=[OZONE, "nonsense"])).status_code == 302


def test_new_parameters_by_form(client, people):
    client.force_login(people["analyst"])
    form = {
        "bounds": "100，150",
        "clear_at": "90",
        "hold_readings": "2",
        "hold_minutes": "60",
        "cooldown_minutes": "0",
        "note": "试",
    }
    wrong = client.post(reverse("alerts:revise", args=[OZONE]), {**form, "clear_at": "120"})
    assert wrong.status_code == 400
    assert Detector.objects.get(code=OZONE).version == 1
    assert client.post(reverse("alerts:revise", args=[OZONE]), form).status_code == 302
    detector = Detector.objects.get(code=OZONE)
    assert (detector.version, {s.level: s.bound for s in detector.parameters.steps}) == (2, {4: 100, 3: 150})


def test_lists_cost_no_more_with_more_rows(client, people, noon, query_budget):
    switch(OZONE, "live", people, auto_dispatch_from=None)
    client.force_login(people["analyst"])
    bring(air([210], station="A"))
    client.get(reverse("alerts:list"))
    with query_budget("alerts.list"):
        client.get(reverse("alerts:list"))
    for n in range(12):
        bring(air([210], station=f"S{n}"))
    with query_budget("alerts.list"):
        client.get(reverse("alerts:list"))
