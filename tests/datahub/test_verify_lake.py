"""The lake and the deliveries tell the same story, and a lie is found."""

import pytest

from datahub.lake.tables import pin
from datahub.models import Delivery, Reject
from datahub.services import deliver
from datahub.services.verifying import verify_dataset
from tests.factories.datahub import READINGS, csv_file, make_dataset, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivered(readings, noon, tmp_path):
    records = rows(20)
    records[4]["value"] = "x"
    deliver(dataset_code=READINGS.code, path=csv_file(tmp_path, rows(5), "first.csv"))
    return deliver(dataset_code=READINGS.code, path=csv_file(tmp_path, records))


def found():
    return verify_dataset(make_dataset())["problems"]


def test_clean_after_deliveries(delivered):
    checked = verify_dataset(make_dataset())
    assert (checked["problems"], checked["rows"], checked["deliveries"]) == ([], 24, 2)


def test_a_count_that_lies_is_found(delivered):
    Delivery.objects.filter(pk=delivered.pk).update(
        rows_in=19, rows_read=19, rows_passed=18, rows_committed=18
    )
    assert any("18 rows committed, 19 in the table" in problem for problem in found())


def test_a_reject_that_vanished_is_found(delivered):
    Reject.objects.all().delete()
    assert found() == [f"delivery {delivered.pk}: 1 rows rejected, 0 kept"]


def test_rows_without_a_delivery_are_found(delivered):
    Reject.objects.all().delete()
    Delivery.objects.filter(pk=delivered.pk).delete()
    assert found() == [f"19 rows of delivery {delivered.pk}, which never committed them"]


def test_a_missing_file_is_found(delivered):
    import os

    os.unlink(pin(READINGS.code).paths()[0])
    with pytest.raises(Exception, match="No files found|No such file|does not exist|IO Error"):
        found()
