"""The audit log proves itself."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from commandcenter.core import clock
from commandcenter.journal.models import AuditSeal
from commandcenter.journal.seal import read_anchors, seal_audit, verify
from commandcenter.journal.services import audit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def anchors(settings, tmp_path):
    settings.ANCHOR_DIR = tmp_path


def test_sealed_rows_verify(capsys):
    for n in range(5):
        audit(
            actor=None,
            action="test.look",
            reason=f"原因 {n}",
            body={"n": n, "中": [1, 2.5, None]},
            ip="10.0.0.1",
        )
    assert seal_audit() == 5
    assert list(verify()) == []
    call_command("audit_verify")
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"seals": 5, "anchors": 0, "findings": 0}


def test_a_changed_row_is_found(as_owner):
    for n in range(3):
        audit(actor=None, action="test.look", reason=str(n))
    seal_audit()
    as_owner("ALTER TABLE journal_auditentry DISABLE TRIGGER journal_auditentry_append_only")
    as_owner("UPDATE journal_auditentry SET reason = 'nothing' WHERE reason = '1'")
    assert [finding.position for finding in verify()] == [2]
    with pytest.raises(CommandError):
        call_command("audit_verify")
    as_owner("ALTER TABLE journal_auditentry ENABLE TRIGGER journal_auditentry_append_only")


def test_a_removed_tail_is_found_by_the_anchor_and_the_mark(as_owner):
    with clock.at(clock.now() - timedelta(days=2)):
        audit(actor=None, action="test.old")
        audit(actor=None, action="test.old")
        seal_audit()
    assert seal_audit() == 0
    assert [anchor["position"] for anchor in read_anchors()] == [2]
    last = AuditSeal.objects.get(position=2)
    for table, where in (("auditseal", "position = 2"), ("auditentry", f"id = {last.entry_id}")):
        as_owner(f"ALTER TABLE journal_{table} DISABLE TRIGGER journal_{table}_append_only")
        as_owner(f"DELETE FROM journal_{table} WHERE {where}")
        as_owner(f"ALTER TABLE journal_{table} ENABLE TRIGGER journal_{table}_append_only")
    whats = [finding.what for finding in verify()]
    assert len(whats) == 2
    assert "anchor" in whats[0]
    assert "mark" in whats[1]


def test_a_row_nobody_sealed_is_found():
    with clock.at(clock.now() - timedelta(hours=1)):
        audit(actor=None, action="test.old")
    assert ["never sealed" in finding.what for finding in verify()] == [True]
