"""A file becomes rows of the lake, once, whole, and every row is accounted for."""

import gzip
import json
import zipfile
from datetime import date, timedelta

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import IntegrityError, transaction

from commandcenter.core import clock
from commandcenter.core.errors import BadInput
from datahub import selectors
from datahub.faults import Reason, Refused
from datahub.lake.tables import pin
from datahub.models import Delivery, Reject
from datahub.services import deliver, save_dataset
from tests.factories.datahub import NOON, PEOPLE, READINGS, csv_file, csv_text, make_dataset, rows

pytestmark = pytest.mark.django_db
CODE = READINGS.code


def counts(delivery):
    return delivery.state, delivery.rows_in, delivery.rows_committed, delivery.rows_rejected


def table():
    return selectors.read(CODE).sort_by([("_delivery", "ascending"), ("_row", "ascending")])


def test_every_row_carries_where_it_came_from(readings, noon, tmp_path, news):
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(5)))
    assert counts(delivery) == ("committed", 5, 5, 0)
    found = table()
    assert found.column("_row").to_pylist() == [1, 2, 3, 4, 5]
    assert set(found.column("_delivery").to_pylist()) == {delivery.pk}
    assert set(found.column("_area").to_pylist()) == {"320613"}
    assert set(found.column("day").to_pylist()) == {date(2026, 11, 20)}
    assert set(found.column("_known_from").to_pylist()) == {NOON}
    assert set(found.column("_live").to_pylist()) == {True}
    assert set(news) == {"datahub.delivery.moved"}
    assert selectors.row_by_ref(f"datahub.row:{delivery.pk}:3")["values"]["value"] == 2.0
    assert selectors.row_by_ref(f"datahub.row:{delivery.pk}:9") is None


def _jsonl(path, records):
    path.write_text("\n".join(json.dumps(r) for r in records))


def _gz(path, records):
    path.write_bytes(gzip.compress(csv_text(records).encode()))


def _xlsx(path, records):
    book = openpyxl.Workbook()
    book.active.append(list(records[0]))
    for record in records:
        book.active.append(list(record.values()))
    book.save(path)


def _parquet(path, records):
    pq.write_table(pa.Table.from_pylist(records), path)


@pytest.mark.parametrize("write", [_jsonl, _gz, _xlsx, _parquet])
def test_the_same_rows_in_any_format_whatever_the_name_says(readings, noon, tmp_path, write):
    path = tmp_path / "named_wrongly.txt"
    write(path, rows(7))
    delivery = deliver(dataset_code=CODE, path=path)
    assert counts(delivery) == ("committed", 7, 7, 0)
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(7)), period="as csv")
    found = table().drop_columns(["_delivery"]).to_pylist()
    assert found[:7] == found[7:]


def test_the_same_delivery_twice_is_one(readings, noon, tmp_path, news):
    path = csv_file(tmp_path, rows(5))
    first = deliver(dataset_code=CODE, path=path)
    news.forget()
    again = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(5), "other name.csv"))
    assert (again.pk, again.repeated, again.repeats) == (first.pk, True, 1)
    assert (Delivery.objects.count(), table().num_rows, news) == (1, 5, [])


def test_the_same_content_for_a_new_period_is_unchanged_and_counts_as_fresh(readings, noon, tmp_path):
    path = csv_file(tmp_path, rows(5))
    first = deliver(dataset_code=CODE, path=path, period="10:00")
    with clock.at(NOON + timedelta(hours=3)):
        assert selectors.source_is_late(CODE)
        second = deliver(dataset_code=CODE, path=path, period="13:00")
        assert counts(second) == ("unchanged", 0, 0, 0)
        assert second.same_as_id == first.pk
        assert not selectors.source_is_late(CODE)
        assert deliver(dataset_code=CODE, path=path, period="13:00").repeated
    assert table().num_rows == 5


def test_rows_from_2013_next_to_rows_from_today(readings, noon, tmp_path):
    old, fresh = rows(3, at=NOON.replace(year=2013)), rows(2)
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, old + fresh))
    assert (delivery.rows_committed, delivery.rows_live, delivery.is_history) == (5, 2, False)
    assert [row["_live"] for row in table().to_pylist()] == [False] * 3 + [True] * 2
    assert selectors.read(CODE, days=(date(2013, 11, 20), date(2013, 11, 20))).num_rows == 3


def test_only_old_rows_are_history_and_prove_no_life(readings, noon, tmp_path):
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3, at=NOON - timedelta(days=30))))
    assert (delivery.is_history, delivery.rows_live) == (True, 0)
    assert selectors.source_is_late(CODE)


def test_history_by_word_of_mouth(readings, noon, tmp_path):
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3)), history=True)
    assert (delivery.is_history, delivery.rows_live) == (True, 0)


def test_as_of_today_moves_whole_hours(readings, tmp_path):
    path = csv_file(tmp_path, rows(60, at=NOON - timedelta(days=1000), step=timedelta(hours=1)))
    with clock.at(NOON + timedelta(minutes=25)):
        delivery = deliver(dataset_code=CODE, path=path, as_of_today=True)
        assert deliver(dataset_code=CODE, path=path, as_of_today=True).repeated
    assert table().column("at").to_pylist()[-1] == NOON
    assert (delivery.rows_live, delivery.is_history) == (24, False)


def test_a_composed_time_is_beijing_time_and_na_is_null(readings, noon, tmp_path):
    path = tmp_path / "parts.csv"
    path.write_text("place,year,month,day,hour,v\nA,2026,11,20,0,NA\nA,2026,2,30,0,1\nA,2026,11,20,24,1\n")
    delivery = deliver(dataset_code=CODE, path=path)
    assert counts(delivery) == ("committed", 3, 1, 2)
    assert table().select(["at", "value", "day"]).to_pylist() == [
        {"at": NOON - timedelta(hours=12), "value": None, "day": date(2026, 11, 20)}
    ]
    assert list(Reject.objects.values_list("row_number", "column", "reason", "raw")) == [
        (2, "year/month/day/hour", "not_time", "2026/2/30/0"),
        (3, "year/month/day/hour", "not_time", "2026/11/20/24"),
    ]


# ---------------------------------------------------------------- bad rows: the others go in


def bad(record, **over):
    return {**record, **over}


BAD_ROWS = [
    pytest.param({"value": "much"}, "value", Reason.NOT_NUMBER, "much", id="wrong type"),
    pytest.param({"count": "3.5"}, "count", Reason.NOT_INTEGER, "3.5", id="not whole"),
    pytest.param({"at": "yesterday"}, "at", Reason.NOT_TIME, "yesterday", id="no time"),
    pytest.param({"at": ""}, "at", Reason.REQUIRED, "", id="required"),
    pytest.param({"value": 1001}, "value", Reason.OUT_OF_RANGE, "1001", id="out of range"),
    pytest.param({"lon": 200.5}, "lon", Reason.COORDINATES, "200.5", id="coordinates"),
    pytest.param({"lat": ""}, "lon", Reason.COORDINATES, "120.9", id="half a coordinate"),
    pytest.param({"station": "x" * 21}, "station", Reason.TOO_LONG, "x" * 21, id="too long"),
]


@pytest.mark.parametrize(("over", "column", "reason", "raw"), BAD_ROWS)
def test_a_bad_row_stays_out_with_its_reason(readings, noon, tmp_path, over, column, reason, raw):
    records = rows(6)
    records[3] |= over
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, records))
    assert counts(delivery) == ("committed", 6, 5, 1)
    reject = Reject.objects.get(delivery=delivery)
    assert (reject.row_number, reject.column, reject.reason, reject.raw) == (4, column, reason, raw)
    assert reject.row["count"] == str(records[3]["count"])
    assert 4 not in table().column("_row").to_pylist()


def test_a_note_rule_counts_and_lets_pass(readings, noon, tmp_path):
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(4, count=101)))
    assert counts(delivery) == ("committed", 4, 4, 0)
    assert delivery.checks == {"value_range": 0, "station_length": 0, "count_low": 4}


def test_the_second_of_two_rows_with_one_key_stays_out(readings, noon, tmp_path):
    records = rows(4)
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, [*records, records[1], records[2]]))
    assert counts(delivery) == ("committed", 6, 4, 2)
    assert list(delivery.rejects.values_list("row_number", "column", "reason")) == [
        (5, "station/at", "duplicate_key"),
        (6, "station/at", "duplicate_key"),
    ]


def test_a_bad_row_does_not_push_out_the_good_one_with_its_key(readings, noon, tmp_path):
    good = rows(1)[0]
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, [bad(good, value=-1), good]))
    assert counts(delivery) == ("committed", 2, 1, 1)


def test_rows_with_too_many_or_too_few_fields(readings, noon, tmp_path):
    path = tmp_path / "ragged.csv"
    lines = csv_text(rows(4)).splitlines()
    lines[2] += ",more"
    lines[3] = "S1,only"
    path.write_text("\n".join(lines))
    delivery = deliver(dataset_code=CODE, path=path)
    assert counts(delivery) == ("committed", 4, 2, 2)
    assert list(delivery.rejects.values_list("row_number", "reason", "detail")) == [
        (2, "field_count", "7 / 6"),
        (3, "field_count", "2 / 6"),
    ]


def test_gbk_is_found_and_said(readings, noon, tmp_path):
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3, station="城东站"), encoding="gbk"))
    assert counts(delivery) == ("committed", 3, 3, 0)
    assert {"code": "encoding", "detail": "GBK"} in delivery.notes
    assert set(table().column("station").to_pylist()) == {"城东站"}


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_undecodable_bytes_cost_their_row_only(readings, noon, tmp_path, encoding):
    text = csv_text(rows(5, station="城东监测站点")).encode(encoding)
    path = tmp_path / "broken.csv"
    second = text.index(b"\n", text.index(b"\n") + 1) + 1
    path.write_bytes(text[:second] + b"\xff\xff" + text[second:])
    delivery = deliver(dataset_code=CODE, path=path)
    assert counts(delivery) == ("committed", 5, 4, 1)
    assert list(delivery.rejects.values_list("row_number", "column", "reason")) == [
        (2, "station", "undecodable")
    ]


def test_extra_columns_are_left_out_and_missing_ones_are_empty(readings, noon, tmp_path):
    records = [{**r, "colour": "red"} for r in rows(3)]
    for record in records:
        del record["value"]
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, records))
    assert counts(delivery) == ("committed", 3, 3, 0)
    assert delivery.notes == [
        {"code": "missing_columns", "detail": "value"},
        {"code": "extra_columns", "detail": "colour"},
    ]


# ---------------------------------------------------------------- bad files: the table stays as it was


def _write(content):
    return lambda path: path.write_bytes(content)


def _bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 200_000_000)


def _cut_gzip(path):
    import random

    noise = random.Random(1)
    whole = gzip.compress(csv_text([bad(r, value=noise.random()) for r in rows(20_000)]).encode())
    path.write_bytes(whole[: len(whole) // 2])


def _all_bad(path):
    path.write_text(csv_text(rows(3, value=-5)))


BAD_FILES = [
    pytest.param(_write(b""), Refused.EMPTY, id="empty"),
    pytest.param(_write(b"station,at,value\n"), Refused.NO_ROWS, id="header only"),
    pytest.param(_write(b"\x89PNG\r\n\x1a\n" + b"0" * 100), Refused.WRONG_TYPE, id="picture"),
    pytest.param(_write(b"%PDF-1.7\n"), Refused.WRONG_TYPE, id="pdf"),
    pytest.param(_write(b'[{"station": "A"}]'), Refused.MISSING_COLUMNS, id="json array without the time"),
    pytest.param(_write(b'[{"station": "A", "at": "2026-11-20"}'), Refused.TRUNCATED, id="open json array"),
    pytest.param(_write(b'{"rows": [{"station": "A"}]}'), Refused.WRONG_TYPE, id="rows inside an object"),
    pytest.param(_write(b"a,b,c\n1,2,3\n"), Refused.MISSING_COLUMNS, id="other columns"),
    pytest.param(_write(b"station,value\nA,3\n"), Refused.MISSING_COLUMNS, id="no time"),
    pytest.param(_write(b"station,at,at\nA,1,2\n"), Refused.REPEATED_HEADER, id="column twice"),
    pytest.param(_bomb, Refused.TOO_LARGE, id="zip bomb"),
    pytest.param(_cut_gzip, Refused.TRUNCATED, id="truncated gzip"),
    pytest.param(_write(b"PAR1 and nothing else"), Refused.DAMAGED, id="broken parquet"),
    pytest.param(_write(b"PK\x03\x04 no archive"), Refused.WRONG_TYPE, id="broken archive"),
]


@pytest.mark.parametrize(("write", "reason"), BAD_FILES)
def test_a_bad_file_is_refused_and_leaves_the_table_as_it_was(readings, noon, tmp_path, write, reason):
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(4)))
    before = pin(CODE)
    path = tmp_path / "bad.csv"
    write(path)
    delivery = deliver(dataset_code=CODE, path=path)
    assert counts(delivery) == ("refused", 0, 0, 0)
    assert (delivery.reason, delivery.file_name) == (reason, "bad.csv")
    assert (pin(CODE), Reject.objects.count()) == (before, 0)
    import os

    on_disk = sum(name.endswith(".parquet") for _d, _s, names in os.walk(before.root) for name in names)
    assert on_disk == len(before.files)


def test_a_file_without_one_good_row_is_refused_and_its_rejects_stay(readings, noon, tmp_path):
    path = tmp_path / "bad.csv"
    _all_bad(path)
    delivery = deliver(dataset_code=CODE, path=path)
    assert counts(delivery) == ("refused", 3, 0, 3)
    assert (delivery.reason, delivery.rejects.count(), pin(CODE).files) == ("no_row_passed", 3, ())


def test_a_hundred_megabytes_of_one_line_are_refused_in_little_memory(readings, noon, tmp_path):
    import tracemalloc

    path = tmp_path / "line.csv"
    with path.open("wb") as file:
        file.write(b"station,at,value\n")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    delivery = deliver(dataset_code=CODE, path=path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (delivery.state, delivery.reason) == ("refused", Refused.LINE_TOO_LONG)
    assert peak < 64 * 1024 * 1024


def test_a_refused_file_may_come_again_mended(readings, noon, tmp_path):
    path = csv_file(tmp_path, rows(3))
    assert deliver(dataset_code=CODE, path=path, mapping="no such").reason == Refused.NO_MAPPING
    assert counts(deliver(dataset_code=CODE, path=path)) == ("committed", 3, 3, 0)


def test_a_file_that_is_not_there(readings, tmp_path):
    with pytest.raises(BadInput):
        deliver(dataset_code=CODE, path=tmp_path / "none.csv")
    assert not Delivery.objects.exists()


def test_a_disk_that_is_full_refuses_and_leaves_nothing(readings, noon, tmp_path, monkeypatch):
    from datahub.lake import staging

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(staging.pq, "ParquetWriter", full)
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3)))
    assert (delivery.state, delivery.reason) == ("refused", Refused.FAILED)
    assert "No space left" in delivery.detail
    monkeypatch.undo()
    assert pin(CODE).files == ()


def test_a_column_that_changed_its_kind_is_refused(readings, noon, tmp_path, monkeypatch):
    """The catalogue refuses such a change (lake/test_change_schema.py); this is the net below it."""
    monkeypatch.setattr("datahub.services.catalogue.refuse_narrowing", lambda old, new: None)
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3)))
    columns = tuple(
        c.model_copy(update={"kind": "text"}) if c.code == "count" else c for c in READINGS.columns
    )
    rules = tuple(r for r in READINGS.rules if r.column != "count")
    save_dataset(READINGS.model_copy(update={"columns": columns, "rules": rules}))
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(4), "next.csv"))
    assert (delivery.state, delivery.reason) == ("refused", Refused.FAILED)
    assert "count" in delivery.detail


def test_the_database_itself_refuses_a_delivery_that_does_not_add_up(readings, noon, tmp_path):
    delivery = deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3)))
    for wrong in ({"rows_in": 4}, {"rows_rejected": 1}, {"lake_version": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Delivery.objects.filter(pk=delivery.pk).update(**wrong)


def test_personal_values_never_enter_the_lake_or_the_rejects(city, noon, tmp_path):
    make_dataset(PEOPLE)
    path = tmp_path / "people.csv"
    path.write_text("number,phone,age\n1,13812345678,30\n2,13812345678,x\n3,13912345678,40\n4\n")
    delivery = deliver(dataset_code=PEOPLE.code, path=path)
    assert counts(delivery) == ("committed", 4, 2, 2)
    found = pin(PEOPLE.code)
    for name in found.paths():
        with open(name, "rb") as file:
            assert b"13812345678" not in file.read()
        assert b"13812345678" not in repr(pq.read_table(name).to_pylist()).encode()
    for reject in Reject.objects.all():
        assert "1381234" not in f"{reject.raw}{reject.row}{reject.others}"
    assert {row["phone"] for row in selectors.sample(PEOPLE.code)} == {"***"}
