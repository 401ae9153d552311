"""Small batches are safe once acknowledged and become rows within a second."""

from datetime import timedelta

import pytest
from django.db import transaction

from commandcenter import wiring
from commandcenter.core import clock
from commandcenter.core.errors import BadInput
from datahub import selectors
from datahub.models import Delivery, DeliveryBlob
from datahub.services import fold_blobs, push_rows
from datahub.services.upkeep import vacuum_lake
from tests.factories.datahub import NOON, READINGS, rows

pytestmark = pytest.mark.django_db
CODE = READINGS.code


def test_batches_are_folded_into_one_delivery(readings, noon):
    for batch in range(4):
        push_rows(CODE, rows(5, station=f"B{batch}"))
    assert selectors.read(CODE).num_rows == 0
    assert fold_blobs() == 20
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.source, delivery.rows_committed, delivery.rows_live) == (
        "committed",
        "push",
        20,
        20,
    )
    assert sorted(selectors.read(CODE).column("_row").to_pylist()) == list(range(1, 21))
    assert (DeliveryBlob.objects.count(), fold_blobs()) == (0, 0)


def test_the_senders_own_number_makes_a_batch_one(readings, noon):
    first = push_rows(CODE, rows(5), key="batch-7")
    assert push_rows(CODE, rows(5), key="batch-7") == first
    assert fold_blobs() == 5


def test_a_push_that_is_rolled_back_never_was(readings, noon):
    with transaction.atomic():
        push_rows(CODE, rows(5))
        transaction.set_rollback(True)
    assert fold_blobs() == 0


def test_bad_rows_of_a_push_are_rejected_like_those_of_a_file(readings, noon):
    records = rows(5)
    records[2]["value"] = "much"
    records[3]["value"] = {"nested": 1}
    push_rows(CODE, records)
    push_rows(CODE, [{"station": "x"}])
    fold_blobs()
    delivery = Delivery.objects.get()
    assert (delivery.rows_in, delivery.rows_committed, delivery.rows_rejected) == (6, 3, 3)
    assert set(delivery.rejects.values_list("row_number", "reason")) == {
        (3, "not_number"),
        (4, "not_number"),
        (6, "required"),
    }


@pytest.mark.parametrize("size", [0, 50_001])
def test_a_push_has_limits(readings, size):
    with pytest.raises(BadInput):
        push_rows(CODE, [{"station": "x"}] * size)
    assert not DeliveryBlob.objects.exists()


seen: list[tuple] = []


def remember(code, delivery_id, table, live):
    seen.append((code, delivery_id, table, live))


def failing(code, delivery_id, table, live):
    raise RuntimeError("tap")


def test_taps_get_the_rows_with_their_marks_and_what_is_live(readings, noon, monkeypatch):
    seen.clear()
    monkeypatch.setattr(wiring, "TAPS", {"*": ["tests.datahub.test_push_rows.remember"]})
    push_rows(CODE, rows(2, at=noon.replace(year=2013)) + rows(3))
    fold_blobs()
    [(code, delivery_id, table, live)] = seen
    assert (code, delivery_id) == (CODE, Delivery.objects.get().pk)
    assert {"_delivery", "_row", "_known_from", "_area", "_cell", "day"} <= set(table.column_names)
    assert live.to_pylist() == [False, False, True, True, True]
    assert table.column("_row").to_pylist() == [1, 2, 3, 4, 5]


def test_a_tap_that_fails_is_tried_again_with_the_same_rows(readings, noon, monkeypatch):
    from datahub.services import recover_deliveries

    seen.clear()
    monkeypatch.setattr(wiring, "TAPS", {CODE: ["tests.datahub.test_push_rows.failing"]})
    push_rows(CODE, rows(4))
    fold_blobs()
    assert Delivery.objects.get().tapped_at is None
    monkeypatch.setattr(wiring, "TAPS", {CODE: ["tests.datahub.test_push_rows.remember"]})
    assert recover_deliveries() == 1
    assert Delivery.objects.get().tapped_at is not None
    assert seen[0][2].column("_row").to_pylist() == [1, 2, 3, 4]
    assert selectors.read(CODE).num_rows == 4
    assert recover_deliveries() == 0


def test_a_number_is_remembered_after_its_batch_was_folded(readings, noon):
    """The sender who never heard the answer sends again, and may be late with it."""
    first = push_rows(CODE, rows(4), key="batch 7")
    fold_blobs()
    assert push_rows(CODE, rows(4), key="batch 7") == first
    assert fold_blobs() == 0
    assert selectors.read(CODE).num_rows == 4
    assert bytes(DeliveryBlob.objects.get().body) == b""
    with clock.at(NOON + timedelta(days=8)):
        vacuum_lake()
    assert not DeliveryBlob.objects.exists()
