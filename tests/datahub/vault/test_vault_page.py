"""The steward opens a field and erases a person in the browser; nobody else does."""

import pytest
from django.urls import reverse

from commandcenter.journal.models import AuditEntry
from datahub.services import deliver
from datahub.vault.models import ErasureRequest, LegalHold, VaultField
from tests.factories.city import UserFactory
from tests.factories.datahub import make_dataset

from .people import CLIENTS, ZHANG, clients

pytestmark = pytest.mark.django_db
PAGE = "/data/vault/"
ERASURES = "/data/vault/erasures/"


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


ASKED = {
    "do": "ask",
    "erase-values": ZHANG["phone"],
    "erase-ground": "consent",
    "erase-reason": "本人申请删除",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_person_is_erased_when_another_steward_agrees(steward, client, delivered, language):
    words = {"accept-language": language}
    answer = steward.post(ERASURES, ASKED)
    request = ErasureRequest.objects.get()
    page = reverse("datahub:erasure", args=[request.pk])
    assert (answer.status_code, answer["Location"]) == (302, page)
    shown = steward.get(page, headers=words).content.decode()
    assert 'data-test="preview-persons">1<' in shown
    assert 'data-test="approve"' not in shown
    assert ZHANG["phone"] not in shown
    approve = reverse("datahub:erasure_act", args=[request.pk, "approve"])
    assert steward.post(approve).status_code == 403
    assert VaultField.objects.count() == 6
    client.force_login(UserFactory(may=["steward"]))
    assert 'data-test="approve"' in client.get(page).content.decode()
    assert client.post(approve).status_code == 302
    assert VaultField.objects.count() == 3
    assert 'data-test="erasure-row"' in client.get(ERASURES, headers=words).content.decode()
    paper = client.get(reverse("datahub:erasure_certificate", args=[request.pk]), headers=words)
    assert paper.content.decode().count('data-test="certificate-line"') == 6
    assert not any(value in paper.content.decode() for value in ZHANG.values())
    assert client.post(approve).status_code == 400


@pytest.mark.parametrize(
    "over", [{"erase-values": ""}, {"erase-values": "张晓明"}, {"erase-ground": "x"}, {"erase-reason": ""}]
)
def test_a_request_that_says_too_little_is_not_written_down(steward, delivered, over):
    assert steward.post(ERASURES, ASKED | over).status_code == 400
    assert not ErasureRequest.objects.exists()


def test_a_duty_to_keep_is_written_down_and_lifted(steward, db):
    asked = {
        "do": "hold",
        "hold-value": ZHANG["phone"],
        "hold-statute": "网络安全法",
        "hold-reason": "案件侦办",
    }
    assert steward.post(ERASURES, asked | {"hold-statute": ""}).status_code == 400
    assert steward.post(ERASURES, asked).status_code == 302
    hold = LegalHold.objects.get()
    assert ZHANG["phone"] not in hold.mark
    assert 'data-test="hold"' in steward.get(ERASURES).content.decode()
    assert steward.post(reverse("datahub:lift_hold", args=[hold.pk])).status_code == 302
    assert 'data-test="hold"' not in steward.get(ERASURES).content.decode()


@pytest.mark.parametrize("role", ["analyst", "leader", "officer", "system_admin"])
def test_others_are_refused(client, delivered, role):
    client.force_login(UserFactory(may=[role]))
    for page in (PAGE, ERASURES):
        assert client.get(page).status_code == 403
        assert client.post(page, ASKED).status_code == 403
    assert VaultField.objects.count() == 6


def test_a_stranger_is_asked_to_log_in(client, db):
    assert client.get(PAGE).status_code == 302
