"""What everybody sees of the open data, and what nobody does."""

import io
import json

import pyarrow.parquet as pq
import pytest
from django.urls import reverse

from datahub.models import Column, Dataset
from datahub.portal import reading
from datahub.portal.limits import LIMITS
from datahub.services import deliver, save_dataset
from tests.factories.city import UserFactory
from tests.factories.datahub import csv_file

from .conftest import OPEN, REGISTER

pytestmark = pytest.mark.django_db
HIDDEN = ["reporter_phone", "上报人电话", "13812345678", "inner_note", "内部备注", "勿外传"]


def page(client, name, *args, language="zh-hans", **query):
    return client.get(reverse(f"portal:{name}", args=args), query, headers={"accept-language": language})


def codes(answer):
    return [one["dataset"].code for one in answer.context["found"]]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("name", ["home", "help", "ask", "progress"])
def test_a_stranger_opens_every_page(client, open_air, name, language):
    assert page(client, name, language=language).status_code == 200


@pytest.mark.parametrize(
    "words",
    [
        "空气",
        "air",
        "读数 监测",
        "次数",
        "count",
        "test.open",
        "生态环境局",
        "环境保护",
        "逐分钟",
        "空气 读数 station",
    ],
)
def test_search_finds_by_name_column_tag_department_and_theme(client, open_air, words):
    assert codes(page(client, "home", q=words)) == [open_air.code]


@pytest.mark.parametrize("words", ["电话", "reporter", "内部备注", "空气 不存在", "%", "机密"])
def test_search_knows_nothing_of_hidden_columns_and_closed_data(client, open_air, closed, words):
    assert codes(page(client, "home", q=words)) == []


def test_filters_count_only_what_is_open(client, open_air, closed):
    answer = page(client, "home")
    assert answer.context["total"] == 1
    assert [(one.value, one.count) for one in answer.context["themes"]] == [("环境保护", 1)]
    assert [(one.value, one.count) for one in answer.context["providers"]] == [("3206-hj", 1)]
    assert {one.value for one in answer.context["tags"]} == {"空气", "监测"}
    assert "机密" not in answer.content.decode()
    for query, found in [({"theme": "环境保护"}, 1), ({"theme": "机密主题"}, 0), ({"provider": "3206-hj"}, 1),
                         ({"provider": "3206-secret"}, 0), ({"tag": "空气"}, 1), ({"tag": "机密"}, 0)]:  # fmt: skip
        assert len(codes(page(client, "home", **query))) == found


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_dataset_shows_columns_terms_and_a_preview_without_what_is_personal(client, open_air, language):
    answer = page(client, "dataset", open_air.code, language=language)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert len(answer.context["rows"]) == 12
    assert [c.code for c in answer.context["columns"]] == ["station", "at", "value", "count", "lon", "lat"]
    assert [word for word in HIDDEN if word in text] == []
    assert "city-open" in text


def test_closed_data_are_not_there(client, open_air, closed):
    never = reverse("portal:dataset", args=["test.never_was"])
    wanted = client.get(never)
    for one in closed:
        for name, args in [("dataset", []), ("rows", ["csv"]), ("rows", ["parquet"]), ("dataset_jsonld", [])]:
            answer = page(client, name, one.code, *args)
            assert answer.status_code == wanted.status_code == 404, (one.code, name)
            assert one.name not in answer.content.decode()


def test_a_steward_who_is_logged_in_sees_no_more_here(client, open_air, closed):
    client.force_login(UserFactory(may=["steward"]))
    assert page(client, "dataset", closed[0].code).status_code == 404
    assert codes(page(client, "home", q="机密")) == []


@pytest.mark.parametrize(
    "change", [{"open_type": "closed"}, {"privacy_class": "sensitive"}, {"status": "retired"}]
)
def test_data_that_are_closed_again_are_gone_at_once(client, open_air, change):
    assert page(client, "rows", open_air.code, "csv").status_code == 200
    Dataset.objects.filter(pk=open_air.pk).update(**change)
    assert page(client, "rows", open_air.code, "csv").status_code == 404


def test_a_column_that_becomes_personal_is_gone_at_once(client, open_air):
    Column.objects.filter(dataset=open_air, code="station").update(personal=True)
    answer = page(client, "rows", open_air.code, "csv")
    assert "station" not in answer.content.decode().splitlines()[0]


def test_downloads_hold_the_same_rows_in_three_forms(client, open_air):
    csv_lines = page(client, "rows", open_air.code, "csv").content.decode("utf-8-sig").splitlines()
    body = json.loads(page(client, "rows", open_air.code, "json").content)
    table = pq.read_table(io.BytesIO(page(client, "rows", open_air.code, "parquet").content))
    names = ["station", "at", "value", "count", "lon", "lat"]
    assert csv_lines[0].replace('"', "").split(",") == names == table.column_names == list(body["rows"][0])
    assert len(csv_lines) - 1 == len(body["rows"]) == table.num_rows == 12
    assert [row["count"] for row in body["rows"]] == list(range(11, -1, -1)) == table["count"].to_pylist()
    assert body["licence"] == "city-open"


def test_a_limit_is_kept_and_must_make_sense(client, open_air):
    assert page(client, "rows", open_air.code, "csv", limit=3).headers["X-Rows"] == "3"
    for limit in ["0", "-1", "x", "50001", "９", "1e3", ""]:
        assert page(client, "rows", open_air.code, "csv", limit=limit).status_code == 400
    assert page(client, "rows", open_air.code, "xlsx").status_code == 404


def test_a_register_shows_each_key_as_known_now(client, city, noon, tmp_path):
    found = save_dataset(REGISTER)[0]
    for n, names in enumerate([("甲", "乙"), ("甲改", "乙")]):
        records = [{"id": f"S{i}", "name": name} for i, name in enumerate(names)]
        deliver(dataset_code=found.code, path=csv_file(tmp_path, records, name=f"{n}.csv"), period=str(n))
    rows = json.loads(page(client, "rows", found.code, "json").content)["rows"]
    assert rows == [{"id": "S0", "name": "甲改"}, {"id": "S1", "name": "乙"}]


def test_a_file_for_a_spreadsheet_runs_nothing(client, city, noon, tmp_path):
    found = save_dataset(REGISTER)[0]
    records = [{"id": "1", "name": "=HYPERLINK(0)"}, {"id": "2", "name": "好"}]
    deliver(dataset_code=found.code, path=csv_file(tmp_path, records))
    text = page(client, "rows", found.code, "csv").content.decode()
    assert "'=HYPERLINK(0)" in text
    assert json.loads(page(client, "rows", found.code, "json").content)["rows"][0]["name"] == "=HYPERLINK(0)"


def test_data_without_rows_say_so(client, city):
    found = save_dataset(REGISTER)[0]
    assert page(client, "dataset", found.code).status_code == 200
    assert json.loads(page(client, "rows", found.code, "json").content)["rows"] == []


def test_one_address_may_not_ask_for_rows_without_end(client, open_air, monkeypatch):
    monkeypatch.setitem(LIMITS, "rows", (2, 60))
    answers = [page(client, "rows", open_air.code, "csv").status_code for _n in range(3)]
    assert answers == [200, 200, 429]
    other = client.get(reverse("portal:rows", args=[open_air.code, "csv"]), REMOTE_ADDR="10.9.9.9")
    assert other.status_code == 200


def test_a_question_that_takes_too_long_is_stopped(open_air, monkeypatch):
    monkeypatch.setattr(reading, "SECONDS", 0.2)
    backend = reading.engine().backend

    def endless(*args, **kwargs):
        return backend.con.execute("SELECT count(*) FROM range(100000000000) a, range(1000) b").fetchall()

    monkeypatch.setattr(reading, "_search", endless)
    with pytest.raises(reading.TooSlow):
        reading.newest(open_air, 5)


def test_dcat_describes_what_is_open(client, open_air, closed):
    answer = client.get("/catalog.jsonld")
    body = answer.json()
    assert answer.headers["Content-Type"].startswith("application/ld+json")
    assert body["@type"] == "dcat:Catalog"
    [one] = body["dcat:dataset"]
    assert one["dct:identifier"] == open_air.code
    assert one["dct:accrualPeriodicity"]["@id"].endswith("/HOURLY")
    assert {"@language": "zh", "@value": "空气读数"} in one["dct:title"]
    for held in one["dcat:distribution"]:
        assert (
            client.get(held["dcat:downloadURL"]["@id"].removeprefix("http://testserver")).status_code == 200
        )
    own = client.get(reverse("portal:dataset_jsonld", args=[open_air.code])).json()
    assert own["dct:identifier"] == open_air.code
    assert "@context" in own
    assert not any(word in answer.content.decode() for word in [*HIDDEN, "机密"])


@pytest.mark.parametrize("many", [1, 15])
def test_what_a_list_costs_does_not_grow_with_it(client, open_air, query_budget, many):
    for n in range(many - 1):
        save_dataset(OPEN.model_copy(update={"code": f"test.open_{n}"}))
    for name, address in [
        ("portal.home", reverse("portal:home")),
        ("portal.package_search", reverse("portal:ckan", args=["package_search"])),
        ("portal.catalogue", reverse("portal:catalogue")),
    ]:
        with query_budget(name):
            assert client.get(address).status_code == 200
