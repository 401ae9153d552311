"""One writer per dataset at a time, whoever comes at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from datahub import selectors
from datahub.lake.tables import APP_ID, open_table, pin
from datahub.models import DatasetWriter, Delivery
from datahub.services import deliver, fold_blobs, push_rows, working
from datahub.services.deliveries import receive
from datahub.services.moves import move
from datahub.services.writers import LostClaim, writing
from tests.factories.datahub import READINGS, csv_file, make_dataset, rows

pytestmark = pytest.mark.django_db(transaction=True)
CODE = READINGS.code


def in_threads(calls):
    def one(call):
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_four_senders_of_one_file_make_one_delivery(tmp_path):
    make_dataset()
    path = csv_file(tmp_path, rows(50))
    found = in_threads([lambda: deliver(dataset_code=CODE, path=path)] * 4)
    assert len({delivery.pk for delivery in found}) == 1
    assert sum(not delivery.repeated for delivery in found) == 1
    assert {delivery.state for delivery in found} == {"committed"}
    assert selectors.read(CODE).num_rows == 50


def test_many_senders_and_the_fold_at_once_lose_and_double_nothing(tmp_path):
    make_dataset()
    paths = [csv_file(tmp_path, rows(40, station=f"F{n}"), f"{n}.csv") for n in range(4)]
    for n in range(5):
        push_rows(CODE, rows(10, station=f"P{n}"))
    calls = [lambda path=path: deliver(dataset_code=CODE, path=path) for path in paths]
    in_threads([*calls, fold_blobs, fold_blobs])
    fold_blobs()
    assert selectors.read(CODE).num_rows == 4 * 40 + 5 * 10
    turns = sorted(Delivery.objects.values_list("turn", flat=True))
    assert turns == list(range(1, len(turns) + 1))
    assert open_table(CODE).transaction_version(APP_ID) == turns[-1]


def test_somebody_elses_claim_is_respected(tmp_path):
    dataset = make_dataset()
    push_rows(CODE, rows(3))
    with writing(dataset, wait=False) as claim:
        assert claim is not None
        assert in_threads([fold_blobs]) == [0]
    assert fold_blobs() == 3


def test_a_writer_that_lost_its_claim_can_do_nothing_more(tmp_path):
    dataset = make_dataset()
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3)))
    before = pin(CODE)
    with writing(dataset, wait=False) as claim:
        DatasetWriter.objects.filter(dataset=dataset).update(token=claim.token + 1)
        with pytest.raises(LostClaim):
            move(delivery, "commit", claim)
    assert pin(CODE) == before


class Cut(BaseException):
    """The power goes: nothing after it runs, and no handler is meant for it."""


def test_a_turn_given_before_a_kill_is_not_passed_by_an_older_delivery(tmp_path, monkeypatch):
    dataset = make_dataset()
    older = receive(dataset_code=CODE, path=csv_file(tmp_path, rows(40, station="A"), "a.csv"))
    newer = receive(dataset_code=CODE, path=csv_file(tmp_path, rows(30, station="B"), "b.csv"))
    assert older.pk < newer.pk

    def die(step: str) -> None:
        if step == "checked":
            raise Cut

    # The newer one was seen first, has its turn, and its process dies before the lake hears of it.
    with monkeypatch.context() as patch, writing(dataset, wait=False) as claim:
        patch.setattr(working, "reach", die)
        with pytest.raises(Cut):
            working._finish(newer, claim)
    assert Delivery.objects.get(pk=newer.pk).turn is not None
    with writing(dataset, wait=False) as claim:
        working.work_off(claim)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"committed"}
    assert selectors.read(CODE).num_rows == 40 + 30
