"""Records of an HTTP source: paged, flaky, hostile, repeated; each row once, or a reason."""

import gzip
import json
import socket
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core import clock
from commandcenter.core.errors import BadInput
from datahub import outbound
from datahub.connectors import jsontext, pages
from datahub.connectors.errors import SourceFailed
from datahub.connectors.jsontext import BadJson
from datahub.connectors.models import Source
from datahub.connectors.services import save_source
from datahub.connectors.settings import HttpSettings
from datahub.models import Dataset
from datahub.quality.models import Incident
from tests.factories.datahub import NOON, PEOPLE, REGISTER, csv_text, make_dataset, rows

from .conftest import CODE, stations

pytestmark = pytest.mark.django_db
COLUMNS = {"station": "station", "at": "at", "data/value": "value"}


def records(first, n, at=NOON - timedelta(hours=2)):
    return [
        {
            "id": i,
            "station": f"S{i:04d}",
            "at": (at + timedelta(seconds=i)).isoformat(),
            "data": {"value": i % 100},
        }
        for i in range(first, first + n)
    ]


def named(*numbers):
    return [f"S{n:04d}" for n in numbers]


@pytest.fixture
def source(noon, api, connect):
    """A ready source; the first answer is needed to connect it."""

    def made(path="/rows", **settings):
        secret = settings.pop("secret", None)
        columns = settings.pop("columns", COLUMNS)
        return connect("http", {"url": api.url + path, "columns": columns, **settings}, secret=secret)

    return made


# ---------------------------------------------------------------- pages


@pytest.fixture
def all_pages(api):
    """250 records in pages of 100, by any way of paging."""
    whole = records(1, 250)

    def by_number(request):
        n = int(request.query.get("page", 1))
        return 200, {}, {"data": {"items": whole[(n - 1) * 100 : n * 100]}, "total": 250}

    def by_offset(request):
        start = int(request.query.get("offset", 0))
        return 200, {}, whole[start : start + int(request.query.get("limit", 100))]

    def by_token(request):
        start = int(request.query.get("token") or 0)
        return (
            200,
            {},
            {"rows": whole[start : start + 100], "next": {"token": start + 100 if start < 200 else None}},
        )

    def by_link(request):
        start = int(request.query.get("from", 0))
        more = (
            {"Link": f'<{api.url}/link?from={start + 100}>; rel="next", </>; rel="up"'} if start < 200 else {}
        )
        return 200, more, whole[start : start + 100]

    def by_field(request):
        start = int(request.query.get("from", 0))
        return (
            200,
            {},
            {"rows": whole[start : start + 100], "next": f"?from={start + 100}" if start < 200 else None},
        )

    api.paths.update(
        {"/page": by_number, "/offset": by_offset, "/token": by_token, "/link": by_link, "/field": by_field}
    )


@pytest.mark.parametrize(
    "ways",
    [
        pytest.param({"path": "/page", "paging": "page", "record_path": "/data/items"}, id="until a page is empty"),
        pytest.param(
            {"path": "/page", "paging": "page", "record_path": "/data/items", "size_param": "size"}, id="until it is short"
        ),
        pytest.param({"path": "/offset", "paging": "offset", "page_param": "offset", "size_param": "limit", "size": 60}, id="offset"),
        pytest.param(
            {"path": "/token", "paging": "token", "page_param": "token", "next_path": "/next/token", "record_path": "/rows"},
            id="token",
        ),
        pytest.param({"path": "/link", "paging": "link"}, id="link in the header"),
        pytest.param({"path": "/field", "paging": "link", "next_path": "/next", "record_path": "/rows"}, id="link in the answer"),
    ],
)  # fmt: skip
def test_every_way_of_paging_brings_all_records_once(all_pages, source, run, ways):
    one = source(**ways)
    ended = run(one)
    assert (ended.outcome, ended.rows) == ("delivered", 250)
    assert stations() == named(*range(1, 251))


def test_a_source_that_does_not_turn_its_pages_is_no_endless_loop(api, source, run):
    api.serve("/rows", records(1, 3))
    ended = run(source(paging="page"))
    assert (ended.outcome, ended.code, stations()) == ("failed", "pages_repeat", [])


def test_a_circle_of_links_is_no_endless_loop(api, source, run):
    api.paths["/rows"] = lambda request: (
        200,
        {},
        {"r": records(len(api.asked), 2), "next": f"{api.url}/rows?a=1"},
    )
    ended = run(source(paging="link", next_path="/next", record_path="/r"))
    assert (ended.code, stations()) == ("pages_repeat", [])


def test_more_pages_than_may_be(all_pages, source, run):
    ended = run(source(path="/page", paging="page", record_path="/data/items", max_pages=2))
    assert (ended.code, stations()) == ("too_large", [])


# ---------------------------------------------------------------- flaky answers


def flaky(api, *answers):
    """These answers in turn, then always the last."""
    api.serve("/rows", records(1, 5))
    good = api.paths["/rows"]
    turns = list(answers)

    def answer(request):
        return turns.pop(0) if turns else good(request)

    return lambda: api.paths.update({"/rows": answer})


def test_a_flaky_source_is_asked_again_with_growing_pauses(api, source, run, pauses):
    begin = flaky(api, (500, {}, b""), (None, {}, b""), (503, {"Retry-After": "7"}, b""))
    one = source()
    begin()
    ended = run(one)
    assert (ended.outcome, ended.rows, len(pauses)) == ("delivered", 5, 3)
    assert 0.5 <= pauses[0] <= 1.5
    assert 1.0 <= pauses[1] <= 3.0
    assert pauses[2] >= 7.0, "as long as it asked for"


def test_it_is_given_up_after_five_tries_and_the_pause_between_runs_grows(api, source, run, pauses):
    begin = flaky(api, *[(502, {}, b"")] * 15)
    one = source(secret="t0p-secret", secret_in="header")
    begin()
    waits = []
    for n in range(3):
        ended = run(one)
        assert (ended.outcome, ended.code) == ("failed", "unreachable")
        one.refresh_from_db()
        assert one.failures == n + 1
        waits.append((one.next_run_at - NOON).total_seconds())
    assert len(pauses) == 12
    assert waits == sorted(waits)
    assert 54 <= waits[0] <= 66
    assert waits[2] >= 216
    incident = Incident.objects.get()
    assert (incident.kind, incident.times, incident.reason) == ("source_failing", 3, "unreachable")
    assert "t0p-secret" not in incident.detail
    assert run(one).outcome == "delivered"
    one.refresh_from_db()
    incident.refresh_from_db()
    assert (one.failures, incident.state) == (0, "closed")


def test_a_long_retry_after_ends_the_run_and_is_kept_to(api, source, run, pauses):
    begin = flaky(api, (429, {"Retry-After": "900"}, b""))
    one = source()
    begin()
    assert run(one).code == "asked_to_wait"
    one.refresh_from_db()
    assert (one.next_run_at, pauses) == (NOON + timedelta(seconds=900), [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418])
def test_what_will_not_change_is_not_asked_again(api, source, run, pauses, status):
    begin = flaky(api, (status, {}, b"no"))
    one = source()
    begin()
    assert (run(one).code, pauses) == (f"http_{status}", [])


def test_an_answer_that_breaks_off_is_asked_again_and_nothing_half_comes_in(api, source, run):
    whole = json.dumps(records(1, 50)).encode()
    begin = flaky(api, (200, {"Content-Length": str(len(whole))}, whole[:200]), (200, {}, whole[:300]))
    one = source()
    begin()
    assert (run(one).code, stations()) == ("bad_json", []), "the second says it is whole and is not"
    assert run(one).rows == 5


# ---------------------------------------------------------------- tokens, headers, addresses


def test_a_token_goes_in_the_header_or_the_query_and_is_kept_encrypted(api, source, run):
    api.serve("/rows", records(1, 2))
    one = source(secret="s3cret", secret_in="header", secret_prefix="Bearer", headers={"X-Department": "env"})
    run(one)
    _path, _query, headers = api.asked[-1]
    assert (headers["authorization"], headers["x-department"]) == ("Bearer s3cret", "env")
    two = source(secret="s3cret", secret_in="query", secret_name="key", since_field="at")
    run(two)
    assert api.asked[-1][1]["key"] == "s3cret"
    assert "s3cret" not in json.dumps([one.settings, two.settings])
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM datahub_source WHERE id = %s", [one.pk])
        assert "s3cret" not in cursor.fetchone()[0]


def test_a_token_does_not_follow_to_another_place(api, source, run):
    from .servers import Api

    other = Api()
    try:
        other.serve("/more", records(3, 2))
        api.paths["/rows"] = lambda request: (200, {"Link": f"<{other.url}/more>; rel=next"}, records(1, 2))
        api.paths["/moved"] = lambda request: (302, {"Location": f"{other.url}/more"}, b"")
        run(source(paging="link", secret="s3cret", secret_in="header", secret_name="X-Api-Key"))
        run(
            source(
                path="/moved", secret="s3cret", secret_in="header", secret_name="X-Api-Key", since_field="at"
            )
        )
        assert len(other.asked) >= 2
        assert all("s3cret" not in str(asked) for asked in other.asked)
        assert stations() == named(1, 2, 3, 3, 4, 4)
    finally:
        other.stop()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.1.2.3/x",
        "http://192.168.0.1/x",
        "http://[::1]:8000/x",
        "http://0.0.0.0/x",
        "http://2130706433/x.y",
        "file:///etc/passwd",
        "gopher://127.0.0.1/x",
        "http://user:password@127.0.0.1/x",
    ],
)
def test_addresses_that_are_not_listed_are_refused(readings, settings, url):
    settings.OUTBOUND_ALLOW = ["data.example.gov.cn"]
    with pytest.raises((outbound.OutboundRefused, outbound.Unreachable)):
        save_source(by=None, dataset_code=CODE, name="x", kind="http", settings={"url": url})
    assert not Source.objects.exists()


@pytest.mark.parametrize("how", ["redirect", "link"])
def test_a_redirect_or_a_link_to_an_address_that_is_not_listed_ends_the_run(api, source, run, how):
    api.serve("/rows", {"r": records(1, 2), "next": None})
    one = source(paging="link", next_path="/next", record_path="/r")
    if how == "redirect":
        api.serve("/rows", b"", status=302, Location="http://169.254.169.254/latest/")
    else:
        api.serve("/rows", {"r": records(1, 2), "next": "http://10.0.0.1/rows"})
    ended = run(one)
    assert (ended.outcome, ended.code, stations()) == ("failed", "outbound_refused", [])


def test_a_name_that_changes_its_address_is_called_where_it_was_checked(
    api, source, run, settings, monkeypatch
):
    api.serve("/rows", records(1, 2))
    one = source()
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    called, answers = [], ["127.0.0.1", "10.0.0.7"]
    real = socket.create_connection

    def connect(address, timeout):
        called.append(address[0])
        return real(address, timeout)

    monkeypatch.setattr(outbound, "resolve", lambda *_: [outbound.ipaddress.ip_address(answers.pop(0))])
    monkeypatch.setattr(outbound.socket, "create_connection", connect)
    url = one.settings["url"].replace("127.0.0.1", "api.department.example")
    Source.objects.filter(pk=one.pk).update(settings={**one.settings, "url": url})
    assert (run(one).rows, called) == (2, ["127.0.0.1"])
    assert (run(one).code, called) == ("outbound_refused", ["127.0.0.1"])


@pytest.mark.parametrize(
    "name", ["Authorization", "Host", "Content-Length", "X-A\r\nX-B", "", "Cookie", "X-Api-Key", "x-token"]
)
def test_headers_that_are_not_set_by_hand(readings, api, name):
    with pytest.raises(BadInput):
        save_source(
            by=None,
            dataset_code=CODE,
            name="x",
            kind="http",
            settings={"url": api.url, "headers": {name: "a"}},
        )


@pytest.mark.parametrize("query", ["key=a", "access_token=a", "b=1&appKey=a", "sign=a"])
def test_a_token_in_the_address_would_be_shown(readings, api, query):
    with pytest.raises(BadInput):
        save_source(
            by=None, dataset_code=CODE, name="x", kind="http", settings={"url": f"{api.url}/rows?{query}"}
        )


def test_records_at_the_edge_stay_known_when_columns_are_chosen_differently(api, source, run):
    api.serve("/rows", records(1, 5))
    one = source(since_field="at")
    run(one)
    save_source(
        by=None, source_id=one.pk, dataset_code=CODE, name=one.name, kind="http", ready=True,
        settings={**Source.objects.get(pk=one.pk).settings, "columns": {**COLUMNS, "id": "count"}},
    )  # fmt: skip
    api.serve("/rows", records(1, 6))
    assert (run(one).rows, len(stations())) == (1, 6)


def test_a_secret_is_told_only_to_the_place_it_was_given_for(api, source):
    api.serve("/rows", records(1, 1))
    one = source(secret="s3cret", secret_in="header")
    save_source(
        by=None, source_id=one.pk, dataset_code=CODE, name=one.name, kind="http",
        settings={**one.settings, "url": "http://127.0.0.1:9/rows"},
    )  # fmt: skip
    one.refresh_from_db()
    assert one.secret == ""


# ---------------------------------------------------------------- unchanged, yesterday again


def test_an_etag_spares_the_answer(api, source, run):
    api.paths["/rows"] = lambda request: (
        (304, {}, b"")
        if request.headers.get("If-None-Match") == '"v1"'
        else (200, {"ETag": '"v1"'}, records(1, 3))
    )
    one = source()
    assert run(one).rows == 3
    Dataset.objects.update(fresh_at=None)
    ended = run(one)
    assert (ended.outcome, ended.rows) == ("unchanged", 0)
    assert Dataset.objects.get(code=CODE).fresh_at == NOON, "the source is alive"
    api.serve("/rows", records(1, 4), ETag='"v2"')
    assert run(one).outcome == "delivered"


def test_last_modified_spares_the_answer_too(api, source, run):
    day = "Fri, 20 Nov 2026 00:00:00 GMT"
    api.paths["/rows"] = lambda request: (
        (304, {}, b"")
        if request.headers.get("If-Modified-Since") == day
        else (200, {"Last-Modified": day}, records(1, 3))
    )
    one = source()
    assert [run(one).outcome, run(one).outcome] == ["delivered", "unchanged"]


def test_an_etag_is_forgotten_where_the_hub_refused_what_came(api, source, run):
    api.serve("/rows", records(1, 1))
    one = source()
    api.serve("/rows", [{**records(1, 1)[0], "data": {"value": 10**6}}], ETag='"bad"')
    assert run(one).code == "delivery_refused"
    one.refresh_from_db()
    assert (one.etag, one.failures) == ("", 1)
    assert not Incident.objects.filter(kind="source_failing").exists(), "the delivery has its own"


def test_the_same_answer_again_is_unchanged(api, source, run):
    api.serve("/rows", records(1, 5))
    one = source()
    assert [run(one).outcome for _ in range(3)] == ["delivered", "unchanged", "unchanged"]
    assert len(stations()) == 5


def test_a_source_that_sends_yesterday_again_beside_today_adds_today(api, source, run):
    api.serve("/rows", records(1, 50))
    one = source(since_field="at")
    assert run(one).rows == 50
    api.serve("/rows", list(reversed(records(1, 60))))
    ended = run(one)
    assert (ended.rows, "50" in ended.reason) == (10, True)
    assert run(one).outcome == "unchanged"
    assert stations() == named(*range(1, 61))


def test_records_with_the_newest_time_and_late_ones_come_once(api, source, run):
    same = [{**one, "at": NOON.isoformat()} for one in records(1, 4)]
    api.serve("/rows", same)
    one = source(since_field="at", overlap=3600)
    run(one)
    late = records(10, 1, at=NOON - timedelta(minutes=30))
    ancient = records(20, 1, at=NOON - timedelta(days=9))
    more = [{**one, "at": NOON.isoformat()} for one in records(5, 2)]
    api.serve("/rows", same + late + ancient + more)
    ended = run(one)
    assert (ended.rows, run(one).rows) == (3, 0)
    assert stations() == named(1, 2, 3, 4, 5, 6, 10)


def test_a_parameter_asks_from_behind_the_newest_value(api, source, run):
    api.serve("/rows", records(1, 10))
    one = source(since_field="at", since_param="since", overlap=60)
    run(one)
    run(one)
    assert api.asked[-1][1]["since"] == (NOON - timedelta(hours=2, seconds=50)).isoformat()
    two = source(since_field="id", since_param="after", overlap=3)
    run(two)
    run(two)
    assert api.asked[-1][1]["after"] == "7"


def test_records_without_a_time_or_from_the_future_are_said(api, source, run):
    api.serve(
        "/rows",
        [
            *records(1, 2),
            {**records(3, 1)[0], "at": "soon"},
            {**records(4, 1)[0], "at": "2099-01-01T00:00:00Z"},
        ],
    )
    one = source(since_field="at")
    ended = run(one)
    assert (ended.rows, len(ended.reason.splitlines())) == (2, 2)
    api.serve("/rows", records(5, 1))
    assert run(one).rows == 1


# ---------------------------------------------------------------- columns that change overnight


def change(name, **over):
    return [{**{k: v for k, v in one.items() if k != name}, **over} for one in records(10, 5)]


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        pytest.param(change("station", place="A"), ["station", "place"], id="renamed"),
        pytest.param(change("data"), ["data/value"], id="a nested field gone"),
        pytest.param(change("data", data={"value": "high"}), ["data/value"], id="a number became text"),
        pytest.param(
            change("data", data={"value": {"pm25": 3}}), ["data/value"], id="a number became an object"
        ),
        pytest.param({"data": records(1, 3)}, [], id="the records lie elsewhere"),
        pytest.param([1, 2, 3], [], id="no records"),
    ],
)
@pytest.mark.parametrize("since", ["", "at"])
def test_columns_that_change_overnight_fail_the_run(api, source, run, answer, names, since):
    api.serve("/rows", records(1, 5))
    one = source(since_field=since)
    run(one)
    api.serve("/rows", answer)
    for _ in range(2):
        ended = run(one)
        assert (ended.outcome, ended.code) == ("failed", "columns_changed")
        assert all(name in ended.reason for name in names)
    assert stations() == named(1, 2, 3, 4, 5)
    assert [(one.kind, one.times) for one in Incident.objects.all()] == [("columns_changed", 2)]
    api.serve("/rows", records(1, 6))
    assert run(one).outcome == "delivered"
    assert Incident.objects.get().state == "closed"


def test_fields_that_are_missing_here_and_there_are_no_alarm(api, source, run):
    some = records(1, 4)
    some[1]["data"] = None
    del some[2]["data"]
    api.serve("/rows", some)
    one = source()
    assert run(one).rows == 4
    api.serve("/rows", [{**one, "data": None} for one in records(5, 2)])
    assert run(one).outcome == "delivered"
    api.serve("/rows", [])
    assert run(one).outcome == "nothing"


# ---------------------------------------------------------------- hostile JSON

HOSTILE = {
    "no JSON": b"<html>Login</html>",
    "empty": b"",
    "breaks off": b'[{"station": "A", "at": ',
    "a text breaks off": b'[{"station": "A',
    "something behind": b'[{"station": "A"}] and more',
    "NaN": b'[{"station": "A", "at": NaN}]',
    "infinity": b'[{"station": "A", "at": -Infinity}]',
    "a huge whole number": b'[{"station": "A", "at": ' + b"9" * 5_000 + b"}]",
    "beyond 64 bits": b'[{"station": "A", "at": 9223372036854775808}]',
    "a huge float": b'[{"station": "A", "at": 1e999}]',
    "a key twice": b'[{"station": "A", "station": "B", "at": 1}]',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep in a record": b'[{"station": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}]",
    "no text": b'[{"station": "\xff\xfe\xfa\x80\xff"}]',
    "too many fields": json.dumps([{f"f{n}": 1 for n in range(600)}]).encode(),
    "a bare number": b"42",
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in HOSTILE.items()])
def test_hostile_json_is_a_failed_run_with_a_reason(api, source, run, body):
    api.serve("/rows", records(1, 2))
    one = source()
    api.serve("/rows", body, Content_Type="application/json")
    ended = run(one)
    assert (ended.outcome, ended.code) == ("failed", "bad_json")
    assert ended.reason
    assert len(ended.reason) < 400
    assert stations() == []
    assert not one.batches.exists()


def test_of_persons_a_reason_repeats_no_piece_of_the_answer(api, noon, connect, run):
    make_dataset(PEOPLE)
    api.serve("/rows", [{"number": "1", "phone": "13900001111", "age": 3}])
    one = connect(
        "http",
        {"url": f"{api.url}/rows", "columns": {"number": "number", "phone": "phone"}},
        dataset_code=PEOPLE.code,
    )
    api.serve("/rows", b"13900002222 is no JSON")
    ended = run(one)
    assert (ended.code, "1390000" in ended.reason + Incident.objects.get().detail) == ("bad_json", False)


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(body):
    with suppress(BadJson):
        jsontext.parse(body)


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)))  # fmt: skip
def test_what_is_written_is_found_by_its_pointer(value):
    body = json.dumps({"a/b": {"~": value}}).encode()
    assert jsontext.at(jsontext.parse(body), jsontext.step("a/b") + jsontext.step("~")) == value


def test_a_packed_answer_is_unpacked_within_bounds(api, source, run, monkeypatch):
    api.serve("/rows", gzip.compress(json.dumps(records(1, 4)).encode()), Content_Encoding="gzip")
    one = source()
    assert run(one).rows == 4
    monkeypatch.setattr("datahub.connectors.http.PAGE_BYTES", 1_000)
    api.serve("/rows", gzip.compress(b" " * 100_000), Content_Encoding="gzip")
    assert run(one).code == "too_large"


def test_an_answer_larger_than_allowed(api, source, run):
    api.serve("/rows", records(1, 2))
    one = source(max_mib=1)
    api.serve("/rows", b"[" + b" " * 1_100_000 + b"]")
    assert run(one).code == "too_large"


def test_chinese_text_in_gbk(api, source, run):
    body = json.dumps([{**records(1, 1)[0], "station": "崇川"}], ensure_ascii=False)
    api.serve("/rows", body.encode("gb18030"), Content_Type="application/json; charset=GBK")
    run(source())
    assert stations() == ["崇川"]


# ---------------------------------------------------------------- one whole file


def test_a_whole_file_is_read_like_any_other(api, noon, connect, run):
    text = csv_text([{**rows(1)[0], "station": f"F{n}"} for n in range(30)])
    api.paths["/f.csv"] = lambda request: (
        (304, {}, b"")
        if request.headers.get("If-None-Match") == '"1"'
        else (200, {"ETag": '"1"'}, text.encode())
    )
    one = connect("http", {"url": f"{api.url}/f.csv", "form": "file"})
    ended = run(one)
    assert (ended.rows, ended.delivery.file_name) == (30, "f.csv")
    assert run(one).outcome == "unchanged"
    api.serve("/f.csv", text.encode())  # without a word about its version
    assert run(one).outcome == "unchanged"
    api.serve("/f.csv", text.replace("value", "pm25").encode())
    ended = run(one)
    assert (ended.code, "value" in ended.reason, "pm25" in ended.reason) == ("columns_changed", True, True)
    api.serve("/f.csv", b"")
    assert run(one).outcome == "failed"
    assert len(stations()) == 30


def test_a_register_is_replaced_by_its_newest_state(api, noon, connect, run):
    make_dataset(REGISTER)
    api.serve("/names", [{"id": "1", "name": "甲"}])
    one = connect(
        "http",
        {"url": f"{api.url}/names", "columns": {"id": "id", "name": "name"}},
        dataset_code=REGISTER.code,
    )
    run(one)
    api.serve("/names", [{"id": "1", "name": "乙"}])
    assert run(one).outcome == "delivered"


def test_since_text_is_written_as_the_source_writes_it():
    settings = HttpSettings(url="http://x/", since_field="t", overlap=3600)
    for raw, said in (
        ("2026-11-20T12:00:00Z", "2026-11-20T11:00:00Z"),
        ("2026-11-20T12:00:00+08:00", "2026-11-20T11:00:00+08:00"),
        ("2026-11-20 12:00:00", "2026-11-20 11:00:00"),
        ("2026/11/20 12:00:00", "2026/11/20 11:00:00"),
        ("2026-11-20", "2026-11-19"),
    ):
        value = pages.since_value(raw, "Asia/Shanghai")
        cursor = {**pages.edge.to_json(value), "raw": raw}
        assert pages.since_text(cursor, settings) == said
    assert clock.now() > NOON - timedelta(days=9_999)


def test_a_draft_is_not_run(api, readings):
    one = save_source(by=None, dataset_code=CODE, name="d", kind="http", settings={"url": api.url})
    assert (one.ready, api.asked) == (False, [])
    with pytest.raises(BadInput):
        save_source(
            by=None,
            dataset_code=CODE,
            name="d",
            kind="http",
            settings={"url": api.url},
            ready=True,
            source_id=one.pk,
        )
    with pytest.raises(SourceFailed):
        save_source(
            by=None, dataset_code=CODE, name="d", kind="http", source_id=one.pk, ready=True,
            settings={"url": api.url + "/nothing", "columns": COLUMNS},
        )  # fmt: skip
    one.refresh_from_db()
    assert not one.ready
