"""校核: asked by a person or under a grant, decided by the owner in time, corrected by a delivery."""

from datetime import timedelta

import pyarrow as pa
import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.utils import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, IllegalMove
from commandcenter.core.moves import next_state
from commandcenter.journal.models import AuditEntry, Event, Fact, TraceLink
from datahub.quality.models import CorrectionRequest
from datahub.quality.services import arriving, corrections
from datahub.quality.services._correcting import FACT
from datahub.quality.states import CORRECTION_MOVES, CorrectionState
from datahub.selectors import engine, register_now
from datahub.services import deliver
from datahub.sharing.models import Yield
from tests.factories.datahub import NOON, csv_file
from tests.factories.sharing import PROVIDER as READINGS_PROVIDER
from tests.factories.sharing import granted, people, shared

from .kit import BUREAU, PERSONS, PROVIDER, SHOPS, declared, shop, shops, staff

pytestmark = pytest.mark.django_db
S = CorrectionState


@pytest.fixture
def who(city):
    return staff()


@pytest.fixture
def row(who, tmp_path):
    declared()
    return f"datahub.row:{shops(tmp_path, [shop('A', name='旧名'), shop('B')]).pk}:1"


def ask(row, by, **over):
    values = {
        "row_ref": row,
        "column": "name",
        "wrong": "旧名",
        "proposed": "新名",
        "evidence": "营业执照副本",
    }
    return corrections.ask_correction(**{**values, "by": by, **over})


def names_now():
    return sorted(engine().to_arrow(register_now(SHOPS.code).select("name")).column(0).to_pylist())


def test_a_request_has_number_deadline_owner_and_news(row, who):
    with clock.at(NOON):
        made = ask(row, who["analyst"])
    assert (made.state, made.number) == ("asked", f"JH-2026-{made.pk:06d}")
    assert made.due_at > NOON + timedelta(days=5)  # five working days
    assert TraceLink.objects.filter(from_ref=row, to_ref=made.ref, kind="correction").exists()
    event = Event.objects.filter(kind="datahub.correction.moved").get()
    assert f"org:{PROVIDER}" in event.audiences
    assert "新名" not in str(event.body)


@pytest.mark.parametrize(
    ("over", "field"),
    [
        pytest.param({"row_ref": "datahub.row:1:99"}, "row", id="no such row"),
        pytest.param({"row_ref": "nonsense"}, "row", id="no reference"),
        pytest.param({"column": "nope"}, "column", id="no such column"),
        pytest.param({"proposed": " "}, "proposed", id="nothing proposed"),
        pytest.param({"proposed": "旧名"}, "proposed", id="the same"),
        pytest.param({"evidence": "x"}, "evidence", id="no evidence"),
        pytest.param({"proposed": "长" * 501}, "proposed", id="too long"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(row, who, over, field):
    with pytest.raises(BadInput) as error:
        ask(over.pop("row_ref", row), who["analyst"], **over)
    assert error.value.problems[0].field == field
    assert not CorrectionRequest.objects.exists()


def test_who_does_not_see_the_dataset_cannot_ask(row, who):
    with pytest.raises(PermissionDenied):
        ask(row, who["other"])
    assert not CorrectionRequest.objects.exists()


def test_the_same_is_asked_once_while_it_is_under_way(row, who):
    first = ask(row, who["analyst"])
    with pytest.raises(Conflict):
        ask(row, who["analyst"])
    corrections.refuse_correction(correction_id=first.pk, by=who["owner"], note="执照即为旧名")
    assert ask(row, who["analyst"]).pk != first.pk


def test_the_owner_refuses_with_a_reason(row, who):
    made = ask(row, who["analyst"])
    with pytest.raises(BadInput):
        corrections.refuse_correction(correction_id=made.pk, by=who["owner"], note=" ")
    corrections.refuse_correction(correction_id=made.pk, by=who["owner"], note="执照即为旧名")
    made.refresh_from_db()
    assert (made.state, made.reason, made.due_at) == ("refused", "执照即为旧名", None)
    assert Fact.objects.get(kind=FACT).outcome == "in_time"


@pytest.mark.parametrize("person", ["analyst", "other", "steward"])
def test_only_the_owner_decides(row, who, person):
    made = ask(row, who["analyst"])
    for step, values in [
        (corrections.accept_correction, {}),
        (corrections.refuse_correction, {"note": "no"}),
        (arriving.correct_in_register, {}),
    ]:
        with pytest.raises(PermissionDenied):
            step(correction_id=made.pk, by=who[person], **values)
    made.refresh_from_db()
    assert (made.state, made.moves.count()) == ("asked", 1)


def test_an_accepted_correction_arrives_with_the_owners_next_delivery_by_itself(row, who, tmp_path):
    made = ask(row, who["analyst"])
    corrections.accept_correction(correction_id=made.pk, by=who["owner"])
    arriving.watch_corrections()
    made.refresh_from_db()
    assert made.state == "accepted"
    new = shops(tmp_path, [shop("A", name="新名")], "new.csv")
    arriving.watch_corrections()
    made.refresh_from_db()
    assert (made.state, made.delivery) == ("corrected", new)
    assert TraceLink.objects.filter(from_ref=made.ref, to_ref=f"datahub.row:{new.pk}:1").exists()


def test_a_delivery_that_still_says_the_old_does_not_end_it(row, who, tmp_path):
    made = ask(row, who["analyst"])
    corrections.accept_correction(correction_id=made.pk, by=who["owner"])
    shops(tmp_path, [shop("A", name="还是旧名")], "new.csv")
    arriving.watch_corrections()
    made.refresh_from_db()
    assert made.state == "accepted"


def test_the_owner_corrects_in_the_register_at_once(row, who):
    made = ask(row, who["analyst"])
    arriving.correct_in_register(correction_id=made.pk, by=who["owner"], note="已核")
    made.refresh_from_db()
    assert (made.state, names_now()) == ("corrected", ["店B", "新名"])
    assert made.delivery.rows_committed == 1


def test_a_proposed_value_that_fails_the_rules_is_said_and_nothing_is_corrected(row, who):
    made = ask(row, who["analyst"], column="staff", wrong="5", proposed="900")
    with pytest.raises(BadInput) as error:
        arriving.correct_in_register(correction_id=made.pk, by=who["owner"])
    assert error.value.problems[0].field == "proposed"
    made.refresh_from_db()
    assert made.state == "asked"


def test_a_delivery_named_by_hand_has_to_be_a_later_one_of_the_same_dataset(row, who, tmp_path):
    made = ask(row, who["analyst"])
    old = int(row.split(":")[1])
    for wrong in (old, 10**9):
        with pytest.raises(BadInput):
            corrections.correct_by_delivery(correction_id=made.pk, delivery_id=wrong, by=who["owner"])
    new = shops(tmp_path, [shop("A", name="新名")], "new.csv")
    corrections.correct_by_delivery(correction_id=made.pk, delivery_id=new.pk, by=who["owner"])
    made.refresh_from_db()
    assert made.state == "corrected"


def test_a_clock_that_runs_out_is_told_once_and_counted(row, who):
    with clock.at(NOON):
        made = ask(row, who["analyst"])
    with clock.at(NOON + timedelta(days=30)):
        assert (arriving.watch_corrections(), arriving.watch_corrections()) == (1, 0)
    made.refresh_from_db()
    assert made.moves.last().body["told"] == BUREAU
    fact = Fact.objects.get(kind=FACT)
    assert (fact.outcome, fact.org_code) == ("late", PROVIDER)


def test_who_asked_withdraws(row, who):
    made = ask(row, who["analyst"])
    with pytest.raises(PermissionDenied):
        corrections.withdraw_correction(correction_id=made.pk, by=who["other"])
    corrections.withdraw_correction(correction_id=made.pk, by=who["analyst"])
    made.refresh_from_db()
    assert made.state == "withdrawn"


def test_values_of_a_personal_column_are_sealed_and_opened_with_a_reason(who, tmp_path):
    declared(PERSONS)
    records = [{"number": "1", "id_number": "11010519491231002X", "phone": "13862901234", "age": 40}]
    found = deliver(dataset_code=PERSONS.code, path=csv_file(tmp_path, records))
    made = ask(
        f"datahub.row:{found.pk}:1", who["steward"], column="phone", wrong="13862901234", proposed="13962905678",
        evidence="本人来电 13962905678 更正",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM datahub_correctionrequest")
        held = str(cursor.fetchall())
    assert "13862901234" not in held
    assert "13962905678" not in held
    with pytest.raises(PermissionDenied):
        corrections.open_correction(correction_id=made.pk, by=who["other"], reason="look at it")
    opened = corrections.open_correction(correction_id=made.pk, by=who["owner"], reason="核对本人申请")
    assert opened == {"wrong": "13862901234", "proposed": "13962905678"}
    assert AuditEntry.objects.filter(action="datahub.open_correction").count() == 1
    corrections.accept_correction(correction_id=made.pk, by=who["owner"])
    again = [{**records[0], "phone": "13962905678"}]
    deliver(dataset_code=PERSONS.code, path=csv_file(tmp_path, again, "b.csv"))
    arriving.watch_corrections()
    made.refresh_from_db()
    assert (made.state, made.sealed) == ("corrected", "")


def test_moves_are_append_only(row, who):
    ask(row, who["analyst"])
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE datahub_correctionmove SET note = 'changed'")


@given(st.lists(st.sampled_from(sorted(CORRECTION_MOVES)), max_size=10))
def test_any_walk_through_the_table_ends_where_it_says(actions):
    state, ended = S.ASKED, {S.CORRECTED, S.REFUSED, S.WITHDRAWN}
    for action in actions:
        before = state
        try:
            state = next_state(CORRECTION_MOVES, action, state)
        except IllegalMove:
            continue
        assert before not in ended


# ---------------------------------------------------------------- under a grant, by the interface


class TestInterface:
    @pytest.fixture
    def grant(self, city):
        who = people()
        dataset = shared(rows=4)
        return who, dataset, *granted(who)

    def post(self, client, token, code="test.readings", **body):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.post(
            f"/api/share/v1/{code}/corrections", body, content_type="application/json", headers=headers
        )

    def body(self, dataset, **over):
        row = f"datahub.row:{dataset.deliveries.get().pk}:2"
        return {
            "row": row,
            "column": "value",
            "wrong": "1",
            "proposed": "7",
            "evidence": "现场校准记录",
            **over,
        }

    def test_a_consumer_asks_and_sees_the_progress(self, client, grant):
        _who, dataset, agreement, token = grant
        answer = self.post(client, token, **self.body(dataset))
        assert answer.status_code == 201, answer.content
        number = answer.json()["number"]
        made = CorrectionRequest.objects.get()
        assert (made.requester_ref, made.agreement) == (agreement.consumer_ref, agreement)
        url = f"/api/share/v1/test.readings/corrections/{number}"
        seen = client.get(url, headers={"Authorization": f"Bearer {token}"})
        assert (seen.status_code, seen.json()["state"]) == (200, "asked")
        assert client.get(url).status_code == 403
        strange = client.get(f"{url}x", headers={"Authorization": f"Bearer {token}"})
        assert strange.status_code == 404

    def test_a_record_is_named_by_its_columns(self, client, grant):
        _who, dataset, _agreement, token = grant
        row = dataset.deliveries.get()
        from datahub.selectors import read

        third = next(r for r in read(dataset.code).to_pylist() if r["_row"] == 3)
        match = {"station": third["station"], "at": third["at"].isoformat()}
        body = self.body(dataset, match=match)
        del body["row"]
        answer = self.post(client, token, **body)
        assert (answer.status_code, answer.json()["row"]) == (201, f"datahub.row:{row.pk}:3")

    @pytest.mark.parametrize(
        ("over", "status"),
        [
            pytest.param({"column": "count"}, 400, id="a column outside the grant"),
            pytest.param({"row": "datahub.row:1:999"}, 400, id="a row outside"),
            pytest.param({"row": "x"}, 400, id="no reference"),
            pytest.param({"match": {"station": "S0"}, "row": None}, 400, id="two rows match"),
            pytest.param({"match": {"count": 1}, "row": None}, 400, id="match outside the grant"),
            pytest.param({"evidence": ""}, 400, id="no evidence"),
            pytest.param({"proposed": None}, 400, id="nothing proposed"),
        ],
    )
    def test_refusals(self, client, grant, over, status):
        _who, dataset, _agreement, token = grant
        body = {k: v for k, v in self.body(dataset, **over).items() if v is not None}
        assert self.post(client, token, **body).status_code == status
        assert not CorrectionRequest.objects.exists()

    def test_without_a_grant_nobody_asks(self, client, grant):
        _who, dataset, _agreement, _token = grant
        assert self.post(client, "", **self.body(dataset)).status_code == 403
        assert self.post(client, "ccs_unknown", **self.body(dataset)).status_code == 403
        assert not CorrectionRequest.objects.exists()

    def test_what_came_of_it_stands_in_the_ledger(self, client, grant):
        who, dataset, agreement, token = grant
        self.post(client, token, **self.body(dataset))
        made = CorrectionRequest.objects.get()
        row = deliver(
            dataset_code=dataset.code,
            table=pa.table({"station": ["S1"], "at": ["2026-11-20T03:58:00+00:00"], "value": [7.0]}),
        )
        corrections.correct_by_delivery(correction_id=made.pk, delivery_id=row.pk, by=who["provider"])
        assert Yield.objects.get(agreement=agreement).made_ref == made.ref
        assert dataset.provider == READINGS_PROVIDER
