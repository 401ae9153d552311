"""Erasing a person: nothing of him can be read anywhere afterwards, nor does a backup bring him back."""

import gzip
import io
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import DatabaseError, transaction

from commandcenter.core.errors import BadInput
from commandcenter.journal.models import AuditEntry
from datahub import selectors
from datahub.faults import Reason
from datahub.models import Delivery, Reject
from datahub.services import deliver
from datahub.services.upkeep import vacuum_lake
from datahub.services.verifying import verify_lake
from datahub.vault import ledger
from datahub.vault.erasing import erase_subject, find_subjects, reapply_erasures
from datahub.vault.models import VaultErasure, VaultField, VaultSubject
from datahub.vault.services import open_fields
from tests.factories.city import UserFactory
from tests.factories.datahub import make_dataset

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


def erase(steward, person=ZHANG):
    (subject,) = find_subjects(person["id_number"])
    return erase_subject(token=subject.token, by=steward, reason=REASON)


def test_nothing_of_him_is_left_anywhere(delivered, steward):
    assert ZHANG["phone"] in lake_text()  # in a letter, which nobody declared personal
    assert ZHANG["phone"] in database_text()  # in a rejected letter
    erasure = erase(steward)
    assert (erasure.report["lake_rows"], erasure.report["lake_datasets"]) == (2, [LETTERS.code])
    assert (erasure.report["rejects"], erasure.report["raw_files"], erasure.report["fields"]) == (1, 2, 3)
    vacuum_lake(keep_hours=0)  # a day later no reader needs the old files
    places = {"lake": lake_text(), "database": database_text(), "dump": dump(), "raw": raw_text()}
    for value in VALUES:
        assert [place for place, text in places.items() if value in text] == []
    assert VaultSubject.objects.get(token=erasure.subject.token).wrapped_key == ""
    content = selectors.read(LETTERS.code).sort_by("_row").column("content").to_pylist()
    assert content == ["请联系 *** 处理", "与此无关"]
    assert all(one["problems"] == [] for one in verify_lake())


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

    ledger.remember("f" * 32, clock.now())
    assert reapply_erasures() == 0
    assert VaultSubject.objects.get(token="f" * 32).erased_at is not None


def test_killed_in_the_middle_it_can_be_repeated(delivered, steward, monkeypatch):
    from datahub.vault import traces

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(traces, "remove_raw_files", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(steward)
    assert VaultSubject.objects.filter(erasing_at__isnull=False, erased_at__isnull=True).count() == 1
    erase(steward)
    vacuum_lake(keep_hours=0)
    for value in VALUES:
        assert value not in lake_text() + database_text() + raw_text()
    assert erase(steward).pk == VaultErasure.objects.get().pk


@pytest.mark.parametrize("role", ["analyst", "leader", "operator"])
def test_others_erase_nobody(delivered, role):
    with pytest.raises(PermissionDenied):
        erase(UserFactory(may=[role]))
    assert VaultField.objects.count() == 6
    assert not VaultSubject.objects.filter(erasing_at__isnull=False).exists()


def test_refusals(delivered, steward):
    with pytest.raises(BadInput):
        erase_subject(token="0" * 32, by=steward, reason=REASON)
    token = find_subjects(ZHANG["phone"])[0].token
    with pytest.raises(BadInput):
        erase_subject(token=token, by=steward, reason=" ")
    assert not VaultErasure.objects.exists()


def test_it_is_in_the_audit_log_without_a_value_and_cannot_be_denied(delivered, steward):
    erasure = erase(steward)
    entry = AuditEntry.objects.get(action="datahub.erase_subject")
    assert entry.actor_id == steward.pk
    assert not any(value in str(entry.body) + entry.reason + entry.target_ref for value in VALUES)
    with pytest.raises(DatabaseError), transaction.atomic():
        erasure.delete()


def test_the_command_asks_for_the_number_on_standard_input(delivered, steward, monkeypatch):
    for commit in ([], ["--commit"]):
        monkeypatch.setattr("sys.stdin", io.StringIO(ZHANG["phone"] + "\n"))
        out = io.StringIO()
        call_command("erase_subject", "--by", steward.username, "--reason", REASON, *commit, stdout=out)
        assert ZHANG["phone"] not in out.getvalue()
        assert VaultErasure.objects.exists() == bool(commit)
