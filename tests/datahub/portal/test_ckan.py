"""The real CKAN client against the running server, and the envelope itself."""

import json
import shutil
from pathlib import Path

import pytest
from ckanapi import NotFound, RemoteCKAN, ValidationError
from django.urls import reverse

from datahub.portal.limits import LIMITS

pytestmark = pytest.mark.django_db
HIDDEN = ["reporter_phone", "13812345678", "inner_note", "勿外传", "机密", "closed"]


def get(client, name, **params):
    return client.get(reverse("portal:ckan", args=[name]), params)


def post(client, name, body, kind="application/json"):
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return client.post(reverse("portal:ckan", args=[name]), data, content_type=kind)


def result(answer):
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["success"] is True
    assert body["help"]
    return body["result"]


# ---------------------------------------------------------------- the real client, the real server


@pytest.fixture
def empty_lake(live_city, settings):
    """The running city keeps its lake between tests while its database is emptied."""
    for folder in Path(settings.LAKE_URL).glob("test.*"):
        shutil.rmtree(folder)


def test_ckanapi_lists_shows_and_searches(live_city, empty_lake, open_air, closed):
    for get_only in (False, True):
        by_ckanapi(live_city.url, closed, get_only=get_only)


def by_ckanapi(url, closed, *, get_only):
    with RemoteCKAN(url, get_only=get_only) as city:
        assert city.action.site_read() is True
        assert city.action.status_show()["extensions"] == ["datastore"]
        assert city.action.package_list() == ["test-open_air"]
        shown = city.action.package_show(id="test-open_air")
        assert shown["title"] == "空气读数"
        assert city.action.package_search(q="空气 生态环境局")["count"] == 1
        assert city.action.package_search(q="机密")["count"] == 0
        assert [one["name"] for one in city.action.organization_list(all_fields=True)] == ["3206-hj"]
        assert city.action.group_list() == ["环境保护"]
        assert sorted(city.action.tag_list()) == sorted(["空气", "监测"])
        held = next(one for one in shown["resources"] if one["datastore_active"])
        found = city.action.datastore_search(resource_id=held["id"], limit=5, sort="count desc")
        assert found["total"] == 12
        assert [row["count"] for row in found["records"]] == [11, 10, 9, 8, 7]
        with pytest.raises(NotFound):
            city.action.package_show(id=closed[0].code)
        with pytest.raises(NotFound):
            city.action.datastore_search(resource_id=closed[0].code)
        with pytest.raises(ValidationError):
            city.action.package_show()
        with pytest.raises(ValidationError):
            city.action.datastore_search(resource_id=held["id"], filters=json.dumps({"reporter_phone": "1"}))


# ---------------------------------------------------------------- the envelope


def test_a_package_in_ckans_shape(client, open_air, closed):
    shown = result(get(client, "package_show", id="test-open_air"))
    assert {
        "id",
        "name",
        "title",
        "notes",
        "license_id",
        "organization",
        "tags",
        "groups",
        "resources",
    } <= set(shown)
    assert shown["organization"]["title"] == "市生态环境局"
    assert {one["format"] for one in shown["resources"]} == {"CSV", "JSON", "Parquet"}
    for held in shown["resources"]:
        assert client.get(held["url"].removeprefix("http://testserver")).status_code == 200
        assert result(get(client, "resource_show", id=held["id"]))["url"] == held["url"]
    assert result(get(client, "package_show", id=open_air.code)) == shown
    everything = json.dumps(
        [
            result(get(client, name))
            for name in ("current_package_list_with_resources", "package_search", "package_list")
        ]
        + [
            result(get(client, name, all_fields="true"))
            for name in ("organization_list", "group_list", "tag_list")
        ],
        ensure_ascii=False,
    )
    assert not [word for word in HIDDEN if word in everything]


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 1), ({"q": "*:*"}, 1), ({"q": "次数"}, 1), ({"q": "reporter_phone"}, 0),
        ({"fq": "organization:3206-hj"}, 1), ({"fq": "organization:3206-secret"}, 0),
        ({"fq": 'tags:"空气" AND groups:环境保护'}, 1), ({"fq": "+res_format:CSV"}, 1), ({"fq": "res_format:SHP"}, 0),
        ({"fq_list": '["tags:空气", "license_id:city-open"]'}, 1), ({"fq": "license_id:cc0-1.0"}, 0),
        ({"rows": 0}, 1), ({"sort": "metadata_modified desc, name asc"}, 1),
    ],
)  # fmt: skip
def test_package_search_counts_what_fits(client, open_air, closed, params, count):
    found = result(get(client, "package_search", **params))
    assert found["count"] == count
    assert len(found["results"]) == (0 if params.get("rows") == 0 else count)


def test_facets_count_open_data_only(client, open_air, closed):
    found = result(get(client, "package_search", **{"facet.field": '["organization", "tags", "groups"]'}))
    assert found["facets"]["organization"] == {"3206-hj": 1}
    assert found["facets"]["tags"] == {"空气": 1, "监测": 1}
    assert found["search_facets"]["organization"]["items"][0]["display_name"] == "市生态环境局"


@pytest.mark.parametrize(
    ("params", "counts"),
    [
        ({"limit": 3}, [11, 10, 9]),
        ({"limit": 2, "offset": 3}, [8, 7]),
        ({"filters": '{"station": "S1"}', "limit": 2}, [11, 9]),
        ({"filters": '{"count": ["3", 4, 400]}'}, [4, 3]),
        ({"filters": '{"value": null}'}, []),
        ({"q": "s0", "limit": 2}, [10, 8]),
        ({"q": '{"station": "S1"}', "sort": "count", "limit": 2}, [1, 3]),
        ({"sort": "count asc", "limit": 1}, [0]),
        ({"sort": '"count" desc nulls last', "limit": 1}, [11]),
        ({"limit": 0}, []),
    ],
)
def test_rows_by_filter_word_order_and_page(client, open_air, params, counts):
    found = result(get(client, "datastore_search", resource_id="test-open_air.csv", **params))
    assert [row["count"] for row in found["records"]] == counts
    assert not {"reporter_phone", "inner_note", "_delivery", "_area"} & {one["id"] for one in found["fields"]}


def test_forms_of_the_answer(client, open_air):
    ask = {"resource_id": "test-open_air", "fields": ["count", "station"], "limit": 2}
    found = result(post(client, "datastore_search", ask))
    assert found["records"] == [{"count": 11, "station": "S1"}, {"count": 10, "station": "S0"}]
    assert found["total"] == 12
    assert result(post(client, "datastore_search", {**ask, "records_format": "lists"}))["records"] == [
        [11, "S1"],
        [10, "S0"],
    ]
    assert (
        result(post(client, "datastore_search", {**ask, "records_format": "csv"}))["records"]
        == "11,S1\n10,S0\n"
    )
    assert "total" not in result(post(client, "datastore_search", {**ask, "include_total": False}))
    stations = result(
        post(
            client,
            "datastore_search",
            {"resource_id": "test-open_air", "fields": "station", "distinct": True},
        )
    )
    assert stations["records"] == [{"station": "S0"}, {"station": "S1"}]
    assert stations["total"] == 2
    numbered = result(
        post(client, "datastore_search", {"resource_id": "test-open_air", "limit": 2, "offset": 4})
    )
    assert [row["_id"] for row in numbered["records"]] == [5, 6]
    following = client.get(found["_links"]["next"])
    assert following.status_code == 200


@pytest.mark.parametrize(
    ("name", "body", "status", "kind"),
    [
        ("package_show", {}, 409, "Validation Error"),
        ("package_show", {"id": "nowhere"}, 404, "Not Found Error"),
        ("package_show", {"id": ["a"]}, 409, "Validation Error"),
        ("package_show", {"id": "test.closed_personal"}, 404, "Not Found Error"),
        ("package_list", {"limit": "x"}, 409, "Validation Error"),
        ("package_list", {"limit": -1}, 409, "Validation Error"),
        ("package_search", {"fq": "secret:1"}, 409, "Validation Error"),
        ("package_search", {"sort": "name; drop"}, 409, "Validation Error"),
        ("organization_show", {"id": "3206-secret"}, 404, "Not Found Error"),
        ("datastore_search", {}, 409, "Validation Error"),
        ("datastore_search", {"resource_id": "test-closed_not_open.csv"}, 404, "Not Found Error"),
        ("datastore_search", {"resource_id": "test-open_air", "fields": ["reporter_phone"]}, 409, "Validation Error"),
        ("datastore_search", {"resource_id": "test-open_air", "sort": "inner_note"}, 409, "Validation Error"),
        ("datastore_search", {"resource_id": "test-open_air", "q": {"inner_note": "勿"}}, 409, "Validation Error"),
        ("datastore_search", {"resource_id": "test-open_air", "filters": {"_delivery": 1}}, 409, "Validation Error"),
        ("datastore_search", {"resource_id": "test-open_air", "filters": {"count": "viele"}}, 409, "Validation Error"),
        ("datastore_search", {"resource_id": "test-open_air", "filters": {"count": 10**30}}, 409, "Validation Error"),
        ("datastore_search", {"resource_id": "test-open_air", "filters": [1]}, 409, "Validation Error"),
        ("datastore_search", {"resource_id": "test-open_air", "offset": 10**9}, 409, "Validation Error"),
        ("datastore_search", {"resource_id": "test-open_air", "records_format": "xml"}, 409, "Validation Error"),
    ],
)  # fmt: skip
def test_refusals_in_ckans_words(client, open_air, closed, name, body, status, kind):
    answer = post(client, name, body)
    said = answer.json()
    assert (answer.status_code, said["success"], said["error"]["__type"]) == (status, False, kind)


@pytest.mark.parametrize(
    ("name", "body"),
    [("no_such_action", {}), ("package_list", "{"), ("package_list", "[1]"), ("package_create", {})],
)
def test_what_cannot_be_understood_is_a_bare_text(client, db, name, body):
    answer = post(client, name, body)
    assert answer.status_code == 400
    assert answer.json().startswith("Bad request - ")


def test_forms_of_the_question(client, open_air):
    assert (
        result(client.post(reverse("portal:ckan", args=["package_show"]), {"id": "test-open_air"}))["name"]
        == "test-open_air"
    )
    quoted = post(client, "package_show", '{"id": "test-open_air"}', kind="application/x-www-form-urlencoded")
    assert quoted.status_code in (200, 409)
    assert client.get("/api/action/package_list").json()["result"] == ["test-open_air"]
    assert client.put(reverse("portal:ckan", args=["package_list"])).status_code == 405
    allowed = client.options(reverse("portal:ckan", args=["package_list"]))
    assert allowed.headers["Access-Control-Allow-Origin"] == "*"


def test_no_cookie_and_no_token_are_needed(open_air):
    from django.test import Client

    careful = Client(enforce_csrf_checks=True)
    answer = post(careful, "package_list", {})
    assert result(answer) == ["test-open_air"]
    assert not answer.cookies


def test_one_address_may_not_ask_without_end(client, open_air, monkeypatch):
    monkeypatch.setitem(LIMITS, "rows", (1, 60))
    ask = {"resource_id": "test-open_air", "limit": 1}
    assert post(client, "datastore_search", ask).status_code == 200
    refused = post(client, "datastore_search", ask)
    assert refused.status_code == 429
    assert refused.json()["success"] is False
    assert int(refused.headers["Retry-After"]) > 0
