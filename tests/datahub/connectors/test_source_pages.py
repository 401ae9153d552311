"""Connecting a source in the browser's steps, and watching it afterwards."""

import re

import pytest
from django.urls import reverse

from city.roles import Role
from datahub.connectors import tasks
from datahub.connectors.models import Source
from datahub.connectors.services import run_source
from tests.factories.city import UserFactory
from tests.factories.datahub import NOON, PEOPLE, csv_file, make_dataset, rows

from .conftest import CODE, stations

pytestmark = pytest.mark.django_db
PASSWORD = "pa55-w0rd-of-theirs"


@pytest.fixture
def steward(client, readings, noon):
    user = UserFactory(may=[Role.STEWARD])
    client.force_login(user)
    return user


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """The button rings the worker's bell; the test is the worker."""
    rung = []
    monkeypatch.setattr(tasks.run_sources, "apply_async", lambda **_: rung.append(1))
    return rung


def errors(answer):
    return re.findall(
        r'class="(?:alert alert-danger|field-error)"[^>]*>(.*?)</', answer.content.decode(), re.DOTALL
    )


def test_a_database_is_connected_in_four_steps(client, steward, elsewhere, run):
    elsewhere.do(
        "CREATE TABLE rows (id bigserial PRIMARY KEY, station text, at timestamptz, value float8, pic bytea)",
        "INSERT INTO rows (station, at, value) SELECT 'S' || g, '2026-11-20 03:00+00', g FROM generate_series(1, 60) g",
    )
    first = reverse("datahub:source_new", args=["database"])
    assert client.get(first, {"dataset": CODE}).status_code == 200
    given = {
        "dataset_code": CODE, "name": "环境局", "url": elsewhere.url, "secret": "wrong", "zone": "UTC", "timeout_s": 60
    }  # fmt: skip
    given["url"] = elsewhere.url.replace(elsewhere.user, "nobody_here")
    refused = client.post(first, given)
    assert (len(errors(refused)), Source.objects.count()) == (1, 0), "what does not answer is not kept"
    given |= {"url": elsewhere.url, "secret": elsewhere.password}
    answer = client.post(first, given)
    source = Source.objects.get()
    assert answer.url == reverse("datahub:source_pick", args=[source.pk])
    page = client.get(answer.url)
    number = re.search(r'value="(\d+)">public\.rows<', page.content.decode())[1]
    answer = client.post(answer.url, {"table": number})
    assert answer.url == reverse("datahub:source_columns", args=[source.pk])
    page = client.get(answer.url)
    form = page.context["form"]
    assert {form.fields[name].label: value for name, value in form.initial.items() if name.startswith("c") and name[1:].isdecimal()} == {
        "station": "station", "at": "at", "value": "value"
    }  # fmt: skip
    assert form.initial["cursor"] == "id"
    chosen = {name: value for name, value in form.initial.items() if value not in (None, "")}
    answer = client.post(answer.url, {**chosen, "overlap": 100})
    assert answer.url == reverse("datahub:source_rhythm", args=[source.pk])
    page = client.get(answer.url)
    assert (page.context["look"].bad, len(page.context["look"].rows)) == (0, 50)
    answer = client.post(answer.url, {"rhythm": "every", "every": 10, "unit": 60})
    assert answer.url == reverse("datahub:source", args=[source.pk])
    source.refresh_from_db()
    assert (source.ready, source.every_s, source.next_run_at) == (True, 600, NOON)
    assert run(source).rows == 60
    shown = client.get(answer.url).content.decode()
    assert elsewhere.password not in shown
    assert 'data-outcome="delivered"' in shown
    assert len(stations()) == 60


def test_an_interface_is_connected_and_its_token_is_never_shown_again(client, steward, api, run):
    records = [{"station": f"S{n}", "at": NOON.isoformat(), "data": {"value": n}} for n in range(7)]
    api.serve("/rows", {"meta": {"total": 7}, "result": {"list": records}})
    given = {
        "dataset_code": CODE, "name": "接口", "url": f"{api.url}/rows", "form": "json", "secret_in": "header",
        "secret_name": "X-Key", "secret": PASSWORD, "zone": "UTC", "headers": "X-Dept: env",
    }  # fmt: skip
    answer = client.post(reverse("datahub:source_new", args=["http"]), given)
    source = Source.objects.get()
    page = client.get(answer.url)
    form = page.context["form"]
    assert form.initial["record_path"] == "/result/list"
    wanted = {name: value for name, value in form.initial.items() if value is not None}
    answer = client.post(answer.url, {**wanted, "record_path": "/result/list"})
    form = client.get(answer.url).context["form"]
    assert form.initial["cursor"] == "at"
    answer = client.post(answer.url, {name: value for name, value in form.initial.items() if value})
    client.post(answer.url, {"rhythm": "daily", "daily_at": "02:30", "every": 1, "unit": 3600})
    source.refresh_from_db()
    assert (source.rhythm, str(source.daily_at), source.settings["since_field"]) == (
        "daily",
        "02:30:00",
        "at",
    )
    assert run(source).rows == 7
    assert api.asked[-1][2]["x-key"] == PASSWORD
    for name in ("source", "source_connect", "source_pick", "source_columns", "source_rhythm"):
        page = client.get(reverse(f"datahub:{name}", args=[source.pk]))
        assert page.status_code == 200
        assert PASSWORD not in page.content.decode()
    again = {**given, "secret": "", "name": "接口二"}
    client.post(reverse("datahub:source_connect", args=[source.pk]), again)
    source.refresh_from_db()
    assert (source.name, source.secret) == ("接口二", PASSWORD), "an empty field keeps it"
    assert client.get(reverse("datahub:sources")).status_code == 200


def test_a_folder_is_connected_in_two_steps(client, steward, drop, run):
    given = {
        "dataset_code": CODE,
        "name": "夹",
        "folder": "air",
        "pattern": "*.csv",
        "settle_s": 0,
        "keep_days": 30,
    }
    answer = client.post(reverse("datahub:source_new", args=["folder"]), given)
    source = Source.objects.get()
    assert answer.url == reverse("datahub:source_rhythm", args=[source.pk])
    assert client.get(answer.url).context["look"] is None
    csv_file(drop / "air", rows(3), "a.csv")
    assert client.get(answer.url).context["look"].looked_at == 3
    assert [path.name for path in (drop / "air").iterdir()] == ["a.csv"], "a trial takes nothing"
    client.post(answer.url, {"rhythm": "every", "every": 30, "unit": 1})
    source.refresh_from_db()
    assert run(source).rows == 3


def test_an_address_that_is_not_allowed_is_said_and_not_kept(client, steward):
    given = {
        "dataset_code": CODE,
        "name": "x",
        "url": "http://169.254.169.254/",
        "form": "json",
        "secret_in": "none",
        "zone": "UTC",
    }
    page = client.post(reverse("datahub:source_new", args=["http"]), given)
    assert len(errors(page)) == 1
    assert not Source.objects.exists()


def test_of_persons_the_steps_show_no_values(client, steward, api):
    make_dataset(PEOPLE)
    api.serve(
        "/rows", [{"number": "320601199001011234", "phone": "13900001111", "name": "张三丰", "age": 30}]
    )
    given = {
        "dataset_code": PEOPLE.code, "name": "x", "url": f"{api.url}/rows", "form": "json", "secret_in": "none", "zone": "UTC"
    }  # fmt: skip
    answer = client.post(reverse("datahub:source_new", args=["http"]), given)
    source = Source.objects.get()
    form = client.get(answer.url).context["form"]
    answer = client.post(
        answer.url, {name: value for name, value in form.initial.items() if value is not None}
    )
    form = client.get(answer.url).context["form"]
    answer2 = client.post(answer.url, {name: value for name, value in form.initial.items() if value})
    for url in (answer.url, answer2.url, reverse("datahub:source_pick", args=[source.pk])):
        text = client.get(url).content.decode()
        assert not any(value in text for value in ("13900001111", "张三丰", "320601199001011234"))


def test_pause_run_now_and_accept_from_the_page(client, steward, api, connect, no_worker):
    api.serve("/rows", [{"station": "A", "at": NOON.isoformat(), "value": 1}])
    columns = {"station": "station", "at": "at", "value": "value"}
    source = connect("http", {"url": f"{api.url}/rows", "columns": columns})
    client.post(reverse("datahub:source_pause", args=[source.pk]))
    source.refresh_from_db()
    assert source.paused
    client.post(reverse("datahub:source_resume", args=[source.pk]))
    client.post(reverse("datahub:source_run", args=[source.pk]))
    assert no_worker == [1]
    run_source(source.pk)
    api.serve("/rows", [{"station": "B", "at": NOON.isoformat(), "value": "high"}])
    run_source(source.pk)
    page = client.get(reverse("datahub:source", args=[source.pk])).content.decode()
    assert 'data-test="accept"' in page
    client.post(reverse("datahub:source_accept", args=[source.pk]))
    source.refresh_from_db()
    assert source.shape["value"] == "text"
    assert client.post(reverse("datahub:source_drop", args=[source.pk])).status_code == 302
    assert Source.objects.count() == 1, "what ran is not removed"


@pytest.mark.parametrize("role", [Role.OFFICER, Role.ANALYST, Role.LEADER, Role.OPERATOR])
def test_only_the_steward_sees_sources(client, connect, drop, role):
    source = connect("folder", {"folder": "air"})
    client.force_login(UserFactory(may=[role]))
    for name, given in (
        ("sources", []), ("source", [source.pk]), ("source_kinds", []), ("source_new", ["folder"]), ("source_connect", [source.pk]),
        ("source_rhythm", [source.pk]),
    ):  # fmt: skip
        assert client.get(reverse(f"datahub:{name}", args=given)).status_code == 403
    for action in ("pause", "resume", "run", "accept", "drop"):
        assert client.post(reverse(f"datahub:source_{action}", args=[source.pk])).status_code == 403
    source.refresh_from_db()
    assert not source.paused


@pytest.mark.parametrize("n", [1, 20])
def test_the_list_asks_a_few_questions_however_many_sources_there_are(
    client, steward, connect, drop, query_budget, n
):
    for k in range(n):
        connect("folder", {"folder": f"air{k}"})
    with query_budget("datahub.sources"):
        assert client.get(reverse("datahub:sources")).content.count(b'data-test="pulled-row"') == n
