"""The first rows as they would be stored: typed, judged, masked; and what can be corrected about reading them."""

import gzip
import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from datahub import selectors
from datahub.models import Delivery, SavedMapping
from datahub.services import save_dataset
from datahub.upload.looking import look
from datahub.upload.models import Upload
from tests.datahub.formats.files import workbook, written
from tests.factories.datahub import NOON, PEOPLE, READINGS, csv_text, make_dataset, rows

from .test_bring_file import CODE, bring, posted, steward  # noqa: F401

pytestmark = pytest.mark.django_db


def seen(folder, content, spec=READINGS, reading=None, **more):
    return look(spec, str(written(folder, content)), reading, **more)


def cells(found, number):
    row = next(row for row in found.rows if row.number == number)
    return {c.code: cell for c, cell in zip(READINGS.columns, row.cells, strict=True)}


def test_cells_are_typed_and_times_are_shanghais(readings, noon, tmp_path):
    found = seen(tmp_path, csv_text(rows(3)).encode())
    assert (found.kind, found.encoding, found.delimiter, found.bad) == ("CSV", "UTF-8", ",", 0)
    assert {code: cell.shown for code, cell in cells(found, 3).items()} == {
        "station": "S0", "at": "2026-11-20 12:00:00", "value": "2", "count": 2, "lon": "120.9", "lat": "32",
    }  # fmt: skip


@pytest.mark.parametrize(("column", "value"), [
    ("value", "much"), ("value", "2000"), ("count", "1.5"), ("at", "yesterday"), ("station", ""), ("lon", "999"),
])  # fmt: skip
def test_a_wrong_cell_is_marked_with_what_it_says_and_why(readings, noon, tmp_path, column, value):
    records = rows(4)
    records[1][column] = value
    found = seen(tmp_path, csv_text(records).encode())
    wrong = {code: cell for code, cell in cells(found, 2).items() if cell.why}
    assert list(wrong) == [column]
    assert wrong[column].shown in (value, None)
    assert (found.bad, [row.number for row in found.rows if row.bad]) == (1, [2])


def test_rows_that_are_none_and_repeated_keys_are_marked(readings, noon, tmp_path):
    text = csv_text(rows(3)) + "only,two\n" + csv_text(rows(1)).splitlines()[1] + "\n"
    found = seen(tmp_path, text.encode())
    assert [(row.number, bool(row.cells), bool(row.why)) for row in found.rows if row.bad] == [
        (4, False, True), (5, True, True),
    ]  # fmt: skip


def test_only_the_first_fifty_rows_are_shown_and_more_are_looked_at(readings, noon, tmp_path):
    records = rows(300)
    records[200]["value"] = "x"
    found = seen(tmp_path, csv_text(records).encode())
    assert (len(found.rows), found.looked_at, found.bad) == (50, 300, 1)


@pytest.mark.parametrize(("age", "history", "live"), [(0, False, 4), (30, False, 0), (0, True, 0)])
def test_live_or_history_is_said(readings, noon, tmp_path, age, history, live):
    content = csv_text(rows(4, at=NOON - timedelta(days=age))).encode()
    found = seen(tmp_path, content, history=history)
    assert (found.live, [row.live for row in found.rows]) == (live, [bool(live)] * 4)


def test_missing_and_unknown_columns(readings, noon, tmp_path):
    found = seen(tmp_path, b"station,at,colour\nS,2026-11-20,red\n")
    assert [(header.name, header.takes) for header in found.headers] == [
        ("station", "station"), ("at", "at"), ("colour", ""),
    ]  # fmt: skip
    assert [(column.code, needed) for column, needed in found.missing] == [
        (code, False) for code in ("value", "count", "lon", "lat")
    ]
    found = seen(tmp_path, b"station,value\nS,1\n")
    assert found.refusal.code == "missing_columns"
    assert ("at", True) in [(column.code, needed) for column, needed in found.missing]
    assert found.headers[1].examples == ["1"]


def test_a_look_changes_nothing(readings, noon, tmp_path):
    before = Delivery.objects.count()
    seen(tmp_path, csv_text(rows(10)).encode())
    assert Delivery.objects.count() == before
    assert selectors.read(CODE).num_rows == 0


# ---------------------------------------------------------------- personal values

SECRET = ("张三丰", "13812345678", "32060219900101123X")


@pytest.mark.parametrize("content", [
    pytest.param("number,phone,age\n1,13812345678,30\n2,张三丰,many\n", id="in its column"),
    pytest.param("number,phone,age\n1,30,13812345678\n2,x,张三丰\n", id="in the wrong column"),
    pytest.param("张三丰,13812345678,32060219900101123X\n1,2,3\n", id="in the header"),
    pytest.param("number,phone,age,note\n1,x,3,张三丰 13812345678\n", id="in an unknown column"),
    pytest.param("number,phone,age\n1,x,3,13812345678,张三丰\n", id="in a row too long"),
    pytest.param('{"number": "1", "phone": "13812345678", "age": "张三丰"}\n{"张三丰": 1', id="json"),
    pytest.param('[{"number": "1", "phone": "x", "phone": "13812345678"}, {"phone": "张三丰\\ud800"}]', id="json array"),
    pytest.param("number\tphone\tage\n1\t13812345678\t1;张三丰\n", id="tabs"),
])  # fmt: skip
def test_personal_values_are_never_shown(steward, city, noon, content):  # noqa: F811
    make_dataset(PEOPLE)
    address = bring(steward, content.encode(), "people.csv", code=PEOPLE.code)
    page = steward.get(address)
    for secret in SECRET:
        assert secret not in page.content.decode()
    page = steward.post(address, posted(page, action="confirm"), follow=True)
    for secret in SECRET:
        assert secret not in page.content.decode()


def test_a_masked_column_takes_no_value_for_all_rows(steward, city, noon):  # noqa: F811
    make_dataset(PEOPLE)
    address = bring(steward, b"number,age\n1,2\n", code=PEOPLE.code)
    page = steward.get(address)
    assert "k_phone" not in page.context["form"].fields
    steward.post(address, posted(page, k_phone="13812345678", action="save", save_as="x"))
    assert "13812345678" not in str(list(SavedMapping.objects.values()))


# ---------------------------------------------------------------- corrections


def test_columns_are_corrected_in_the_browser_and_delivered_as_shown(steward, readings, noon):  # noqa: F811
    content = "站;年;月;日;时;v\nA;2026;11;20;11;5\nB;2026;11;20;11;无\n".encode("gb18030")
    address = bring(steward, content)
    page = steward.get(address)
    assert page.context["look"].refusal.code == "missing_columns"
    assert (page.context["look"].delimiter, page.context["look"].encoding) == (";", "GBK")
    change = {"h_0": "station", "h_1": "at:0", "h_2": "at:1", "h_3": "at:2", "h_4": "at:3", "h_5": "value"}
    page = steward.post(
        address, posted(page, **change, null_words="无", k_count="7"), headers={"HX-Request": "true"}
    )
    found = page.context["look"]
    assert (found.refusal, found.bad, found.looked_at) == (None, 0, 2)
    assert {code: cell.shown for code, cell in cells(found, 2).items()} == {
        "station": "B", "at": "2026-11-20 11:00:00", "value": None, "count": 7, "lon": None, "lat": None,
    }  # fmt: skip
    steward.post(address, posted(page, action="confirm"))
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.rows_committed, delivery.mapping) == ("committed", 2, "file")
    found = selectors.read(CODE, columns=["station", "count"]).to_pylist()
    assert {(row["station"], row["count"]) for row in found} == {("A", 7), ("B", 7)}
    assert not SavedMapping.objects.filter(kept=True).exists()


def test_a_mapping_is_saved_and_reads_the_next_file_by_itself(steward, readings, noon):  # noqa: F811
    content = "测点,moment,v\nA,20.11.2026 11:00,5\n".encode()
    address = bring(steward, content)
    change = {"h_0": "station", "h_1": "at", "h_2": "value", "time_formats": "%d.%m.%Y %H:%M"}
    steward.post(address, posted(steward.get(address), **change, action="save", save_as="测点表"))
    saved = SavedMapping.objects.get(kept=True)
    assert (saved.name, saved.body["rename"]) == ("测点表", {"测点": "station", "moment": "at", "v": "value"})
    address = bring(steward, "测点,moment,v\nB,19.11.2026 23:00,6\n".encode())
    page = steward.get(address)
    assert (page.context["look"].refusal, page.context["look"].mapping.name) == (None, "测点表")
    steward.post(address, posted(page, action="confirm"))
    assert (Delivery.objects.get().rows_committed, Delivery.objects.get().mapping) == (1, "测点表")
    # The pack is loaded again: what was saved here stays.
    assert save_dataset(READINGS)[1] is False
    assert save_dataset(READINGS.model_copy(update={"summary": "新"}))[1] is True
    assert SavedMapping.objects.filter(kept=True, name="测点表").exists()


def test_a_saved_mapping_can_be_chosen_and_left_again(steward, readings, noon):  # noqa: F811
    content = b"place,v,year,month,day,hour\nA,1,2026,11,20,10\n"
    address = bring(steward, content)
    assert steward.get(address).context["look"].mapping.name == "parts"
    steward.post(address, {"action": "use", "mapping": "parts"})
    assert Upload.objects.get().reading["name"] == "parts"
    steward.post(address, {"action": "use", "mapping": ""})
    assert Upload.objects.get().reading == {}


@pytest.mark.parametrize(("change", "field"), [
    pytest.param({"h_0": "station", "h_1": "station"}, "h_1", id="two columns for one"),
    pytest.param({"h_0": "at:0", "h_1": "at:3"}, "h_0", id="a time with a gap"),
    pytest.param({"time_formats": "%Q"}, "time_formats", id="no way of writing a time"),
    pytest.param({"delimiter": "€"}, "delimiter", id="no such delimiter"),
    pytest.param({"h_0": "colour"}, "h_0", id="no such column"),
    pytest.param({"action": "save", "save_as": ""}, "save_as", id="no name"),
    pytest.param({"action": "save", "save_as": "parts"}, "save_as", id="a name of the declaration"),
    pytest.param({"action": "save", "save_as": "<b>"}, "save_as", id="no name at all"),
])  # fmt: skip
def test_a_correction_that_does_not_fit_is_said_and_nothing_is_kept(steward, readings, noon, change, field):  # noqa: F811
    address = bring(steward, b"station,at,value\nA,2026-11-20,5\n")
    page = steward.post(address, posted(steward.get(address), **change))
    assert page.status_code == 200
    assert field in page.context["form"].errors
    assert not SavedMapping.objects.filter(kept=True).exists()
    assert not Delivery.objects.exists()


def test_what_was_changed_and_not_looked_at_is_not_delivered(steward, readings, noon):  # noqa: F811
    address = bring(steward, b"station,at,value,v2\nA,2026-11-20,5,6\n")
    page = steward.get(address)
    answer = steward.post(address, posted(page, h_2="", h_3="value", action="confirm"))
    assert answer.status_code == 200
    assert not Delivery.objects.exists()
    assert cells(answer.context["look"], 1)["value"].shown == "6"
    steward.post(address, posted(answer, action="confirm"))
    assert selectors.read(CODE, columns=["value"]).to_pylist() == [{"value": 6.0}]


def test_the_sheet_and_the_kind_of_file_offer_their_own_choices(steward, readings, noon, tmp_path):  # noqa: F811
    def fill(book):
        book.active.title = "说明"
        book.active.append(["read the other one"])
        book.active.append(["really"])
        sheet = book.create_sheet("数据")
        sheet.append(["station", "at", "value"])
        sheet.append(["A", "2026-11-20", 3])

    address = bring(steward, workbook(tmp_path, fill).read_bytes(), "book.xlsx")
    page = steward.get(address)
    assert "delimiter" not in page.context["form"].fields
    page = steward.post(address, posted(page, sheet="数据"))
    assert (page.context["look"].refusal, page.context["look"].sheet) == (None, "数据")
    steward.post(address, posted(page, action="confirm"))
    assert Delivery.objects.get().rows_committed == 1


def test_geojson_is_wgs84_and_shapes_may_become_their_centroid(steward, readings, noon):  # noqa: F811
    shape = {"type": "Polygon", "coordinates": [[[120, 31], [121, 31], [121, 32], [120, 32], [120, 31]]]}
    features = [
        {"type": "Feature", "properties": {"station": name, "at": "2026-11-20"}, "geometry": geometry}
        for name, geometry in (("A", {"type": "Point", "coordinates": [120.9, 31.9]}), ("B", shape))
    ]
    content = gzip.compress(json.dumps({"type": "FeatureCollection", "features": features}).encode())
    address = bring(steward, content, "places.geojson.gz")
    page = steward.get(address)
    found = page.context["look"]
    assert (found.kind, found.datum, found.bad) == ("GeoJSON", "wgs84", 1)
    assert [(header.name, header.takes) for header in found.headers][-2:] == [("lon", "lon"), ("lat", "lat")]
    page = steward.post(address, posted(page, geometry="centroid"))
    assert page.context["look"].bad == 0
    steward.post(address, posted(page, action="confirm"))
    found = selectors.read(CODE, columns=["station", "lon", "lat"]).to_pylist()
    assert sorted((row["station"], row["lon"], row["lat"]) for row in found) == [
        ("A", 120.9, 31.9),
        ("B", 120.5, 31.5),
    ]


def test_a_preview_costs_the_same_queries_whatever_the_file(steward, readings, noon, query_budget):  # noqa: F811
    for n in (1, 20):
        address = bring(steward, csv_text(rows(n)).encode(), f"{n}.csv")
        with query_budget("datahub.upload_preview"):
            assert steward.get(address).status_code == 200


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=200).map(lambda t: ("station,at\n" + t).encode("utf-8", "replace")),
    )
)
def test_no_file_breaks_the_preview(readings, noon, tmp_path, data):
    found = seen(tmp_path, data)
    assert found.refusal is not None or found.looked_at
    found = seen(tmp_path, data, spec=PEOPLE)
    assert found.refusal is not None or found.looked_at
