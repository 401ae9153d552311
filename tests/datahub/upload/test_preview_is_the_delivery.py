"""What the preview says is what the delivery does, for good files and hostile ones alike."""

import gzip
import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from datahub import selectors
from datahub.models import Reject
from datahub.services import deliver
from datahub.upload.looking import look
from tests.datahub.formats.files import workbook, written
from tests.factories.datahub import READINGS, csv_text, rows

pytestmark = pytest.mark.django_db
CODE = READINGS.code

value = st.one_of(
    st.sampled_from(["S1", "", "2026-11-20 11:00", "2026-11-20T03:00:00Z", "20.11.2026", "5", "1e999", "NaN", "-7",
                     "99999999999999999999", "120.9", "32", "南通", '"', "a,b", "\x00", "\ufeff", "NULL", "x" * 30]),
    st.text(max_size=5),
)  # fmt: skip
record = st.fixed_dictionaries({}, optional={column.code: value for column in READINGS.columns})


def as_csv(records):
    names = [column.code for column in READINGS.columns]
    lines = [",".join(names), *(",".join(one.get(name, "") for name in names) for one in records)]
    return "\n".join(lines).encode("utf-8", "replace")


def as_json(records):
    return json.dumps(records).encode()


def as_lines(records):
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in records).encode("utf-8", "replace")


def as_places(records):
    geometry = {"type": "Point", "coordinates": [120.9, 32.0]}
    features = [{"type": "Feature", "geometry": geometry, "properties": one} for one in records]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def packed(write):
    return lambda records: gzip.compress(write(records))


def compare(path):
    """Look, deliver, and hold one against the other."""
    found = look(READINGS, str(path))
    delivery = deliver(dataset_code=CODE, path=path)
    if found.refusal is not None:
        assert (delivery.state, delivery.reason) == ("refused", found.refusal.code), (
            found.refusal,
            delivery.detail,
        )
        return found, delivery
    passed = found.looked_at - found.bad
    assert (delivery.state, delivery.reason) == (
        ("committed", "") if passed else ("refused", "no_row_passed")
    )
    assert (delivery.rows_in, delivery.rows_committed, delivery.rows_rejected) == (
        found.looked_at,
        passed,
        found.bad,
    )
    if delivery.state == "committed":
        assert delivery.rows_live == found.live
    wrong = [row.number for row in found.rows if row.bad]
    assert wrong == list(
        Reject.objects.filter(delivery=delivery, row_number__lte=50).values_list("row_number", flat=True)
    )
    return found, delivery


@pytest.mark.parametrize("write", [as_csv, as_json, as_lines, as_places, packed(as_csv)],
                         ids=["csv", "array", "lines", "geojson", "packed"])  # fmt: skip
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(records=st.lists(record, min_size=1, max_size=8))
def test_of_any_records(readings, noon, tmp_path, write, records):
    compare(written(tmp_path, write(records)))


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(
    head=st.sampled_from(
        [b"station,at,value\n", b'[{"station": "S", "at": "2026-11-20"}', b'{"station": "S", ', b""]
    ),
    data=st.binary(max_size=120),
)
def test_of_any_bytes(readings, noon, tmp_path, head, data):
    compare(written(tmp_path, head + data))


def test_of_a_workbook_with_everything_in_it(readings, noon, tmp_path):
    def fill(book):
        sheet = book.active
        sheet.append(["station", "at", "value", "count"])
        sheet.append(["S1", "2026-11-20 11:00", 5, 1])
        sheet.append([None, "2026-11-20 11:05", "=1+1", 2])
        sheet.append(["S2", "2026-11-20 11:10", "#N/A", 3])
        sheet.append(["S2", "2026-11-20 11:15", 7, 1.5])
        sheet.merge_cells("A2:A3")

    found, delivery = compare(workbook(tmp_path, fill))
    assert (found.looked_at, found.bad) == (4, 3)
    assert dict(Reject.objects.filter(delivery=delivery).values_list("row_number", "reason")) == {
        2: "no_result", 3: "no_result", 4: "not_integer",
    }  # fmt: skip


def zipped(name, content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr(name, content)
    return out.getvalue()


HOSTILE = [
    pytest.param(b"station,at\n" + b"x" * 10_000_000 + b",2026-11-20\n", "line_too_long", id="10 MB line"),
    pytest.param(b'[{"station": ' + b"[" * 200_000, "truncated", id="deep and open"),
    pytest.param(zipped("xl/worksheets/sheet1.xml", b"0" * 100_000_000), "too_large", id="zip bomb"),
    pytest.param(zipped("xl/worksheets/sheet1.xml", b"<worksheet>"), "damaged", id="broken sheet"),
    pytest.param(gzip.compress(csv_text(rows(3_000)).encode())[:800], "truncated", id="cut gzip"),
    pytest.param(b"\x00\x01\x02\x03" * 200, "wrong_type", id="no text"),
    pytest.param(b"PAR1" + b"\x00" * 50 + b"PAR1", "damaged", id="no Parquet"),
    pytest.param(
        b'{"type":"FeatureCollection","crs":{"properties":{"name":"EPSG:3857"}},"features":[]}',
        "datum",
        id="crs",
    ),
]


@pytest.mark.parametrize(("content", "code"), HOSTILE)
def test_of_hostile_files(readings, noon, tmp_path, content, code):
    found, delivery = compare(written(tmp_path, content))
    assert (delivery.state, delivery.reason) == ("refused", code)
    assert selectors.read(CODE).num_rows == 0
    assert str(tmp_path) not in delivery.detail
