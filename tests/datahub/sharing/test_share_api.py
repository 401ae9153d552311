"""The share API: who gets what, in which form, how often; and every call is written down."""

import csv
import io
from datetime import timedelta

import pyarrow as pa
import pytest

from commandcenter.core import clock
from commandcenter.journal.models import AuditEntry
from datahub.sharing import services
from datahub.sharing.models import Agreement, ShareCall
from datahub.sharing.selectors import recount
from tests.factories.datahub import NOON
from tests.factories.sharing import (
    COLUMNS,
    CONDITIONAL,
    PERSONS,
    UNCONDITIONAL,
    bring,
    granted,
    people,
    shared,
)

URL = f"/api/share/v1/{CONDITIONAL.code}/rows"


@pytest.fixture
def who(city):
    return people()


def call(client, token="", url=URL, **params):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    accept = params.pop("accept", None)
    if accept:
        headers["Accept"] = accept
    return client.get(url, params, headers=headers)


def walk(client, token, **params):
    """All pages from the first to the end."""
    found, cursor, pages = [], {}, 0
    while True:
        body = call(client, token, **{**params, **cursor}).json()
        found += body["rows"]
        pages += 1
        if body["next"] is None:
            return found, pages, body["resume"]
        cursor = {"cursor": body["next"]}


def test_the_chain_from_ungranted_to_revoked_and_expired(client, who, noon):
    """Acceptance: granted 200, ungranted 403, counter + 1, revoked 403 at once, expired 403, all in the audit log."""
    shared(rows=6)
    shared(UNCONDITIONAL, rows=3)
    agreement, token = granted(who)
    before = recount(agreement)["calls"]
    assert call(client).status_code == 403
    assert call(client, "ccs_nobody").status_code == 403
    assert call(client, token, url=f"/api/share/v1/{UNCONDITIONAL.code}/rows").status_code == 403
    answer = call(client, token)
    assert (answer.status_code, answer.json()["count"]) == (200, 6)
    assert recount(agreement)["calls"] == before + 1
    services.stop_grant(agreement_id=agreement.pk, by=who["provider"], reason="用途不符")
    assert call(client, token).json()["code"] == "stopped"
    _open, short = granted(who, UNCONDITIONAL.code)
    url = f"/api/share/v1/{UNCONDITIONAL.code}/rows"
    assert call(client, short, url=url).status_code == 200
    with clock.at(NOON + timedelta(days=31)):
        answer = call(client, short, url=url)
    assert (answer.status_code, answer.json()["code"]) == (403, "expired")
    refused = AuditEntry.objects.filter(action="datahub.share_call", result="refused").order_by("pk")
    assert list(refused.values_list("reason", flat=True)) == [
        "no_token", "unknown_token", "not_granted", "stopped", "expired",
    ]  # fmt: skip
    assert AuditEntry.objects.filter(action="datahub.stop_grant", target_ref=agreement.ref).count() == 1
    assert ShareCall.objects.filter(outcome="refused").count() == 5


def test_columns_are_cut_to_the_grant(client, who, noon):
    shared(rows=4)
    _agreement, token = granted(who, terms={"columns": ["station", "value"]})
    assert set(call(client, token).json()["rows"][0]) == {"station", "value"}
    assert set(call(client, token, columns="value").json()["rows"][0]) == {"value"}
    for asked in ("count", "lon", "_delivery", "nothing"):
        assert call(client, token, columns=asked).status_code == 400
        assert call(client, token, **{asked: "1"}).status_code == 400


def test_the_provider_s_conditions_hold_whatever_is_asked(client, who, noon):
    shared(rows=10)
    rule = {"column": "station", "op": "eq", "value": "S1"}
    _agreement, token = granted(who, terms={"row_filter": [rule]})
    assert {row["station"] for row in call(client, token).json()["rows"]} == {"S1"}
    assert call(client, token, station="S0").json()["rows"] == []
    assert call(client, token, station__in="S0,S1").json()["count"] == 5


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ({"value__ge": "7"}, [7, 8, 9]),
        ({"value__lt": "2"}, [0, 1]),
        ({"value__in": "3,5"}, [3, 5]),
        ({"value__ne": "0", "value__le": "2"}, [1, 2]),
        ({"station__prefix": "S", "value": "4"}, [4]),
        ({"value__is_null": "1"}, []),
        ({"at__ge": "2026-11-20T12:00:00+08:00"}, [9]),
        ({"at__ge": NOON.isoformat()}, [9]),
    ],
)
def test_a_caller_s_own_conditions(client, who, noon, asked, values):
    shared(rows=10)
    _agreement, token = granted(who)
    assert [row["value"] for row in call(client, token, **asked).json()["rows"]] == values


@pytest.mark.parametrize(
    "asked",
    [
        {"value": "many"}, {"at__lt": "yesterday"}, {"value__like": "1"}, {"limit": "0"}, {"limit": "1000000"},
        {"limit": "x"}, {"format": "xml"}, {"cursor": "abc"}, {"cursor": "é.1"}, {"station__in": ""},
        {"columns": ""}, {"value": "9" * 5000 + "x"}, {"at__lt": "0001-01-01"}, {"nothing\x00": "1"},
    ],
)  # fmt: skip
def test_nonsense_is_400_and_written_down(client, who, noon, asked):
    shared(rows=2)
    agreement, token = granted(who)
    answer = call(client, token, **asked)
    if asked == {"station__in": ""}:
        assert answer.json()["rows"] == []
        return
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")
    assert recount(agreement)["refused"] == 1


def test_pages_stay_where_they_are_while_the_dataset_grows(client, who, noon):
    shared()
    for n in range(4):
        bring(CONDITIONAL.code, 25, at=NOON - timedelta(hours=n), station=f"B{n}")
    _agreement, token = granted(who)
    first = call(client, token, limit=30).json()
    bring(CONDITIONAL.code, 40, at=NOON - timedelta(hours=9), station="LATE")
    rows, cursor = first["rows"], first["next"]
    while cursor:
        body = call(client, token, limit=30, cursor=cursor).json()
        assert body["version"] == first["version"]
        rows += body["rows"]
        cursor = body["next"]
    assert len(rows) == 100
    assert not [row for row in rows if row["station"] == "LATE"]
    later, _pages, _resume = walk(client, token, cursor=body["resume"])
    assert {row["station"] for row in later} == {"LATE"}
    assert len(later) == 40


@pytest.mark.parametrize("limit", [1, 7, 33, 1000])
def test_every_row_comes_once_whatever_the_size_of_a_page(client, who, noon, limit, monkeypatch):
    monkeypatch.setattr("datahub.sharing.reading.WINDOW_ROWS", 10)
    shared()
    for n in range(3):
        bring(CONDITIONAL.code, 11, at=NOON - timedelta(hours=n), step=timedelta(seconds=1))
    _agreement, token = granted(who)
    rows, _pages, _resume = walk(client, token, limit=limit)
    assert len(rows) == len({row["at"] for row in rows}) == 33
    found, _pages, _resume = walk(client, token, limit=limit, value__ge="9")
    assert len(found) == 6


def test_a_cursor_is_good_for_its_own_question_only(client, who, noon):
    shared(rows=5)
    _agreement, token = granted(who)
    cursor = call(client, token, limit=2).json()["next"]
    assert call(client, token, limit=2, cursor=cursor, station="S0").status_code == 400
    assert call(client, token, limit=2, cursor=cursor[:-1] + "0").status_code == 400
    assert call(client, token, limit=2, cursor=cursor).status_code == 200


@pytest.mark.parametrize("how", [{"format": "csv"}, {"accept": "text/csv"}])
def test_csv(client, who, noon, how):
    shared(rows=3)
    _agreement, token = granted(who)
    answer = call(client, token, **how)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Type"].startswith("text/csv")
    assert [row["value"] for row in rows] == ["0", "1", "2"]
    assert answer["X-Rows"] == "3"
    assert answer["X-Resume-Cursor"]


@pytest.mark.parametrize("how", [{"format": "arrow"}, {"accept": "application/vnd.apache.arrow.stream"}])
def test_arrow(client, who, noon, how):
    shared(rows=3)
    _agreement, token = granted(who)
    answer = call(client, token, **how)
    with pa.ipc.open_stream(answer.content) as reader:
        table = reader.read_all()
    assert table.schema.names == COLUMNS
    assert table.column("value").to_pylist() == [0.0, 1.0, 2.0]


def test_the_calls_of_a_day_run_out_and_come_back(client, who, noon):
    shared(rows=2)
    agreement, token = granted(who, quota_calls=2)
    assert [call(client, token).status_code for _ in range(4)] == [200, 200, 429, 429]
    assert recount(agreement) == {"calls": 2, "rows": 4, "refused": 2}
    with clock.at(NOON + timedelta(days=1)):
        assert call(client, token).status_code == 200
    assert AuditEntry.objects.filter(action="datahub.share_call", reason="quota").count() == 2


def test_counters_equal_the_log(client, who, noon):
    shared(rows=9)
    agreement, token = granted(who, quota_calls=3)
    for limit in (2, 4, 9, 1):
        call(client, token, limit=limit)
    call(client, token, limit=0)
    found = Agreement.objects.with_use().get(pk=agreement.pk)
    assert recount(agreement) == {"calls": found.calls, "rows": found.rows, "refused": found.refused}
    assert found.rows == 15


def test_personal_columns_leave_masked_and_cannot_be_asked_for(client, who, noon, tmp_path):
    from datahub.services import deliver

    shared(PERSONS)
    path = tmp_path / "people.csv"
    path.write_text("number,phone,age\n1,13812345678,30\n2,,40\n")
    deliver(dataset_code=PERSONS.code, path=path)
    _agreement, token = granted(who, PERSONS.code, columns=["number", "phone", "age"])
    url = f"/api/share/v1/{PERSONS.code}/rows"
    for form in ("json", "csv", "arrow"):
        content = call(client, token, url=url, format=form).content
        assert b"13812345678" not in content
        assert b"138" not in content
    rows = call(client, token, url=url).json()["rows"]
    assert rows == [{"number": "1", "phone": "***", "age": 30}, {"number": "2", "phone": None, "age": 40}]
    for asked in ({"phone": "13812345678"}, {"phone__prefix": "138"}, {"phone__not_null": "1"}):
        assert call(client, token, url=url, **asked).status_code == 400


def test_a_walk_goes_on_while_the_lake_is_put_in_order(client, who, noon):
    """Compaction rewrites the files in the middle of a walk: every row still comes once."""
    from datahub.services.upkeep import compact_lake

    shared()
    for n in range(12):
        bring(CONDITIONAL.code, 5, at=NOON - timedelta(minutes=n), step=timedelta(seconds=1))
    _agreement, token = granted(who)
    first = call(client, token, limit=25).json()
    assert compact_lake() > 0
    rest, _pages, _resume = walk(client, token, limit=7, cursor=first["next"])
    assert len({row["at"] for row in first["rows"] + rest}) == len(first["rows"] + rest) == 60


def test_a_token_matches_itself_within_one_consumer_only():
    import pyarrow as pa

    from datahub.sharing.masking import masked_table

    table = pa.table({"phone": ["13812345678", "13912345678", "13812345678", None], "age": [1, 2, 3, 4]})
    one = masked_table(table, {"phone": "token"}, salt="a").column("phone").to_pylist()
    other = masked_table(table, {"phone": "token"}, salt="b").column("phone").to_pylist()
    assert one[0] == one[2] != one[1]
    assert one[3] is None
    assert not set(one) & set(other) - {None}
    assert masked_table(table, {"age": "name", "phone": "nonsense"}, salt="a").to_pylist() == [
        {"phone": None if n == 3 else "***", "age": None} for n in range(4)
    ]


def test_a_mask_that_fails_hides(monkeypatch):
    import pyarrow as pa

    from datahub.sharing import masking

    def broken(_value):
        raise RuntimeError

    monkeypatch.setitem(masking._RULES, "name", broken)
    out = masking.masked_table(pa.table({"who": ["张三"]}), {"who": "name"}, salt="")
    assert out.column("who").to_pylist() == ["***"]


def test_strangers_are_told_to_slow_down(client, who, noon, monkeypatch):
    monkeypatch.setattr("datahub.sharing.services.calls.STRANGERS_A_MINUTE", 3)
    shared(rows=1)
    assert [call(client, "ccs_guess").status_code for _ in range(5)] == [403, 403, 403, 429, 429]
    assert AuditEntry.objects.filter(reason="unknown_token").count() == 3


def test_a_new_token_ends_the_old_one_and_only_its_hash_is_kept(client, who, noon):
    shared(rows=1)
    agreement, old = granted(who)
    new = services.issue_token(agreement_id=agreement.pk, by=who["consumer"])
    assert call(client, old).status_code == 403
    assert call(client, new).status_code == 200
    agreement.refresh_from_db()
    assert new not in str(Agreement.objects.filter(pk=agreement.pk).values()[0])
    assert agreement.token_hint == new[-4:]


def test_a_retired_dataset_is_shared_no_longer(client, who, noon):
    dataset = shared(rows=1)
    _agreement, token = granted(who)
    dataset.status = "retired"
    dataset.save()
    assert call(client, token).json()["code"] == "retired"


def test_the_catalogue_shows_what_the_token_opens(client, who, noon):
    shared(rows=1)
    shared(UNCONDITIONAL)
    _agreement, token = granted(who)
    body = client.get("/api/share/v1/catalogue", headers={"Authorization": f"Bearer {token}"}).json()
    assert [entry["code"] for entry in body["datasets"]] == [CONDITIONAL.code]
    assert [column["code"] for column in body["datasets"][0]["columns"]] == COLUMNS
    assert client.get("/api/share/v1/catalogue").status_code == 403
