"""Steps and evidence of alerts, and steps of detectors, are never rewritten."""

from django.db import migrations

from commandcenter.journal.guards import append_only


class Migration(migrations.Migration):
    dependencies = [("alerts", "0001_initial")]
    operations = [
        *append_only("alerts_alertmove"),
        *append_only("alerts_alertevidence"),
        *append_only("alerts_detectormove"),
    ]
