"""Compaction, retention and vacuum: the same rows, or recorded ones fewer, and no reader is broken."""

import os
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from django.db import DatabaseError, transaction

from commandcenter.core import clock
from commandcenter.journal.models import AuditEntry
from datahub import selectors
from datahub.lake import tables
from datahub.lake.models import LakeChange
from datahub.models import Delivery
from datahub.services import deliver, fold_blobs, push_rows
from datahub.services.upkeep import apply_retention, compact_lake, vacuum_lake
from datahub.services.verifying import verify_dataset
from datahub.services.writers import writing
from tests.factories.datahub import NOON, READINGS, csv_file, make_dataset, rows

pytestmark = pytest.mark.django_db
CODE = READINGS.code
BATCHES = 10


@pytest.fixture
def many(readings, noon):
    for n in range(BATCHES):
        push_rows(CODE, rows(4, station=f"B{n}"))
        fold_blobs()


def on_disk():
    root = tables.table_root(CODE)
    return {
        f"{d.name}/{f.name}" for d in os.scandir(root) if d.name[:4] == "day=" for f in os.scandir(d.path)
    }


def everything(version=None):
    found = selectors.read(CODE, version=version)
    return sorted(map(str, found.select(sorted(found.column_names)).to_pylist()))


def test_compaction_keeps_every_row_and_the_ways_to_it(many):
    before, pinned = everything(), tables.pin(CODE)
    open_reader = selectors.engine().table(CODE, pinned.version)
    refs = [
        f"datahub.row:{delivery}:{row}"
        for delivery in Delivery.objects.values_list("pk", flat=True)
        for row in (1, 4)
    ]
    found = [selectors.row_by_ref(ref) for ref in refs]
    assert compact_lake() == BATCHES - 1
    assert len(tables.pin(CODE).files) == 1
    assert everything() == before
    assert [selectors.row_by_ref(ref) for ref in refs] == found
    assert None not in found
    # The reader from before still reads, also after a vacuum, since 24 hours have not passed.
    assert vacuum_lake() == 0
    assert selectors.engine().to_arrow(open_reader).num_rows == BATCHES * 4
    assert everything(pinned.version) == before
    assert vacuum_lake(keep_hours=0) == BATCHES
    assert on_disk() == {path for path, _day in tables.pin(CODE).files}
    assert everything() == before
    assert verify_dataset(make_dataset())["problems"] == []
    assert compact_lake() == 0


def test_two_small_files_of_a_settled_day_are_enough_and_many_days_are_one_commit(
    readings, noon, tmp_path, monkeypatch
):
    monkeypatch.setattr("datahub.lake.upkeep.SLICE_S", 60)
    for name in ("a", "b"):
        history = [row for n in (3, 4, 5) for row in rows(2, station=name, at=NOON - timedelta(days=n))]
        today = rows(2, station=name)
        deliver(dataset_code=CODE, path=csv_file(tmp_path, history + today, f"{name}.csv"))
    before, pinned = everything(), tables.pin(CODE)
    assert len(pinned.files) == 8
    assert compact_lake() == 3
    after = tables.pin(CODE)
    assert (len(after.files), after.version) == (5, pinned.version + 1)
    assert everything() == before
    assert everything(pinned.version) == before
    old = [path for path, day in after.files if path.rsplit("/", 1)[-1].startswith("c")]
    for path in old:
        assert pq.ParquetFile(f"{after.root}/{path}").metadata.num_row_groups == 1
    assert compact_lake() == 0
    assert verify_dataset(make_dataset())["problems"] == []


def test_compaction_gives_way_to_writers_between_its_turns(readings, noon, tmp_path, monkeypatch):
    for name in ("a", "b"):
        history = [row for n in (3, 4, 5) for row in rows(2, station=name, at=NOON - timedelta(days=n))]
        deliver(dataset_code=CODE, path=csv_file(tmp_path, history, f"{name}.csv"))
    pauses = []

    def pause(seconds):
        """Somebody delivers while nobody holds the dataset, three times."""
        pauses.append(seconds)
        if len(pauses) > 3:
            return
        late = rows(1, station=f"late{len(pauses)}", at=NOON - timedelta(days=5))
        path = csv_file(tmp_path, late, f"late{len(pauses)}.csv")
        assert deliver(dataset_code=CODE, path=path).state == "committed"

    monkeypatch.setattr("datahub.lake.upkeep.SLICE_S", -1)  # one day each turn
    monkeypatch.setattr("datahub.services.upkeep.time.sleep", pause)
    version = tables.pin(CODE).version
    assert compact_lake() > 3
    assert len(pauses) >= 2
    after = tables.pin(CODE)
    assert after.version > version + min(len(pauses), 3)
    assert selectors.read(CODE).num_rows == 12 + min(len(pauses), 3)
    assert {day for _path, day in after.files} == {day for _path, day in tables.pin(CODE, version).files}
    assert verify_dataset(make_dataset())["problems"] == []


def test_a_day_of_very_many_files_is_written_in_portions(many, monkeypatch):
    monkeypatch.setattr("datahub.lake.upkeep.SLICE_FILES", 4)
    before = everything()
    assert compact_lake() == BATCHES - 3  # 4, 4 and 2 files became one each
    assert everything() == before
    assert verify_dataset(make_dataset())["problems"] == []


def test_deliveries_go_on_after_compaction(many, tmp_path):
    compact_lake()
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(7, station="LATER")))
    assert selectors.read(CODE).num_rows == BATCHES * 4 + 7
    assert verify_dataset(make_dataset())["problems"] == []


def test_upkeep_leaves_a_dataset_alone_that_somebody_writes(many):
    import threading

    from django.db import connections

    with writing(make_dataset(), wait=False):
        done = []

        def other():
            done.append(compact_lake())
            connections.close_all()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert done == [0]


test_upkeep_leaves_a_dataset_alone_that_somebody_writes = pytest.mark.django_db(transaction=True)(
    test_upkeep_leaves_a_dataset_alone_that_somebody_writes
)


def test_files_of_a_killed_compaction_are_removed(many, monkeypatch):
    from datahub.lake import upkeep

    def killed(*args, **kwargs):
        raise OSError("killed")

    before = on_disk()
    with monkeypatch.context() as patch:
        patch.setattr(upkeep, "replace_files", killed)
        assert compact_lake() == 0
    assert len(on_disk() - before) == 1
    vacuum_lake()
    assert on_disk() == before


@pytest.fixture
def old_and_new(readings, tmp_path):
    make_dataset(READINGS.model_copy(update={"keep_days": 30}))
    with clock.at(NOON):
        long_ago = deliver(
            dataset_code=CODE, path=csv_file(tmp_path, rows(5, at=NOON - timedelta(days=40)), "a.csv")
        )
        mixed = rows(3, at=NOON - timedelta(days=31)) + rows(2)
        both = deliver(dataset_code=CODE, path=csv_file(tmp_path, mixed, "b.csv"))
        yield long_ago, both


def kept():
    return verify_dataset(make_dataset(READINGS.model_copy(update={"keep_days": 30})))


def test_retention_is_recorded_and_the_books_balance(old_and_new):
    long_ago, both = old_and_new
    assert apply_retention() == 8
    change = LakeChange.objects.get()
    assert change.rows == {str(long_ago.pk): 5, str(both.pk): 3}
    assert AuditEntry.objects.filter(action="datahub.lake_retention").count() == 1
    assert selectors.read(CODE).num_rows == 2
    found = kept()
    assert (found["problems"], found["rows"], found["deleted"]) == ([], 2, 8)
    assert apply_retention() == 0
    assert selectors.row_by_ref(f"datahub.row:{long_ago.pk}:1") is None
    with pytest.raises(DatabaseError), transaction.atomic():
        change.delete()


def test_a_deletion_killed_before_the_table_changed_is_finished(old_and_new, monkeypatch):
    def killed(*args, **kwargs):
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(tables, "replace_files", killed)
        assert apply_retention() == 0
    assert kept()["problems"] == []  # recorded and not done yet: nothing is missing
    assert selectors.read(CODE).num_rows == 10
    compact_lake()  # whichever upkeep comes first
    assert selectors.read(CODE).num_rows == 2
    assert LakeChange.objects.count() == 1
    assert kept()["problems"] == []


def test_a_loss_is_not_taken_for_a_deletion(old_and_new):
    apply_retention()
    files = [(path, day) for path, day in tables.pin(CODE).files]
    tables.replace_files(READINGS, files[:1], [], number=99)
    assert kept()["problems"]


def test_the_table_is_append_only_again_afterwards(old_and_new):
    apply_retention()
    assert tables.open_table(CODE).metadata().configuration["delta.appendOnly"] == "true"
