"""The steward's pages: keys are issued and stopped, subscriptions made, tried, changed, paused."""

from datetime import timedelta

import pytest
from django.urls import reverse

from commandcenter.core import clock
from datahub.push.models import MessageReject, PushKey, Subscription
from datahub.push.services import make_subscription
from tests.factories.city import CITY, OrganisationFactory, UserFactory
from tests.factories.datahub import NOON, READINGS, rows
from tests.factories.push import ORG, push, push_key

pytestmark = pytest.mark.django_db
CODE = READINGS.code
SETTINGS = {
    "name": "Stations", "host": "broker.test", "port": "1883", "protocol": "5", "topic": "air/+", "payload": "json",
    "away_after_s": "60", "dataset_code": CODE, "map_station": "topic:2", "map_at": "$.at", "secret": "s3cr3t-pass",
}  # fmt: skip


@pytest.fixture
def steward(readings, client):
    OrganisationFactory(code=ORG, function="environment", area_code=CITY)
    user = UserFactory(may=["steward"])
    client.force_login(user)
    return user


PAGES = ["push_keys", "subscriptions", "new_subscription"]


@pytest.mark.parametrize("name", PAGES)
def test_only_the_steward_sees_them(readings, client, name):
    client.force_login(UserFactory(may=["analyst"]))
    assert client.get(reverse(f"datahub:{name}")).status_code == 403
    client.force_login(UserFactory(may=["steward"]))
    assert client.get(reverse(f"datahub:{name}")).status_code == 200


def test_a_key_is_shown_once_with_an_example(steward, client):
    values = {"name": "Stations", "org_code": ORG, "dataset_codes": [CODE], "rows_per_minute": "1000"}
    answer = client.post(reverse("datahub:issue_push_key"), values)
    assert answer.status_code == 200
    once = answer.context["once"]
    assert once["token"] in answer.content.decode()
    assert f"/api/push/v1/{CODE}/rows" in once["curl"]
    assert push(once["token"], rows(1)).status_code == 202
    again = client.get(reverse("datahub:push_keys"))
    assert once["token"] not in again.content.decode()
    [row] = again.context["live"]
    assert (row["use"]["rows"], row["use"]["batches"]) == (1, 1)
    assert "no-store" in answer["Cache-Control"]


def test_a_key_without_what_it_needs_is_not_issued(steward, client):
    values = {"name": "Stations", "org_code": ORG, "rows_per_minute": "1000"}
    assert client.post(reverse("datahub:issue_push_key"), values).status_code == 409
    values |= {"dataset_codes": [CODE], "until": "2020-01-01"}
    answer = client.post(reverse("datahub:issue_push_key"), values)
    assert answer.status_code == 409
    assert answer.context["form"].errors["until"]
    assert not PushKey.objects.exists()


def test_a_key_is_stopped_with_its_reason(steward, client):
    key, token = push_key(by=steward)
    client.post(reverse("datahub:stop_push_key", args=[key.pk]), {"reason": ""})
    assert PushKey.objects.get().stopped_at is None
    client.post(reverse("datahub:stop_push_key", args=[key.pk]), {"reason": "lost"})
    assert push(token, rows(1)).status_code == 401
    page = client.get(reverse("datahub:push_keys"))
    assert [row["key"].pk for row in page.context["ended"]] == [key.pk]


def test_the_page_of_keys_asks_no_more_for_many(steward, client, query_budget):
    push_key(by=steward)
    with query_budget("datahub.push_keys"):
        client.get(reverse("datahub:push_keys"))
    for _ in range(19):
        push_key(by=steward)
    with query_budget("datahub.push_keys"):
        client.get(reverse("datahub:push_keys"))


def test_a_subscription_is_made_changed_paused_and_removed(steward, client):
    assert client.get(reverse("datahub:new_subscription"), {"dataset": CODE}).status_code == 200
    answer = client.post(reverse("datahub:new_subscription"), SETTINGS)
    sub = Subscription.objects.get()
    page = reverse("datahub:subscription", args=[sub.pk])
    assert answer["Location"] == page
    assert (sub.mapping, sub.secret) == ({"station": "topic:2", "at": "$.at"}, "s3cr3t-pass")
    shown = client.get(page)
    assert "s3cr3t-pass" not in shown.content.decode()
    change = reverse("datahub:change_subscription", args=[sub.pk])
    client.post(change, {**SETTINGS, "secret": "", "topic": "air/#"})
    sub.refresh_from_db()
    assert (sub.topic, sub.secret, sub.revision) == ("air/#", "s3cr3t-pass", 2)
    assert client.post(change, {**SETTINGS, "secret": "", "host": "other.test"}).status_code == 409
    assert Subscription.objects.get().host == "broker.test"  # the password does not follow
    remove = reverse("datahub:remove_subscription", args=[sub.pk])
    client.post(remove)
    assert Subscription.objects.exists()
    client.post(reverse("datahub:pause_subscription", args=[sub.pk]), {"paused": "1"})
    assert Subscription.objects.get().state == "paused"
    client.post(remove)
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"topic": "air/#/x"}, "topic"),
        ({"topic": "a+"}, "topic"),
        ({"topic": "$SYS/x"}, "topic"),
        ({"host": "http://broker"}, "host"),
        ({"map_at": "at"}, "map_at"),
        ({"payload": "number"}, "map_at"),
        ({"ca_pem": "no certificate"}, "ca_pem"),
    ],
)
def test_settings_that_cannot_work_are_named(steward, client, wrong, field):
    answer = client.post(reverse("datahub:new_subscription"), {**SETTINGS, **wrong})
    assert answer.status_code == 409
    assert answer.context["form"].errors[field]
    assert not Subscription.objects.exists()


def test_a_try_says_what_is_wrong_and_keeps_nothing(steward, client, settings):
    settings.OUTBOUND_ALLOW = []
    answer = client.post(reverse("datahub:new_subscription"), {**SETTINGS, "host": "127.0.0.1", "try": ""})
    assert answer.status_code == 409
    assert "127.0.0.1" in answer.context["failed"]
    assert not Subscription.objects.exists()


def made(n=1, **over):
    return [
        make_subscription(
            dataset_code=CODE, by=None, name=f"S{i}", host="broker.test", port=1883, topic=f"t/{i}",
            payload="json", mapping={"at": "$.at"}, **over,
        )
        for i in range(n)
    ]  # fmt: skip


def test_a_subscription_that_no_process_reads_is_said_to_be_so(steward, client):
    [sub] = made()
    [row] = client.get(reverse("datahub:subscriptions")).context["rows"]
    assert row["unread"]
    Subscription.objects.update(state="connected", alive_at=clock.now())
    [row] = client.get(reverse("datahub:subscriptions")).context["rows"]
    assert (row["state"], row["unread"]) == ("connected", False)
    MessageReject.objects.create(
        subscription=sub, topic="<b>t</b>", reason="not_json", sample="<script>", size=9, at=NOON
    )
    said = client.get(reverse("datahub:subscription", args=[sub.pk])).content.decode()
    assert "<script>{" not in said
    assert "&lt;b&gt;t&lt;/b&gt;" in said


def test_the_watch_reports_what_no_process_reads(readings, noon):
    from datahub.push.services import watch_subscriptions
    from datahub.quality.models import Incident

    made()
    assert watch_subscriptions() == 0
    with clock.at(NOON + timedelta(minutes=5)):
        assert watch_subscriptions() == 1
        assert watch_subscriptions() == 1
    incident = Incident.objects.get()
    assert (incident.kind, incident.reason, incident.times) == ("source_failing", "process_away", 2)


def test_the_page_of_subscriptions_asks_no_more_for_many(steward, client, query_budget):
    made()
    with query_budget("datahub.subscriptions"):
        client.get(reverse("datahub:subscriptions"))
    made(19)
    with query_budget("datahub.subscriptions"):
        client.get(reverse("datahub:subscriptions"))
