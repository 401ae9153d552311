"""What was written stays, by the database's own rights."""

import pytest
from django.db import DatabaseError, connection, transaction

from commandcenter.core import clock
from commandcenter.journal.models import AuditEntry, Event, Fact, TraceLink
from commandcenter.journal.services import audit, link, record_fact, unlink

pytestmark = pytest.mark.django_db

TABLES = ["event", "eventposition", "fact", "auditentry", "auditseal", "tracelink"]


def test_the_web_role_owns_no_table():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, count(*) FROM pg_tables WHERE tableowner = current_user GROUP BY 1"
        )
        assert cursor.fetchall() == []


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_web_role_cannot_change_what_happened(table, change):
    name = f"journal_{table}"
    column = "position" if table in ("eventposition", "auditseal") else "id"
    refused = pytest.raises(DatabaseError, match="permission denied")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(name, column, column))


def test_rows_are_still_there_after_a_refused_change():
    entry = audit(actor=None, action="test.look", reason="why")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(reason="another")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).delete()
    assert AuditEntry.objects.get(pk=entry.pk).reason == "why"


def test_a_fact_is_linked_to_its_subject():
    fact = record_fact(
        kind="test.fact", subject_ref="dispatch.order:1", org_code="o", happened_at=clock.now(), value=1.5
    )
    assert TraceLink.objects.filter(from_ref="dispatch.order:1", to_ref=f"journal.fact:{fact.pk}").exists()
    assert Fact.objects.get(pk=fact.pk).value == 1.5


def test_undoing_a_link_appends_one():
    link("a.b:1", "c.d:2", "merged")
    unlink("a.b:1", "c.d:2")
    assert list(TraceLink.objects.order_by("pk").values_list("kind", flat=True)) == ["merged", "undone"]


def test_events_carry_their_transaction():
    event = Event.objects.create(
        kind="test.x", body={}, area_code="3206", audiences=["leader"], at=clock.now()
    )
    event.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        assert cursor.fetchone() == (event.xid,)
