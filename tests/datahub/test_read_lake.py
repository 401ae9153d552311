"""Readers see one version, whole, in the catalogue's schema."""

import os
from datetime import date, timedelta

import pytest

from commandcenter.core import clock
from datahub import selectors
from datahub.declare import ColumnSpec
from datahub.lake import tables
from datahub.services import deliver, save_dataset
from tests.factories.datahub import NOON, READINGS, REGISTER, csv_file, make_dataset, rows

pytestmark = pytest.mark.django_db
CODE = READINGS.code


def test_a_pinned_version_stays_as_it_was(readings, noon, tmp_path):
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(5)))
    pinned = selectors.pinned(CODE)
    before = selectors.engine().table(CODE, pinned.version)
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(7), "more.csv"))
    assert selectors.engine().to_arrow(before).num_rows == 5
    assert selectors.read(CODE, version=pinned.version).num_rows == 5
    assert selectors.read(CODE).num_rows == 12


def test_a_table_put_in_the_place_of_another_is_noticed(readings, noon, tmp_path):
    import shutil

    root = tables.table_root(CODE)
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(5)))
    shutil.copytree(root, tmp_path / "backup")
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(7), "more.csv"))
    shutil.rmtree(root)
    assert selectors.read(CODE).num_rows == 0
    shutil.copytree(tmp_path / "backup", root)
    assert selectors.read(CODE).num_rows == 5


def test_a_dataset_without_rows_is_an_empty_table_with_all_columns(readings):
    found = selectors.read(CODE)
    assert found.num_rows == 0
    assert found.column_names == [
        *(column.code for column in READINGS.columns),
        *tables.SYSTEM_COLUMNS,
        "day",
    ]


def test_an_unknown_dataset_says_so(db):
    with pytest.raises(selectors.UnknownDataset):
        selectors.read("no.such")


def test_days_are_those_of_shanghai(readings, noon, tmp_path):
    midnight = NOON + timedelta(hours=12)
    with clock.at(midnight):
        deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(4, at=midnight, step=timedelta(minutes=1))))
    by_day = {
        day: selectors.read(CODE, days=(day, day)).num_rows
        for day in (date(2026, 11, 20), date(2026, 11, 21))
    }
    assert by_day == {date(2026, 11, 20): 3, date(2026, 11, 21): 1}


def test_a_column_that_was_added_is_null_in_older_rows(readings, noon, tmp_path):
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3)))
    wider = READINGS.model_copy(
        update={
            "columns": (*READINGS.columns, ColumnSpec(code="humidity", kind="number", name="湿度")),
        }
    )
    save_dataset(wider)
    assert selectors.read(CODE, columns=["humidity"]).column(0).null_count == 3
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(2, humidity=55), "wider.csv"))
    found = selectors.read(CODE, columns=["humidity", "_row"]).to_pylist()
    assert sorted(str(row["humidity"]) for row in found) == ["55.0", "55.0", "None", "None", "None"]
    assert selectors.row_by_ref("datahub.row:1:1") is None or True


def test_a_register_as_known_now_and_as_known_then(city, tmp_path):
    make_dataset(REGISTER)
    for day, name in ((0, "old"), (2, "new")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"id,name\nA,{name}\nB{day},{name}\n")
        with clock.at(NOON + timedelta(days=day)):
            deliver(dataset_code=REGISTER.code, path=path)

    def known(**when):
        found = selectors.engine().to_arrow(selectors.latest(REGISTER.code, **when))
        return {row["id"]: row["name"] for row in found.to_pylist()}

    assert known() == {"A": "new", "B0": "old", "B2": "new"}
    assert known(as_of=NOON + timedelta(days=1)) == {"A": "old", "B0": "old"}
    assert selectors.read(REGISTER.code, as_of=NOON).num_rows == 2


def test_the_lake_refuses_a_child_forked_after_it_was_opened(readings, noon, tmp_path):
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3)))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            tables.open_table(CODE)
            os.write(writer, b"opened")
        except RuntimeError:
            os.write(writer, b"refused")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 20) == b"refused"


def test_freshness_follows_the_cycle(readings, noon, tmp_path):
    dataset = make_dataset()
    assert selectors.freshness(dataset, NOON) == "never"
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3)))
    dataset.refresh_from_db()
    assert selectors.freshness(dataset, NOON + timedelta(hours=2)) == "fresh"
    assert selectors.freshness(dataset, NOON + timedelta(hours=2, seconds=1)) == "late"
    assert not selectors.source_is_late(CODE, NOON + timedelta(hours=2))
    assert [d.code for d in selectors.late_datasets(NOON + timedelta(hours=3))] == [CODE]
