"""What only grows: the database itself refuses every change to these rows."""

from django.db import migrations

from commandcenter.journal.guards import append_only

TABLES = (
    "datahub_agreementmove",
    "datahub_correctionmove",
    "datahub_datarequestmove",
    "datahub_datasetmove",
    "datahub_erasureproof",
    "datahub_devicechange",
    "datahub_faultmove",
    "datahub_incidentmove",
    "datahub_lakechange",
    "datahub_repeatanswer",
    "datahub_sharecall",
    "datahub_streamgrant",
    "datahub_vaulterasure",
    "datahub_yield",
)


class Migration(migrations.Migration):
    dependencies = [("datahub", "0001_initial"), ("journal", "0002_guards")]
    operations = [
        *(operation for table in TABLES for operation in append_only(table)),
        # Pushed batches come compressed; PostgreSQL would only try it again.
        migrations.RunSQL(
            "ALTER TABLE datahub_deliveryblob ALTER COLUMN body SET STORAGE EXTERNAL",
            "ALTER TABLE datahub_deliveryblob ALTER COLUMN body SET STORAGE EXTENDED",
        ),
    ]
