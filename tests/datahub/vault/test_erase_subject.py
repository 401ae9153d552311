"""Erasing a person: nothing of him can be read anywhere afterwards, nor does a backup bring him back."""

import gzip
import io
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from commandcenter.core.errors import BadInput, IllegalMove
from commandcenter.journal.models import AuditEntry
from datahub import selectors
from datahub.faults import Reason
from datahub.models import Delivery, Reject
from datahub.services import deliver
from datahub.services.upkeep import vacuum_lake
from datahub.services.verifying import verify_lake
from datahub.vault import ledger
from datahub.vault.asking import approve_erasure, ask_erasure, lift_hold, place_hold, refuse_erasure
from datahub.vault.erasing import preview, run_erasure, run_erasures
from datahub.vault.knowing import find_subjects
from datahub.vault.models import ErasureProof, ErasureRequest, VaultErasure, VaultField, VaultSubject
from datahub.vault.restoring import reapply_erasures
from datahub.vault.services import open_fields
from tests.factories.city import UserFactory
from tests.factories.datahub import make_dataset
from tests.support.database import owner_cursor

from .people import CLIENTS, LETTERS, LI, VALUES, ZHANG, clients, letters
from .search import database_text, dump, lake_text, raw_text

pytestmark = pytest.mark.django_db(transaction=True)
REASON = "本人申请删除"


@pytest.fixture
def steward():
    return UserFactory(may=["steward"])


@pytest.fixture
def delivered(city, noon, tmp_path):
    make_dataset(CLIENTS)
    make_dataset(LETTERS)
    deliver(dataset_code=LETTERS.code, path=letters(tmp_path))
    first = deliver(dataset_code=CLIENTS.code, path=clients(tmp_path, bad=True))
    for path in tmp_path.iterdir():  # the senders' own files are the senders' business
        path.unlink()
    kept = Path(settings.MEDIA_ROOT) / "datahub" / "archive"
    kept.mkdir(parents=True)
    (kept / "plain.csv").write_text(f"x,{ZHANG['phone']}\n")
    (kept / "packed.csv.gz").write_bytes(gzip.compress(f"{ZHANG['id_number']}\n".encode()))
    (kept / "other.csv").write_text("nothing\n")
    return first


def ask(steward, person=ZHANG):
    values = [person["id_number"]]
    return ask_erasure(values=values, ground="consent", reason=REASON, by=steward)


def erase(steward, person=ZHANG):
    """Asked by one, approved by another: then it runs at once."""
    request = ask(steward, person)
    approve_erasure(request_id=request.pk, by=UserFactory(may=["steward"]))
    request.refresh_from_db()
    return request


def test_nothing_of_him_is_left_anywhere(delivered, steward):
    assert ZHANG["phone"] in lake_text()  # in a letter, which nobody declared personal
    assert ZHANG["phone"] in database_text()  # in a rejected letter
    request = erase(steward)
    assert (request.state, request.given) == ("done", "")
    changed = {proof.place: proof.body for proof in request.proofs.all()}
    assert changed["lake"] == {LETTERS.code: 1}
    assert changed["tables"] == {"datahub.Reject": 1}
    assert (changed["files"], changed["vault"]) == ({"removed": 2}, {"datahub.VaultField": 3})
    assert not request.proofs.exclude(left=0).exists()
    vacuum_lake(keep_hours=0)  # a day later no reader needs the old files
    places = {"lake": lake_text(), "database": database_text(), "dump": dump(), "raw": raw_text()}
    for value in VALUES:
        assert [place for place, text in places.items() if value in text] == []
    erasure = VaultErasure.objects.get()
    assert VaultSubject.objects.get(token=erasure.subject.token).wrapped_key == ""
    content = selectors.read(LETTERS.code).sort_by("_row").column("content").to_pylist()
    assert content == ["请联系 *** 处理", "与此无关"]
    assert all(one["problems"] == [] for one in verify_lake())


def test_the_preview_counts_and_touches_nothing(delivered, steward):
    before = lake_text(), raw_text()
    request = ask(steward)
    counted = ErasureRequest.objects.get(pk=request.pk).preview
    assert counted["lake"] == {LETTERS.code: 1}
    assert (counted["tables"], counted["files"], counted["persons"]) == ({"datahub.Reject": 1}, 2, 1)
    assert (lake_text(), raw_text()) == before
    assert VaultField.objects.count() == 6
    assert not VaultSubject.objects.filter(erasing_at__isnull=False).exists()
    assert preview(request.pk) == counted


def test_four_eyes(delivered, steward):
    request = ask(steward)
    with pytest.raises(PermissionDenied):
        approve_erasure(request_id=request.pk, by=steward)
    with pytest.raises(PermissionDenied):
        approve_erasure(request_id=request.pk, by=UserFactory(may=["leader"]))
    run_erasures()
    assert VaultField.objects.count() == 6
    refuse_erasure(request_id=request.pk, by=UserFactory(may=["steward"]), note="不是本人申请")
    request.refresh_from_db()
    assert (request.state, request.given, request.marks) == ("refused", "", [])
    with pytest.raises(IllegalMove):
        approve_erasure(request_id=request.pk, by=UserFactory(may=["steward"]))
    with pytest.raises(DatabaseError), transaction.atomic():
        ErasureRequest.objects.filter(pk=request.pk).update(decided_by=steward)


def test_a_duty_to_keep_comes_first_and_ends(delivered, steward):
    statute = "网络安全法 第二十一条"
    hold = place_hold(value=ZHANG["phone"], statute=statute, reason="案件侦办", by=steward)
    request = erase(steward)
    assert (request.state, request.held_by.statute) == ("restricted", statute)
    assert VaultField.objects.count() == 6
    rows = [(delivered.pk, 1), (delivered.pk, 2)]
    found = open_fields(
        dataset_code=CLIENTS.code, rows=rows, columns=["phone"], by=steward, reason="回访核实"
    )
    assert found == {rows[0]: {"phone": None}, rows[1]: {"phone": LI["phone"]}}
    run_erasures()
    assert VaultField.objects.count() == 6
    lift_hold(hold_id=hold.pk, by=steward)
    request.refresh_from_db()
    assert request.state == "done"
    assert VaultField.objects.count() == 3


@pytest.mark.parametrize("over", [{"statute": ""}, {"reason": ""}, {"value": "张晓明"}])
def test_a_duty_to_keep_names_its_statute(steward, over):
    with pytest.raises(BadInput):
        place_hold(
            **{"value": ZHANG["phone"], "statute": "网络安全法", "reason": "案件侦办", **over}, by=steward
        )


def test_the_others_stay_as_they_were(delivered, steward):
    erase(steward)
    rows = [(delivered.pk, 1), (delivered.pk, 2)]
    found = open_fields(
        dataset_code=CLIENTS.code, rows=rows, columns=["phone"], by=steward, reason="回访核实"
    )
    assert found == {rows[0]: {"phone": None}, rows[1]: {"phone": LI["phone"]}}
    assert selectors.read(CLIENTS.code).num_rows == 2
    assert (Path(settings.MEDIA_ROOT) / "datahub" / "archive" / "other.csv").exists()


def test_he_does_not_come_in_again(delivered, steward, tmp_path):
    erase(steward)
    again = deliver(dataset_code=CLIENTS.code, path=clients(tmp_path, "again.csv"), period="next")
    assert (again.state, again.rows_committed, again.rows_rejected) == ("committed", 1, 1)
    reject = Reject.objects.get(delivery=again)
    assert (reject.reason, reject.raw, reject.row, reject.others) == (Reason.ERASED, "", {}, [])
    for value in VALUES:
        assert value not in database_text()


def test_a_backup_does_not_bring_him_back(delivered, steward, tmp_path):
    lake = tmp_path / "backup"
    shutil.copytree(settings.LAKE_URL, lake)
    subject = VaultSubject.objects.get(token=find_subjects(ZHANG["id_number"])[0].token)
    key, fields = subject.wrapped_key, list(VaultField.objects.filter(subject=subject))
    erase(steward)
    # The backup comes back: old rows of the database, old files of the lake.
    with owner_cursor(connection.settings_dict["NAME"]) as cursor:
        cursor.execute("TRUNCATE datahub_erasurerequest CASCADE")
    VaultSubject.objects.filter(pk=subject.pk).update(erased_at=None, erasing_at=None)
    VaultSubject.objects.filter(pk=subject.pk).update(wrapped_key=key)
    VaultField.objects.bulk_create(fields)
    shutil.rmtree(settings.LAKE_URL)
    shutil.copytree(lake, settings.LAKE_URL)
    Delivery.objects.update(file_name=f"{ZHANG['phone']}.csv")
    assert ZHANG["phone"] in lake_text()
    out = io.StringIO()
    call_command("reapply_erasures", stdout=out)
    assert out.getvalue().strip() == '{"erased_again": 1}'
    vacuum_lake(keep_hours=0)
    for value in VALUES:
        assert value not in lake_text() + database_text()
    assert reapply_erasures() == 0


def test_a_person_the_backup_does_not_know_is_put_on_the_list(city, noon):
    from commandcenter.core import clock

    ledger.remember(clock.now(), tokens=["f" * 32], marks=[])
    assert reapply_erasures() == 0
    assert VaultSubject.objects.get(token="f" * 32).erased_at is not None


def test_killed_in_the_middle_it_can_be_repeated(delivered, steward, monkeypatch):
    from datahub.vault import traces

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    request = ask(steward)
    ErasureRequest.objects.filter(pk=request.pk).update(state="approved")
    with monkeypatch.context() as patch:
        patch.setattr(traces, "files_with", killed)
        with pytest.raises(KeyboardInterrupt):
            run_erasure(request.pk)
    assert VaultSubject.objects.filter(erasing_at__isnull=False, erased_at__isnull=True).count() == 1
    assert run_erasures() == 1
    assert run_erasures() == 0
    vacuum_lake(keep_hours=0)
    for value in VALUES:
        assert value not in lake_text() + database_text() + raw_text()
    assert run_erasure(request.pk).state == "done"
    assert VaultErasure.objects.count() == 1


def test_what_cannot_be_cleaned_keeps_the_request_open(delivered, steward, monkeypatch):
    from datahub.vault import erasing

    request = ask(steward)
    ErasureRequest.objects.filter(pk=request.pk).update(state="approved")
    with monkeypatch.context() as patch:
        patch.setattr(erasing, "_tables", lambda person, known: {})
        assert run_erasures() == 0
    request.refresh_from_db()
    assert (request.state, request.last_error) == ("approved", "SomethingLeft")
    assert ErasureProof.objects.get(place="tables").left == 1
    assert VaultField.objects.count() == 6
    assert run_erasures() == 1


@pytest.mark.parametrize("role", ["analyst", "leader", "operator"])
def test_others_erase_nobody(delivered, role):
    with pytest.raises(PermissionDenied):
        erase(UserFactory(may=[role]))
    assert VaultField.objects.count() == 6
    assert not VaultSubject.objects.filter(erasing_at__isnull=False).exists()


@pytest.mark.parametrize(
    "over",
    [
        {"values": []},
        {"values": ["张晓明"]},
        {"values": ["1380000000"[:5]]},
        {"reason": " "},
        {"ground": "x"},
    ],
)
def test_refusals(delivered, steward, over):
    with pytest.raises(BadInput):
        ask_erasure(**{"values": [ZHANG["phone"]], "ground": "consent", "reason": REASON, **over}, by=steward)
    assert not ErasureRequest.objects.exists()


def test_it_is_in_the_audit_log_without_a_value_and_cannot_be_denied(delivered, steward):
    request = erase(steward)
    entries = AuditEntry.objects.filter(target_ref=request.ref)
    done = entries.get(action="datahub.erase_person")
    assert done.actor_id == request.decided_by_id
    assert entries.get(action="datahub.ask_erasure").actor_id == steward.pk
    assert not any(value in f"{one.body}{one.reason}{one.target_ref}" for one in entries for value in VALUES)
    for kept in (VaultErasure.objects.get(), request.proofs.first()):
        with pytest.raises(DatabaseError), transaction.atomic():
            kept.delete()


def test_the_command_asks_for_the_number_on_standard_input(delivered, steward, monkeypatch):
    other = UserFactory(may=["steward"])
    for commit in ([], ["--commit", "--approved-by", other.username]):
        monkeypatch.setattr("sys.stdin", io.StringIO(ZHANG["phone"] + "\n"))
        out = io.StringIO()
        call_command("erase_subject", "--by", steward.username, "--reason", REASON, *commit, stdout=out)
        assert ZHANG["phone"] not in out.getvalue()
        assert VaultErasure.objects.exists() == bool(commit)


def test_a_caller_who_must_be_kept_is_not_opened_either(delivered, steward):
    from hotline.services import open_caller
    from tests.factories.hotline import TicketFactory, operator_of

    operator = operator_of()
    ticket = TicketFactory(by=operator, caller_phone=ZHANG["phone"])
    assert open_caller(ticket_id=ticket.pk, reason="回访核实", by=operator)["phone"] == ZHANG["phone"]
    place_hold(value=ZHANG["phone"], statute="网络安全法 第二十一条", reason="案件侦办", by=steward)
    assert erase(steward).state == "restricted"
    with pytest.raises(PermissionDenied):
        open_caller(ticket_id=ticket.pk, reason="回访核实", by=operator)
    assert AuditEntry.objects.filter(action="hotline.open_caller", result="refused").count() == 1
