"""Delimited text, workbooks and Parquet as people and enemies write them."""

import gzip
import io
import zipfile
from datetime import date, datetime, time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.faults import Reason, Refusal, Refused
from datahub.formats import blocks

from .files import read, workbook, written

TEXT = "站点,读数\n崇川,1\n如东,2\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, end):
    content = TEXT.replace("\n", end).encode(encoding)
    for name, data in (("plain", content), ("packed", gzip.compress(content))):
        header, rows, faults = read(written(tmp_path, data, name))
        assert (header, faults) == (["站点", "读数"], {})
        assert [row["站点"] for row in rows.values()] == ["崇川", "如东"]


def test_mixed_line_ends(tmp_path):
    _header, rows, faults = read(written(tmp_path, b"a,b\r\n1,x\n2,y\r\n3,z\n"))
    assert ([row["a"] for row in rows.values()], faults) == (["1", "2", "3"], {})


@given(
    st.lists(
        st.sampled_from(['"', ",", "\n", "\r\n", "a", "1", '""', ";", "\x00", "\ufeff", " "]), max_size=80
    ),
    st.integers(4, 64),
)
def test_quotes_that_are_never_closed_and_other_signs(folder, signs, size):
    read(written(folder, ("a,b\n" + "".join(signs)).encode()), block_bytes=size)


@given(st.binary(max_size=400))
def test_any_bytes_as_a_file(folder, data):
    read(written(folder, data))


@given(
    st.binary(max_size=300),
    st.sampled_from([gzip.compress(TEXT.encode() * 20)[:40], b"\x1f\x8b\x08\x00", b"PAR1", b"PK\x03\x04"]),
)
def test_any_bytes_behind_the_mark_of_a_kind(folder, data, mark):
    read(written(folder, mark + data))


def test_nul_bytes_cost_their_row(tmp_path):
    content = b"a,b\n" + b"1,x\n" * 3_000 + b"2,y\x00z\n" + b"3,w\n"
    _header, rows, faults = read(written(tmp_path, content))
    assert (faults[3_000].reason, faults[3_000].column, len(rows)) == (Reason.UNDECODABLE, "b", 3_001)


@pytest.mark.parametrize(("content", "code"), [
    pytest.param(b"a,b\n" + b"x" * 10_000_000 + b",1\n", Refused.LINE_TOO_LONG, id="10 MB line"),
    pytest.param(b"," * 300_000 + b"\n1\n", Refused.TOO_LARGE, id="300,000 columns"),
    pytest.param(",".join(f"c{n}" for n in range(50_000)).encode() + b"\n1\n", Refused.TOO_LARGE, id="50,000 names"),
    pytest.param(gzip.compress(TEXT.encode() * 9_000)[:500], Refused.TRUNCATED, id="cut gzip"),
    pytest.param(gzip.compress(TEXT.encode()) + b"rubbish", Refused.DAMAGED, id="rubbish behind gzip"),
    pytest.param(b"BZh91AY&SY", Refused.WRONG_TYPE, id="bzip2"),
    pytest.param(b"\x00" * 5_000, Refused.WRONG_TYPE, id="only NUL"),
])  # fmt: skip
def test_refusals(tmp_path, content, code):
    found = read(written(tmp_path, content))
    assert isinstance(found, Refusal), found[0]
    assert found.code == code


def test_a_gzip_bomb_of_good_rows_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "UNPACKED_FREE", 1024 * 1024)
    bomb = gzip.compress(b"a,b\n" + b"1,2\n" * 4_000_000)
    found = read(written(tmp_path, bomb))
    assert isinstance(found, Refusal)
    assert found.code == Refused.TOO_LARGE


# ---------------------------------------------------------------- workbooks


def sheet_of(rows, title=None):
    def fill(book):
        sheet = book.active
        if title:
            sheet.title = title
        for row in rows:
            sheet.append(row)

    return fill


def test_cells_of_every_kind(tmp_path):
    moment = datetime(2026, 11, 20, 8, 30)  # noqa: DTZ001 -- a cell has no zone
    path = workbook(tmp_path, sheet_of([
        ["time", "day", "clock", "yes", "number", "text"],
        [moment, date(2026, 11, 20), time(8, 30), True, 3.0, " x "],
    ]))  # fmt: skip
    _header, rows, faults = read(path)
    assert faults == {}
    assert list(rows[0].values()) == [
        "2026-11-20 08:30:00",
        "2026-11-20 00:00:00",
        "08:30:00",
        "true",
        "3",
        "x",
    ]


def test_a_formula_counts_as_its_result_and_without_one_costs_the_row(tmp_path):
    path = workbook(tmp_path, sheet_of([["a", "b"], [1, "=A2*2"], [2, 5], [3, "#DIV/0!"]]))
    _header, rows, faults = read(path)
    assert rows == {1: {"a": "2", "b": "5"}}
    assert {n: (fault.reason, fault.column, fault.raw) for n, fault in faults.items()} == {
        0: (Reason.NO_RESULT, "b", "=A2*2"), 2: (Reason.NO_RESULT, "b", "#DIV/0!"),
    }  # fmt: skip
    # A program that works formulas out saves the result beside them.
    content = path.read_bytes()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename.endswith("sheet1.xml"):
                data = data.replace(b"<f>A2*2</f><v></v>", b"<f>A2*2</f><v>2</v>")
                data = data.replace(b"<f>A2*2</f><v />", b"<f>A2*2</f><v>2</v>")
                assert b"<v>2</v></c>" in data
            new.writestr(part, data)
    assert read(written(tmp_path, out.getvalue()))[1][0] == {"a": "1", "b": "2"}


def test_merged_cells_hold_their_value_in_every_row(tmp_path):
    def fill(book):
        sheet_of(
            [
                ["unit", "street", "n"],
                ["住建", "学田", 1],
                [None, None, 2],
                [None, "和平桥", 3],
                ["水务", "狼山", 4],
            ]
        )(book)
        book.active.merge_cells("A2:A4")
        book.active.merge_cells("B2:B3")

    header, rows, _faults = read(workbook(tmp_path, fill))
    assert [(row["unit"], row["street"]) for row in rows.values()] == [
        ("住建", "学田"), ("住建", "学田"), ("住建", "和平桥"), ("水务", "狼山"),
    ]  # fmt: skip


def test_a_sheet_is_chosen_by_name(tmp_path):
    def fill(book):
        sheet_of([["note"], ["read the other one"]], "说明")(book)
        other = book.create_sheet("数据")
        other.append(["a"])
        other.append([7])
        book.create_sheet("隐藏").sheet_state = "hidden"

    path = workbook(tmp_path, fill)
    assert read(path)[0] == ["note"]
    assert read(path, sheet="数据")[1] == {0: {"a": "7"}}
    assert read(path, sheet="没有").code == Refused.NO_SHEET


def test_a_sheet_that_lies_about_its_size(tmp_path):
    path = workbook(tmp_path, sheet_of([["a"], *([n] for n in range(50))]))
    lying, out = path.read_bytes(), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(lying)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename.endswith("sheet1.xml"):
                data = data.replace(b'<dimension ref="A1:A51"', b'<dimension ref="A1:A1"')
                data = data.replace(b'<row r="51"', b'<row r="99999999999"')
            new.writestr(part, data)
    found = read(written(tmp_path, out.getvalue()))
    assert isinstance(found, Refusal)
    assert found.code == Refused.TOO_LARGE


# ---------------------------------------------------------------- Parquet


def test_parquet_texts_that_are_none_cost_their_row(tmp_path):
    bad = pa.Array.from_buffers(
        pa.string(),
        3,
        [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\4\0\0\0\5\0\0\0"), pa.py_buffer(b"ok\xff\xfez")],
    )
    raw = pa.array([b"a", b"\xe5\x8d\x97", None], pa.binary())
    pq.write_table(pa.table({"a": bad, "b": raw}), tmp_path / "file")
    _header, rows, faults = read(tmp_path / "file")
    assert rows == {0: {"a": "ok", "b": "a"}, 2: {"a": "z", "b": None}}
    assert (faults[1].reason, faults[1].column) == (Reason.UNDECODABLE, "a")


@given(st.integers(4, 1_500), st.binary(min_size=1, max_size=20))
def test_parquet_changed_on_the_way(folder, place, data):
    table = pa.table({"a": list(range(100)), "b": [f"text {n}" for n in range(100)]})
    out = io.BytesIO()
    pq.write_table(table, out)
    content = bytearray(out.getvalue())
    place %= len(content)
    content[place : place + len(data)] = data
    read(written(folder, bytes(content)))
