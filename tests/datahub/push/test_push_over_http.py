"""The push API: what is taken, what is refused and why, and that a refusal takes nothing."""

import gzip
import json
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import HealthCheck, example, given
from hypothesis import settings as limits
from hypothesis import strategies as some

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict
from commandcenter.journal.models import AuditEntry
from datahub import selectors
from datahub.models import Dataset, Delivery, DeliveryBlob
from datahub.push import reading
from datahub.push.models import PushKey, PushUse
from datahub.push.services import issue_key, stop_key, taking
from datahub.services import fold_blobs
from datahub.services.upkeep import vacuum_lake
from tests.factories.city import UserFactory
from tests.factories.datahub import NOON, READINGS, REGISTER, make_dataset, rows
from tests.factories.push import ORG, batch, push, push_key, steward

pytestmark = pytest.mark.django_db
CODE = READINGS.code


@pytest.fixture(autouse=True)
def empty_room():
    taking.room.forget()
    yield
    taking.room.forget()


@pytest.fixture
def token(readings, noon):
    return push_key()[1]


def nothing_taken():
    return not DeliveryBlob.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind", "count"),
    [
        pytest.param(rows(1)[0], "application/json", 1, id="one object"),
        pytest.param(rows(5), "application/json; charset=utf-8", 5, id="an array"),
        pytest.param("\n".join(map(json.dumps, rows(4))).encode(), "application/x-ndjson", 4, id="lines"),
        pytest.param(
            b"\n" + json.dumps(rows(1)[0]).encode() + b"\r\n\n", "application/jsonl", 1, id="blank lines"
        ),
    ],
)
def test_rows_pushed_are_in_the_lake_after_the_fold(token, body, kind, count):
    answer = push(token, body, kind=kind)
    assert answer.status_code == 202, answer.json()
    said = answer.json()
    assert (said["rows"], said["repeated"], said["warnings"]) == (count, False, [])
    waiting = batch(token, said["batch"]).json()
    assert (waiting["state"], waiting["rows"], waiting["delivery"]) == ("waiting", count, None)
    assert fold_blobs() == count
    folded = batch(token, said["batch"]).json()
    assert (folded["state"], folded["rows_committed"], folded["rows_rejected"]) == ("folded", count, 0)
    assert folded["delivery"] == Delivery.objects.get().pk
    assert selectors.read(CODE).num_rows == count


def test_gzip_is_read(token):
    assert (
        push(token, gzip.compress(json.dumps(rows(5)).encode()), Content_Encoding="gzip").status_code == 202
    )
    assert fold_blobs() == 5


def test_each_batch_says_its_own_rejects(token):
    first = push(token, rows(3)).json()["batch"]
    bad = [*rows(2, station="B"), {"station": "B", "at": "never", "value": 1}, {"at": NOON.isoformat()}]
    second = push(token, bad).json()["batch"]
    third = push(token, rows(2, station="C")).json()["batch"]
    fold_blobs()
    assert Delivery.objects.count() == 1
    assert [batch(token, n).json()["rows_rejected"] for n in (first, second, third)] == [0, 2, 0]
    said = batch(token, second).json()
    assert said["rows_committed"] == 2
    assert said["rejects"] == [
        {"row": 3, "field": "at", "reason": "not_time"},
        {"row": 4, "field": "station", "reason": "required"},
    ]


def test_a_batch_of_bad_rows_only_is_refused_with_its_rows(token):
    answer = push(token, [{"station": "x"}]).json()
    assert answer["warnings"] == []
    fold_blobs()
    said = batch(token, answer["batch"]).json()
    assert (said["state"], said["rows_committed"], said["rows_rejected"]) == ("refused", 0, 1)
    assert said["reason"] == "no_row_passed"
    assert said["rejects"] == [{"row": 1, "field": "at", "reason": "required"}]


def test_columns_that_nobody_reads_are_said(token):
    answer = push(token, [{**rows(1)[0], "colour": "red"}, {"station": "x"}]).json()
    assert answer["warnings"] == [{"field": "colour", "code": "unknown_column"}]


# ---------------------------------------------------------------- the sender's own number


def test_the_same_number_is_taken_once(token):
    first = push(token, rows(5), Idempotency_Key="7").json()
    again = push(token, rows(5), Idempotency_Key="7").json()
    assert again == {**first, "repeated": True}
    assert fold_blobs() == 5
    assert push(token, rows(5), Idempotency_Key="7").json()["batch"] == first["batch"]
    assert fold_blobs() == 0
    assert selectors.read(CODE).num_rows == 5


def test_another_batch_with_a_used_number_is_refused(token):
    push(token, rows(5), Idempotency_Key="7")
    answer = push(token, rows(4), Idempotency_Key="7")
    assert (answer.status_code, answer.json()["code"]) == (409, "number_used")
    assert DeliveryBlob.objects.count() == 1


def test_two_senders_may_use_the_same_number(token):
    other = push_key(org="3206-others")[1]
    assert not push(token, rows(5), Idempotency_Key="7").json()["repeated"]
    assert not push(other, rows(5), Idempotency_Key="7").json()["repeated"]


def test_what_became_of_a_batch_is_known_for_a_day_and_with_a_number_for_a_week(token):
    without, numbered = push(token, rows(1)).json(), push(token, rows(1), Idempotency_Key="7").json()
    fold_blobs()
    with clock.at(NOON + timedelta(days=1, minutes=1)):
        vacuum_lake()
        assert batch(token, without["batch"]).status_code == 404
        assert batch(token, numbered["batch"]).status_code == 200
    with clock.at(NOON + timedelta(days=8)):
        vacuum_lake()
        assert batch(token, numbered["batch"]).status_code == 404


def test_a_batch_is_its_organisations_own(token):
    number = push(token, rows(1)).json()["batch"]
    assert batch(push_key()[1], number).status_code == 200  # the next key of the same organisation
    assert batch(push_key(org="3206-others")[1], number).status_code == 404
    assert batch(token, 2**70).status_code == 404


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize("sent", ["", "ccp_guess", "ccp_\udce4"])
def test_without_a_key_nothing_is_taken(token, sent):
    answer = push(sent.encode("utf-8", "surrogateescape").decode("latin-1"), rows(1))
    assert answer.status_code == 401
    assert nothing_taken()
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_stopped_key_is_stopped_with_the_next_push(token):
    key = PushKey.objects.get()
    assert push(token, rows(1)).status_code == 202
    stop_key(key_id=key.pk, by=key.issued_by, reason="lost")
    assert push(token, rows(1)).status_code == 401
    assert batch(token, DeliveryBlob.objects.get().pk).status_code == 401
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["datahub.issue_push_key", "datahub.stop_push_key"]
    with pytest.raises(Conflict):
        stop_key(key_id=key.pk, by=key.issued_by, reason="again")


def test_a_key_ends_by_itself(readings, noon):
    _key, token = push_key(until=NOON + timedelta(hours=1))
    with clock.at(NOON + timedelta(minutes=59)):
        assert push(token, rows(1)).status_code == 202
    with clock.at(NOON + timedelta(hours=1)):
        assert push(token, rows(1)).status_code == 401


def test_a_key_opens_its_datasets_only(token):
    make_dataset(REGISTER)
    assert push(token, [{"id": "1"}], code=REGISTER.code).status_code == 403
    assert push(token, [{"id": "1"}], code="test.nowhere").status_code == 404
    assert nothing_taken()


@pytest.mark.parametrize("status", ["draft", "reviewed", "retired"])
def test_a_dataset_that_is_not_published_takes_nothing(token, status):
    Dataset.objects.filter(code=CODE).update(status=status)
    answer = push(token, rows(1))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_open")
    assert nothing_taken()


def test_only_a_steward_issues_and_only_what_makes_sense(readings, noon):
    with pytest.raises(PermissionDenied):
        push_key(by=UserFactory(may=["analyst"]))
    for wrong in (
        {"name": " "}, {"dataset_codes": []}, {"dataset_codes": [CODE, "test.nowhere"]}, {"org_code": "nobody"},
        {"rows_per_minute": 0}, {"until": NOON},
    ):  # fmt: skip
        with pytest.raises(BadInput):
            issue_key(**{"name": "a", "org_code": ORG, "dataset_codes": [CODE], "by": steward(), **wrong})
    assert not PushKey.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_key_itself_is_kept_nowhere(token):
    key = PushKey.objects.values().get()
    assert token not in repr(key)
    assert token[-4:] == key["token_hint"]
    assert token not in repr(list(AuditEntry.objects.values()))


# ---------------------------------------------------------------- limits


def test_a_minutes_rows_are_counted(readings, noon):
    key, token = push_key(rows_per_minute=10)
    assert push(token, rows(6)).status_code == 202
    with clock.at(NOON + timedelta(seconds=20)):
        answer = push(token, rows(6))
        assert (answer.status_code, answer["Retry-After"]) == (429, "40")
        assert push(token, rows(4)).status_code == 202
    with clock.at(NOON + timedelta(seconds=60)):
        assert push(token, rows(6)).status_code == 202
    assert push(token, rows(11)).status_code == 413
    used = PushUse.objects.filter(key=key)
    assert (sum(u.rows for u in used), sum(u.batches for u in used), sum(u.refused for u in used)) == (
        16,
        3,
        2,
    )


def test_a_repeat_costs_nothing(readings, noon):
    _key, token = push_key(rows_per_minute=10)
    for _ in range(2):
        assert push(token, rows(5), Idempotency_Key="1").status_code == 202
    assert sum(PushUse.objects.values_list("rows", flat=True)) == 5


@pytest.mark.parametrize(
    "limit", [("WAITING_BATCHES", 2), ("WAITING_ROWS", 6), ("WAITING_BYTES", 100), ("ALL_WAITING_BYTES", 100)]
)
def test_when_too_much_waits_the_sender_is_asked_to_come_again(token, monkeypatch, limit):
    monkeypatch.setattr(taking, "LOOK_EVERY_S", 0)
    push(token, rows(3))
    push(token, rows(3))
    monkeypatch.setattr(taking, *limit)
    answer = push(token, rows(3))
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (503, "5", "busy")
    assert DeliveryBlob.objects.count() == 2
    fold_blobs()
    assert push(token, rows(3)).status_code == 202


def test_a_bomb_stays_packed(token):
    answer = push(token, gzip.compress(b" " * 200_000_000), Content_Encoding="gzip")
    assert answer.status_code == 413
    assert nothing_taken()
    two = gzip.compress(b" " * 5_000_000) + gzip.compress(b" " * 5_000_000)
    assert push(token, two, Content_Encoding="gzip").status_code == 413


def test_more_rows_or_bytes_than_a_push_may_hold(token):
    assert push(token, [{"station": "x"}] * (reading.MAX_ROWS + 1)).status_code == 413
    assert push(token, b'{"station": "' + b"x" * reading.MAX_BYTES + b'"}').status_code == 413
    assert push(token, b" " * 11_000_000).status_code == 413  # more than Django itself reads
    assert nothing_taken()


@pytest.mark.parametrize("kind", ["text/csv", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_other_kinds_of_body_are_named(token, kind):
    answer = push(token, b"a=1", kind=kind)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]
    assert nothing_taken()


def test_other_encodings_are_named(token):
    assert push(token, b"x", Content_Encoding="br").status_code == 415
    assert push(token, b"x", Content_Encoding="gzip").status_code == 400
    assert push(token, gzip.compress(b"[]")[:-3], Content_Encoding="gzip").status_code == 400
    assert push(token, rows(1), Idempotency_Key="x" * 256).status_code == 400
    assert nothing_taken()


# ---------------------------------------------------------------- hostile JSON


HOSTILE = [
    pytest.param(b"", None, "", id="nothing"),
    pytest.param(b"[]", None, "", id="no rows"),
    pytest.param(b"null", None, "", id="null"),
    pytest.param(b'"row"', None, "", id="a text"),
    pytest.param(b'[{"station": "a"}, 3]', 2, "", id="a number among rows"),
    pytest.param(b'[{"station": "a"}, [1]]', 2, "", id="an array among rows"),
    pytest.param(b"[{}]", 1, "", id="an empty row"),
    pytest.param(b'[{"value": 1}, {"value": NaN}]', 2, "", id="NaN"),
    pytest.param(b'[{"value": -Infinity}]', 1, "", id="infinity"),
    pytest.param(b'[{"value": 1, "value": 2}]', 1, "value", id="a name twice"),
    pytest.param(b'[{"value": {"a": 1, "a": 2}}]', 1, "a", id="a name twice inside"),
    pytest.param(b'[{"station": "\\ud800"}]', 1, "station", id="half a surrogate pair"),
    pytest.param(b'[{"\\udc00": 1}]', 1, "\\udc00", id="half a surrogate pair as a name"),
    pytest.param(b'[{"value": [["\\udfff"]]}]', 1, "value", id="half a surrogate pair inside"),
    pytest.param(b'[{"station": "a\\u0000b"}]', 1, "station", id="NUL"),
    pytest.param(b'[{"station": "a\x00b"}]', 1, "", id="a bare NUL"),
    pytest.param(b'[{"": 1}]', 1, "", id="a name without letters"),
    pytest.param(b'[{"' + b"n" * 201 + b'": 1}]', 1, "n" * 200, id="a long name"),
    pytest.param(b'[{"value": ' + b"9" * 5_000 + b"}]", 1, "", id="5,000 digits"),
    pytest.param(b"[" * 100_000, 1, "", id="nested without end"),
    pytest.param(b'{"a":' * 50_000, None, "", id="objects without end"),
    pytest.param(b'[{"value": ' + b"[" * 100 + b"]" * 100 + b"}]", 1, "value", id="nested deep"),
    pytest.param(b'[{"station": "a"}', 1, "", id="cut off"),
    pytest.param(b'[{"station": "a"},]', 2, "", id="a comma too many"),
    pytest.param(b'[{"station": "a"}]]', None, "", id="something after the end"),
    pytest.param(b'[{"station": "\xff"}]', None, "", id="not UTF-8"),
    pytest.param("[{'station': 'a'}]".encode("utf-16"), None, "", id="UTF-16"),
    pytest.param(b'{"station": "a"} {"station": "b"}', None, "", id="two documents"),
]


@pytest.mark.parametrize(("body", "row", "field"), HOSTILE)
def test_hostile_json_is_refused_whole_with_row_field_and_reason(token, body, row, field):
    answer = push(token, body)
    assert answer.status_code == 400, answer.json()
    problem = answer.json()["problems"][0]
    assert (problem["row"], problem["field"]) == (row, field)
    assert problem["reason"]
    assert nothing_taken()


def test_a_bad_line_is_named_by_its_number(token):
    body = b'{"station": "a"}\n{"station": \n\n[1]\n{"value": 1, "value": 2}\n'
    problems = push(token, body, kind="application/x-ndjson").json()["problems"]
    assert [(one["row"], one["field"]) for one in problems] == [(2, ""), (4, ""), (5, "value")]


STRANGE = [
    {"value": 10**30},
    {"value": 1e400},
    {"value": {"a": 1}},
    {"value": [1, 2]},
    {"value": True},
    {"count": 1.5},
    {"count": 2**63},
    {"at": 20261120},
    {"station": None},
    {"station": "\U0001f600" * 30},
    {"lon": "east"},
]


def test_values_of_the_wrong_kind_are_rejected_row_by_row(token):
    good = rows(1)[0]
    body = json.dumps([good, *({**good, **one} for one in STRANGE)])
    number = push(token, body.replace("Infinity", "1e400").encode()).json()["batch"]
    fold_blobs()
    said = batch(token, number).json()
    assert (said["state"], said["rows_committed"] + said["rows_rejected"]) == ("folded", len(STRANGE) + 1)
    assert said["rows_rejected"] >= len(STRANGE) - 2  # true is 1 for a column of numbers, as in a file
    assert selectors.read(CODE).num_rows == said["rows_committed"]


values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    some.lists(some.dictionaries(some.sampled_from(["station", "at", "value", "x"]) | some.text(), values)),
    some.binary(max_size=3),
)
@example([{"value": 1, "station": "\ud800"}], b"")
@limits(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_comes_is_read_or_refused(body, noise):
    """And what is read fits into an Arrow table."""
    text = json.dumps(body).encode() + noise
    for kind in (reading.JSON, reading.LINES):
        try:
            found = reading.rows_of(text, kind)
        except (BadInput, reading.TooLarge):
            continue
        assert taking.table_of(found).num_rows == len(found)
