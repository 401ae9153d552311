"""What the steward sees and does, and what others do not."""

import json

import pytest
from django.urls import reverse

from city.roles import Role
from commandcenter.journal.models import AuditEntry
from datahub import selectors
from datahub.services import deliver
from tests.factories.city import RUDONG, UserFactory
from tests.factories.datahub import PEOPLE, READINGS, csv_file, make_dataset, rows

pytestmark = pytest.mark.django_db
CODE = READINGS.code


@pytest.fixture
def steward(client):
    user = UserFactory(may=["steward"])
    client.force_login(user)
    return client


@pytest.fixture
def delivered(readings, noon, tmp_path):
    records = rows(6)
    records[2]["value"] = "=cmd()"
    return deliver(dataset_code=CODE, path=csv_file(tmp_path, records))


PAGES = ["overview", "dataset", "delivery", "upload", "rejects"]


def address(page, delivery):
    args = {"overview": [], "delivery": [delivery.pk], "rejects": [delivery.pk]}.get(page, [CODE])
    return reverse(f"datahub:{page}", args=args)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_steward_opens_every_page(steward, delivered, page, language):
    answer = steward.get(address(page, delivered), headers={"accept-language": language})
    assert answer.status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", ["operator", "officer", "grid_worker", "system_admin"])
def test_others_are_refused(client, delivered, page, role):
    client.force_login(UserFactory(may=[role]))
    assert client.get(address(page, delivered)).status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_asked_to_log_in(client, delivered, page):
    assert client.get(address(page, delivered)).status_code == 302


def test_an_analyst_reads_but_neither_delivers_nor_sees_rejects(client, delivered):
    client.force_login(UserFactory(may=["analyst"]))
    assert client.get(address("dataset", delivered)).status_code == 200
    assert client.get(address("upload", delivered)).status_code == 403
    assert client.get(address("rejects", delivered)).status_code == 403
    assert b"cmd()" not in client.get(address("delivery", delivered)).content
    assert client.get(f"/api/v1/deliveries/{delivered.pk}/rejects/").status_code == 403


def test_a_steward_of_another_county_does_not_find_the_dataset(client, noon, city, tmp_path):
    make_dataset(READINGS.model_copy(update={"area_code": "320613"}))
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3)))
    client.force_login(UserFactory(roles=[(Role.STEWARD, RUDONG, None)]))
    for page in ("dataset", "delivery", "upload", "rejects"):
        assert client.get(address(page, delivery)).status_code == 404
    assert client.get(f"/api/v1/datasets/{CODE}/").status_code == 404
    assert client.get(f"/api/v1/deliveries/{delivery.pk}/").status_code == 404
    assert client.get("/api/v1/deliveries/").json()["results"] == []


def test_rejects_are_exported_safely_and_written_down(steward, delivered):
    lines = b"".join(steward.get(address("rejects", delivered)).streaming_content).decode("utf-8-sig")
    assert "rows.csv,3,value," in lines
    assert ",'=cmd()," in lines
    assert AuditEntry.objects.filter(action="datahub.export_rejects", target_ref=delivered.ref).exists()


def test_the_overview_counts_rows_and_failures(steward, delivered):
    html = steward.get(reverse("datahub:overview"), headers={"HX-Request": "true"}).content.decode()
    assert 'data-freshness="fresh"' in html
    assert 'title="5" data-test="rows-today"' in html


def test_the_api_lists_datasets_and_deliveries(steward, delivered):
    assert [d["code"] for d in steward.get("/api/v1/datasets/").json()["results"]] == [CODE]
    detail = steward.get(f"/api/v1/datasets/{CODE}/").json()
    assert [c["code"] for c in detail["columns"]] == [c.code for c in READINGS.columns]
    [found] = steward.get(f"/api/v1/deliveries/?dataset__code={CODE}").json()["results"]
    assert (found["state"], found["rows_in"], found["rows_committed"], found["rows_rejected"]) == (
        "committed",
        6,
        5,
        1,
    )
    [reject] = steward.get(f"/api/v1/deliveries/{delivered.pk}/rejects/").json()["results"]
    assert (reject["row_number"], reject["column"], reject["reason"]) == (3, "value", "not_number")


def test_a_personal_dataset_is_masked_for_the_steward_and_hidden_from_the_analyst(
    client, city, noon, tmp_path
):
    make_dataset(PEOPLE)
    path = tmp_path / "people.csv"
    path.write_text("number,phone,age\n1,13812345678,30\n")
    deliver(dataset_code=PEOPLE.code, path=path)
    page = reverse("datahub:dataset", args=[PEOPLE.code])
    client.force_login(UserFactory(may=["steward"]))
    html = client.get(page).content.decode()
    assert "***" in html
    assert "13812345678" not in html
    client.force_login(UserFactory(may=["analyst"]))
    assert 'data-test="sample"' not in client.get(page).content.decode()


def test_the_commands_last_line_is_json(readings, noon, tmp_path, capsys):
    from django.core.management import call_command

    path = csv_file(tmp_path, rows(4))
    for expected in (("committed", 4, 4), ("unchanged", 0, 0)):
        call_command("deliver", CODE, str(path))
        line = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert (line["state"], line["rows_in"], line["rows_committed"]) == expected
        assert {"delivery", "rows_rejected", "seconds"} <= set(line)


def test_packs_load_twice_without_change(db):
    from datahub.services import load_packs

    first = load_packs()
    assert first["datasets"] == first["changed"]
    assert load_packs()["changed"] == 0
    assert selectors.spec_of("env.air_quality").mapping("prsa") is not None
