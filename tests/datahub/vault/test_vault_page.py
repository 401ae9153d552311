"""The steward opens a field and erases a person in the browser; nobody else does."""

import pytest
from django.urls import reverse

from commandcenter.journal.models import AuditEntry
from datahub.services import deliver
from datahub.vault.models import VaultErasure, VaultField
from tests.factories.city import UserFactory
from tests.factories.datahub import make_dataset

from .people import CLIENTS, ZHANG, clients

pytestmark = pytest.mark.django_db
PAGE = "/data/vault/"


@pytest.fixture
def delivered(city, noon, tmp_path):
    make_dataset(CLIENTS)
    return deliver(dataset_code=CLIENTS.code, path=clients(tmp_path))


@pytest.fixture
def steward(client):
    client.force_login(UserFactory(may=["steward"]))
    return client


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_page_opens_a_row_with_a_reason(steward, delivered, language):
    assert reverse("datahub:vault") == PAGE
    asked = {"do": "open", "ref": f"{delivered.pk}:1", "reason": "回访核实"}
    answer = steward.post(PAGE, asked, headers={"accept-language": language})
    assert ZHANG["phone"] in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert AuditEntry.objects.get(action="datahub.open_fields").reason == "回访核实"


@pytest.mark.parametrize(
    "over", [{"reason": ""}, {"reason": "x"}, {"ref": "1"}, {"ref": "999999:1"}, {"ref": "a:b"}]
)
def test_without_reason_or_row_nothing_is_shown(steward, delivered, over):
    answer = steward.post(PAGE, {"do": "open", "ref": f"{delivered.pk}:1", "reason": "回访核实"} | over)
    assert answer.status_code == 200
    assert ZHANG["phone"] not in answer.content.decode()
    assert not AuditEntry.objects.filter(action="datahub.open_fields").exists()


def test_a_person_is_erased_after_a_confirmation(steward, delivered):
    asked = {"do": "erase", "erase-value": ZHANG["phone"], "erase-reason": "本人申请删除"}
    first = steward.post(PAGE, asked)
    assert first.status_code == 200
    assert VaultField.objects.count() == 6
    assert AuditEntry.objects.filter(action="datahub.find_person").count() == 1
    assert steward.post(PAGE, {**asked, "erase-confirm": "on"}).status_code == 302
    assert VaultField.objects.count() == 3
    assert 'data-test="erasure-row"' in steward.get(PAGE).content.decode()
    again = steward.post(PAGE, {**asked, "erase-confirm": "on"})
    assert again.status_code == 200
    assert VaultErasure.objects.count() == 1


@pytest.mark.parametrize("role", ["analyst", "leader", "officer", "system_admin"])
def test_others_are_refused(client, delivered, role):
    client.force_login(UserFactory(may=[role]))
    asked = {"do": "erase", "erase-value": ZHANG["phone"], "erase-reason": "reason", "erase-confirm": "on"}
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, asked).status_code == 403
    assert VaultField.objects.count() == 6


def test_a_stranger_is_asked_to_log_in(client, db):
    assert client.get(PAGE).status_code == 302
