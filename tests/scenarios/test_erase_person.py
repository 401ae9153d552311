"""A person is planted wherever words can stand, erased, and looked for with a shovel: dump, lake, files."""

import os
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import CharField, JSONField, TextField

from alerts.models import Alert, AlertEvidence, AlertMove, Detector
from commandcenter import wiring
from commandcenter.core import clock
from commandcenter.core.spoken import Needles
from commandcenter.journal import erasing as sweeping
from commandcenter.journal.guards import TEXTS
from commandcenter.journal.models import AuditEntry, Redaction
from commandcenter.journal.seal import seal_audit, verify
from commandcenter.journal.services import audit, pump, record_fact
from dashboards.recount import compare
from datahub.models import Reject
from datahub.push.models import MessageReject, Subscription
from datahub.services import deliver, fold_blobs, push_rows
from datahub.services.upkeep import vacuum_lake
from datahub.services.verifying import verify_lake
from datahub.vault import ledger
from datahub.vault.asking import approve_erasure, ask_erasure
from datahub.vault.models import ErasureRequest, VaultSubject
from datahub.vault.restoring import reapply_erasures
from dispatch import services as orders
from dispatch.models import Order
from hotline import services as desk
from hotline.models import Ticket
from tests.datahub.vault.people import CLIENTS, LETTERS, LI, ZHANG, letters
from tests.datahub.vault.search import lake_text, raw_text
from tests.factories.city import UserFactory
from tests.factories.datahub import make_dataset
from tests.factories.grid import a_report, walked_city
from tests.factories.hotline import PHONE as ANOTHER
from tests.factories.hotline import TicketFactory, load_tree, officer_of, operator_of, unit_of
from tests.support.rows import least

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PHONE, NAME = ZHANG["phone"], ZHANG["name"]
SPOKEN = "幺三八六二九零幺二三四"
WANTED = Needles([PHONE, ZHANG["id_number"], NAME])


@pytest.fixture(autouse=True)
def no_taps(monkeypatch):
    monkeypatch.setattr(wiring, "TAPS", {})


@pytest.fixture
def planted(tmp_path):
    city = walked_city()
    load_tree()
    make_dataset(CLIENTS)
    make_dataset(LETTERS)
    now = clock.now()
    operator, unit = operator_of(), unit_of()
    officer = officer_of(unit)
    own = TicketFactory(
        by=operator,
        at=now,
        org=unit,
        state="dispatched",
        title=f"{NAME}反映 138-6290-1234 无人接听",
        content=f"我是{NAME}，电话 138 6290 1234，也可拨 +86 13862901234，证件320602 19900101 1234",
        address="人民中路12号3幢402室",
        location=(120.8554321, 31.9554321),
        caller_name=NAME,
        caller_phone="+86 138 6290 1234",
        caller_id_number=ZHANG["id_number"],
    )
    order = Order.objects.get(case_ref=own.ref)
    orders.sign_order(order_id=order.pk, by=officer)
    orders.contact_caller(order_id=order.pk, by=officer, note=f"已致电{NAME}，号码{SPOKEN}")
    orders.handle_order(order_id=order.pk, by=officer, result=f"已答复{NAME} {PHONE}")
    others = TicketFactory(by=operator, at=now, content=f"邻居电话１３８６２９０１２３４，麻烦联系 {PHONE}")
    desk.save_draft(by=operator, body={"content": f"来电 {PHONE} 待记"})
    a_report(city["worker"], content=f"路人 {PHONE} 反映垃圾堆放")
    audit(actor=operator, action="hotline.look", target_ref=own.ref, reason=f"{NAME} 138 6290 1234 本人要求")
    record_fact(
        kind="test.fact", subject_ref=own.ref, org_code=unit.code, happened_at=now, body={"said": PHONE}
    )
    _alert(now)
    _deliveries(tmp_path)
    pump()
    seal_audit()
    return own, others, order


def _alert(now):
    detector = Detector.objects.create(
        code="test.people", pack="test", name="x", pattern="threshold", dataset_code=CLIENTS.code,
        subject_column="id_number", time_column="at", params={}, function="police", default_area="3206",
        created_at=now,
    )  # fmt: skip
    alert = Alert.objects.create(
        number="YJ-1", detector=detector, version=1, subject=PHONE, title=f"号码 {PHONE} 反复来电", level=1,
        trial=False, area_code="3206", value=1, peak=1, peak_at=now, unit="", started_at=now, raised_at=now,
        recorded_at=now,
    )  # fmt: skip
    AlertMove.objects.create(
        alert=alert, action="verify", from_state="raised", to_state="raised", level=1, note=f"电话 {PHONE} 核实",
        at=now,
    )  # fmt: skip
    AlertEvidence.objects.create(
        alert=alert, row_ref="datahub.row:1:1", role="trigger", value=1, measure=1, at=now,
        body={"phone": int(PHONE), "who": [f"x{PHONE}"], PHONE: 1},
    )  # fmt: skip


def _deliveries(tmp_path):
    path = tmp_path / "clients.parquet"
    rows = [{**ZHANG, "remark": f"{NAME} {SPOKEN}", "age": 35}, {**LI, "remark": "无", "age": 40}]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert deliver(dataset_code=CLIENTS.code, path=path).rows_committed == 2
    assert deliver(dataset_code=LETTERS.code, path=letters(tmp_path)).rows_rejected == 1
    push_rows(LETTERS.code, [{"number": "9", "content": "回电 138-6290 1234", "pages": 1}])
    fold_blobs()
    push_rows(LETTERS.code, [{"number": "10", "content": f"回电 {PHONE}", "pages": 1}])
    for one in tmp_path.iterdir():
        if one.is_file():  # the senders' own files are the senders' business
            one.unlink()
    for folder in ("datahub/staged", "datahub/share/GX-1", "grid/2026"):
        place = Path(settings.MEDIA_ROOT) / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / "one.csv").write_text("id,phone\n1,138 6290 1234\n")
        (place / "none.csv").write_text("id,phone\n1,138 6290 1235\n")
    reject = Reject.objects.get()
    reject.raw, reject.detail = f"{reject.raw} {SPOKEN}", f"电话 {PHONE}"
    reject.save()
    subscription = least(Subscription, dataset=reject.delivery.dataset)
    least(MessageReject, subscription=subscription, sample=f'{{"tel": "{PHONE}"}}')


def erase():
    request = ask_erasure(
        values=["138-6290-1234", NAME],
        ground="consent",
        reason=f"{NAME}申请删除",
        by=UserFactory(may=["steward"]),
    )
    approve_erasure(request_id=request.pk, by=UserFactory(may=["steward"]))
    request.refresh_from_db()
    return request


def whole_dump():
    at, owner = connection.settings_dict, settings.DATABASE_OWNER
    binary = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"), reverse=True)), "pg_dump")
    made = subprocess.run(
        [str(binary), "-h", at["HOST"], "-p", str(at["PORT"] or 5432), "-U", owner["USER"], "--inserts",
         "--data-only", "--exclude-table=spatial_ref_sys", at["NAME"]],
        env={**os.environ, "PGPASSWORD": owner["PASSWORD"]}, capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    return made.stdout.decode()


def found_in(text):
    """The line and the values, so that a failure says where."""
    return [(line[:160], WANTED.within(line)) for line in text.splitlines() if WANTED.within(line)]


def test_he_is_nowhere_afterwards_and_everything_else_is(planted):
    own, others, order = planted
    before = {model._meta.label: model._base_manager.count() for model in sweeping.searched_models()}
    assert found_in(whole_dump())
    figures = compare()
    request = erase()
    assert request.state == "done", request.last_error
    vacuum_lake(keep_hours=0)
    assert found_in(whole_dump()) == []
    assert found_in(lake_text() + raw_text()) == []
    assert sorted(path.name for path in Path(settings.MEDIA_ROOT).rglob("*.csv")) == ["none.csv"] * 3

    own.refresh_from_db()
    assert (own.title, own.address) == ("***反映 *** 无人接听", "人民中路***")
    assert (own.caller_name, own.caller_phone, own.caller_hash, own.number != "") == ("", "", "", True)
    assert (round(own.location.x, 6), round(own.location.y, 6)) == (120.855, 31.955)
    others.refresh_from_db()
    assert (others.content, others.caller_phone) == ("邻居电话***，麻烦联系 ***", ANOTHER)
    assert list(order.moves.filter(action="contact").values_list("note", flat=True)) == ["已致电***，号码***"]
    for label, n in before.items():  # nothing is deleted, and what is new is of the erasure itself
        grown = apps.get_model(label)._base_manager.count() - n
        assert grown >= 0 or label == "datahub.DeliveryBlob", label
        assert grown <= 0 or label.startswith(("journal.", "datahub.", "city.")), label
    seal_audit()
    assert list(verify()) == []
    assert all(one["problems"] == [] for one in verify_lake())
    assert compare() == figures

    proofs = {proof.place: proof for proof in request.proofs.all()}
    assert set(proofs) >= {"lake", "files", "tables", "blobs", "vault"}
    assert proofs["files"].body == {"removed": 3}
    touched = {"hotline.Ticket", "hotline.TicketMove", "hotline.Draft", "dispatch.Order", "dispatch.OrderMove",
               "grid.Report", "alerts.Alert", "alerts.AlertMove", "alerts.AlertEvidence", "journal.Event",
               "journal.Fact", "journal.AuditEntry", "datahub.Reject", "datahub.MessageReject"}  # fmt: skip
    assert touched <= set(proofs["tables"].body)
    assert all(proof.left == 0 and proof.searched for proof in proofs.values() if proof.place != "blobs")
    assert set(Redaction.objects.values_list("cause_ref", flat=True)) == {request.ref}
    assert AuditEntry.objects.filter(action="datahub.erase_person", target_ref=request.ref).exists()


def test_a_restored_desk_loses_him_again_by_marks_alone(planted, tmp_path):
    """A caller whom no vault knows: the list beside the backup holds marks of his numbers and no more."""
    own, _others, _order = planted
    VaultSubject.objects.all().delete()
    kept = Ticket.objects.filter(pk=own.pk).values().get()
    request = erase()
    assert request.tokens == []
    Ticket.objects.filter(pk=own.pk).update(**{k: v for k, v in kept.items() if k != "id"})  # the backup
    new_list = tmp_path / "erased.jsonl"
    shutil.copy(ledger.ledger_path(), new_list)
    assert not WANTED.within(new_list.read_text())
    ledger.ledger_path().unlink()
    ErasureRequest.objects.update(state="approved", tries=99, done_at=None)  # the backup knows of no erasure
    assert reapply_erasures(new_list) == 1
    assert found_in(whole_dump()) == []
    assert reapply_erasures(new_list) == 0
    back = TicketFactory(
        by=operator_of(), at=clock.now(), caller_phone=PHONE
    )  # he calls again, of his own will
    assert reapply_erasures() == 0
    assert Ticket.objects.get(pk=back.pk).caller_phone == PHONE


def test_every_table_is_searched_or_says_why_not():
    known = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert set(sweeping.EXEMPT) <= known
    searched = {model._meta.label for model in sweeping.searched_models()}
    for label in ("hotline.Ticket", "dispatch.OrderMove", "grid.ReportMove", "alerts.AlertEvidence",
                  "journal.Event", "datahub.Incident", "datahub.Upload", "admin.LogEntry"):  # fmt: skip
        assert label in searched


# Columns of append-only tables that hold the platform's own words, never a person's.
OURS = {
    "name", "by_name", "actor", "code", "ref", "state", "action", "kind", "mac", "digest", "path", "url", "number",
    "case_ref", "subject_ref", "from_ref", "to_ref", "target_ref", "row_ref", "cause_ref", "made_ref", "org_code",
    "area_code", "dataset_code", "table_name", "way", "form", "files", "rows", "position", "result", "outcome",
    "from_state", "to_state", "source", "before", "after", "unit", "place", "denial", "role", "decision",
}  # fmt: skip


def test_words_in_append_only_tables_stand_where_they_can_be_hidden():
    loose = {
        f"{model._meta.label}.{one.column}"
        for model in apps.get_models()
        if sweeping.is_append_only(model)
        for one in model._meta.concrete_fields
        if isinstance(one, CharField | TextField | JSONField)
        if not (one.choices or one.column in TEXTS or one.column in OURS)
    }
    assert loose == set()
