"""The one door through which a person's values leave what only grows; it hides, and never without a record."""

import pytest
from django.db import DatabaseError, connection, transaction

from commandcenter.core import clock
from commandcenter.journal.erasing import Person, own_rows, sweep
from commandcenter.journal.models import AuditEntry, Event, Redaction
from commandcenter.journal.seal import seal_audit, verify
from commandcenter.journal.services import audit

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "13862901234"


def person(*values, refs=(), change=True):
    return Person(cause="test.erasure:1", values=values, refs=frozenset(refs), change=change)


def test_words_of_an_audit_entry_are_hidden_and_the_chain_holds():
    said = audit(
        actor=None, action="test.look", reason="致电 138-6290 1234 核实", body={"n": [13862901234, "a"]}
    )
    for n in range(3):
        audit(actor=None, action="test.other", reason=str(n))
    seal_audit()
    assert sweep(AuditEntry, person(PHONE)) == 1
    said.refresh_from_db()
    assert (said.reason, said.body) == ("致电 *** 核实", {"n": ["***", "a"]})
    assert list(verify()) == []
    record = Redaction.objects.get()
    assert (record.table_name, record.row_id, record.cause_ref) == (
        "journal_auditentry",
        said.pk,
        "test.erasure:1",
    )
    assert sweep(AuditEntry, person(PHONE)) == 0


def test_an_entry_hidden_before_it_was_sealed_and_again_afterwards(as_owner):
    said = audit(actor=None, action="test.look", reason=f"{PHONE} 张晓明", target_ref="hotline.ticket:1")
    sweep(AuditEntry, person(PHONE))
    seal_audit()
    assert list(verify()) == []
    him = person(PHONE, "张晓明", refs=["hotline.ticket:1"])
    assert sweep(AuditEntry, him, own_rows(him.refs)["journal.AuditEntry"]) == 1
    said.refresh_from_db()
    assert said.reason == "*** ***"
    assert list(verify()) == []
    as_owner("ALTER TABLE journal_auditentry DISABLE TRIGGER journal_auditentry_append_only")
    as_owner("UPDATE journal_auditentry SET reason = 'another'")
    as_owner("ALTER TABLE journal_auditentry ENABLE TRIGGER journal_auditentry_append_only")
    assert [one.position for one in verify()] == [1]


def test_counting_changes_nothing():
    Event.objects.create(kind="test.x", body={"title": f"请回 {PHONE}"}, audiences=[], at=clock.now())
    assert sweep(Event, person(PHONE, change=False)) == 1
    assert Event.objects.get().body == {"title": f"请回 {PHONE}"}
    assert sweep(Event, person(PHONE)) == 1
    assert Event.objects.get().body == {"title": "请回 ***"}


@pytest.mark.parametrize(
    ("table", "needles"),
    [
        ("journal_auditentry", ["ok"]),
        ("journal_redaction", ["ok"]),
        ("city_user", ["ok"]),
        ("nothing", ["ok"]),
    ],
)
def test_without_a_record_of_this_transaction_nothing_is_hidden(table, needles):
    entry = audit(actor=None, action="test.look", reason="ok")
    Redaction.objects.create(
        table_name=table, row_id=entry.pk, cause_ref="x", before="", after="", at=clock.now()
    )
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT journal_hide_row(%s, %s, %s)", [table, entry.pk, needles])
    assert AuditEntry.objects.get(pk=entry.pk).reason == "ok"


def test_the_door_hides_words_and_leaves_all_else():
    entry = audit(actor=None, action="test.look", reason="test.look at once")
    with transaction.atomic(), connection.cursor() as cursor:
        Redaction.objects.create(
            table_name="journal_auditentry",
            row_id=entry.pk,
            cause_ref="x",
            before="",
            after="",
            at=clock.now(),
        )
        cursor.execute("SELECT journal_hide_row('journal_auditentry', %s, %s)", [entry.pk, ["test.look"]])
    entry.refresh_from_db()
    assert (entry.reason, entry.action) == ("*** at once", "test.look")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT journal_hide_row('journal_auditentry', %s, %s)", [entry.pk, ["a"]])
