"""What Django's models cannot say: the running number, and that moves are never changed."""

from django.db import migrations

from commandcenter.journal.guards import append_only


class Migration(migrations.Migration):
    dependencies = [("hotline", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE IF NOT EXISTS hotline_ticket_number",
            "DROP SEQUENCE IF EXISTS hotline_ticket_number",
        ),
        *append_only("hotline_ticketmove"),
    ]
