"""What was done to a report is never rewritten."""

from django.db import migrations

from commandcenter.journal.guards import append_only


class Migration(migrations.Migration):
    dependencies = [("grid", "0001_initial")]
    operations = append_only("grid_reportmove")
