from django.db import migrations

from commandcenter.journal.guards import append_only

TABLES = (
    "journal_event",
    "journal_eventposition",
    "journal_fact",
    "journal_auditentry",
    "journal_auditseal",
    "journal_redaction",
    "journal_tracelink",
)


class Migration(migrations.Migration):
    """What happened stays as it was written."""

    dependencies = [("journal", "0001_initial")]
    operations = [operation for table in TABLES for operation in append_only(table)]
