"""The steward's page of peers."""

import pytest
from django.urls import reverse

from datahub.cascade.models import Entry, Peer, Route
from datahub.sharing.models import ShareKey
from datahub.sharing.selectors import cut
from tests.factories.city import UserFactory
from tests.factories.datahub import NOON, READINGS

PAGE = "datahub:cascade:peers"


@pytest.fixture
def steward(client, city, settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    user = UserFactory(may=["steward"])
    client.force_login(user)
    return client


def register(client, url="http://127.0.0.1:9000/"):
    data = {"code": "qidong", "name": "启东市", "level": "county", "url": url, "token": "ccs_theirs"}
    return client.post(reverse("datahub:cascade:add_peer"), data)


def test_a_peer_is_registered_given_a_key_and_taken_from(steward, noon):
    assert register(steward).status_code == 302
    peer = Peer.objects.get()
    assert (peer.url, peer.token) == ("http://127.0.0.1:9000", "ccs_theirs")
    shown = steward.post(reverse("datahub:cascade:give_key", args=[peer.pk]))
    key = shown.context["once"]
    assert key in shown.content.decode()
    assert ShareKey.objects.get().token_hint == key[-4:]
    declaration = cut(READINGS, ["station", "at", "value"]).model_dump(mode="json")
    Entry.objects.create(
        peer=peer, code=READINGS.code, name="读数", body={"declaration": declaration}, seen_at=NOON
    )
    steward.post(
        reverse("datahub:cascade:add_route"),
        {"peer_id": peer.pk, "remote_code": READINGS.code, "direction": "up"},
    )
    route = Route.objects.get()
    assert (route.direction, route.dataset.code) == ("up", "qidong.test__readings")
    assert [c.code for c in route.dataset.columns.all()] == ["station", "at", "value"]
    html = steward.get(reverse(PAGE)).content.decode()
    assert 'data-direction="up"' in html
    assert key not in html
    assert "ccs_theirs" not in html
    steward.post(reverse("datahub:cascade:pause", args=[route.pk]), {"paused": "1"})
    route.refresh_from_db()
    assert route.paused


def test_an_address_off_the_list_is_refused(steward, noon):
    assert register(steward, "http://127.0.0.2/").status_code == 409
    assert not Peer.objects.exists()


@pytest.mark.parametrize("role", ["analyst", "leader", "officer"])
def test_only_the_steward(client, city, role):
    client.force_login(UserFactory(may=[role]))
    assert client.get(reverse(PAGE)).status_code == 403
    assert register(client).status_code == 403
    assert not Peer.objects.exists()
