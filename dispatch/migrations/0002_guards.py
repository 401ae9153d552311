"""Moves are append-only: rights of the web role and a trigger for everyone."""

from django.db import migrations

from commandcenter.journal.guards import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("dispatch", "0001_initial"),
        ("journal", "0002_guards"),
    ]

    operations = append_only("dispatch_ordermove")
