"""Readers: whole lines in bounded pieces, and every row of the source numbered."""

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.faults import Refusal, Refused
from datahub.formats.blocks import choose_encoding, whole_lines
from datahub.formats.csv import CsvSource
from datahub.formats.json import JsonLinesSource

# Characters as people write them; control characters and lone surrogates have tests of their own.
cell = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufffd\ufeff"), max_size=8
)
quoted_cell = st.one_of(cell, st.sampled_from(['with "quotes"', "two\nlines", "a,b", " "]))


def read(source):
    """Rows with their 0-based numbers, and the numbers of those that could not be read."""
    rows, bad, first = {}, [], 0
    for piece in source.pieces():
        block = source.parse(piece)
        columns = [block.arrays[name].to_pylist() for name in source.header]
        for n, row in enumerate(zip(*columns, strict=True)):
            rows[first + block.place(n)] = row
        bad += [first + fault.row for fault in block.faults]
        first += block.rows
    return rows, bad


@given(
    st.lists(st.tuples(quoted_cell, quoted_cell, quoted_cell), min_size=1, max_size=30), st.integers(8, 200)
)
def test_a_csv_file_is_read_as_python_reads_it_in_blocks_of_any_size(records, size):
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b", "c"), *records])
    source = CsvSource(io.BytesIO(out.getvalue().encode()), null_tokens=(), block_bytes=size)
    rows, bad = read(source)
    assert bad == []
    assert list(rows.values()) == records
    assert list(rows) == list(range(len(records)))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60), st.integers(8, 100))
def test_rows_with_another_number_of_fields_are_numbered_right(widths, size):
    text = "a,b,c\n" + "".join(",".join(["1"] * width) + "\n" for width in widths)
    source = CsvSource(io.BytesIO(text.encode()), block_bytes=size)
    rows, bad = read(source)
    assert sorted(rows) == [n for n, width in enumerate(widths) if width == 3]
    assert sorted(bad) == [n for n, width in enumerate(widths) if width != 3]


@given(st.binary(max_size=400), st.integers(1, 50))
def test_nothing_is_lost_or_added_between_blocks(data, size):
    chunks = [data[n : n + size] for n in range(0, len(data), size)]
    for quote in (b"", b'"'):
        assert b"".join(whole_lines(iter(chunks), quote=quote)) == data


@given(st.binary(max_size=600))
def test_any_bytes_after_a_header_are_rows_or_rejects_or_a_refusal(data):
    source = CsvSource(io.BytesIO(b"a,b\n" + data))
    source.hints = {"a": "integer", "b": "text"}
    try:
        rows, bad = read(source)
    except Refusal:
        return
    assert sorted({*rows, *bad}) == list(range(len(rows) + len(set(bad))))


@given(st.binary(max_size=300))
def test_any_bytes_as_json_lines(data):
    source = JsonLinesSource(io.BytesIO(b'{"a": 1, "b": "x"}\n' + data))
    source.hints = {"a": "integer", "b": "text"}
    rows, bad = read(source)
    assert sorted({*rows, *bad}) == list(range(len(rows) + len(set(bad))))


@pytest.mark.parametrize(("text", "encoding"), [
    ("南通市崇川区生态环境局", "gb18030"), ("年,value", "gb18030"), ("测站,at", "gb18030"), ("南通市崇川区生态环境局", "utf-8"), ("plain", ""),
])  # fmt: skip
def test_the_encoding_is_told_from_the_bytes(text, encoding):
    assert choose_encoding(text.encode(encoding or "ascii")) == encoding


@given(st.text("南通市崇川区海门启东如皋生态环境局热线工单", min_size=2, max_size=50))
def test_a_few_bad_bytes_do_not_make_a_utf8_file_gbk(text):
    assert choose_encoding(text.encode() * 5 + b"\xff") == "utf-8"


def test_utf16_and_a_mark_and_semicolons():
    for data in ("a;b\n1;二\n".encode("utf-16"), "a;b\n1;二\n".encode("utf-8-sig")):
        source = CsvSource(io.BytesIO(data))
        assert read(source)[0] == {0: ("1", "二")}


def test_an_unclosed_quote_costs_rows_and_not_the_rest_of_the_file():
    lines = ["a,b", '1,"never closed', *(f"{n},x" for n in range(400_000))]
    source = CsvSource(io.BytesIO("\n".join(lines).encode()), block_bytes=1 << 20)
    rows, bad = read(source)
    assert len(rows) > 0
    assert bad == [] or len(bad) < len(lines)


def test_a_line_without_end_is_refused():
    source = CsvSource(io.BytesIO(b"a,b\n" + b"x" * 6_000_000))
    with pytest.raises(Refusal) as caught:
        read(source)
    assert caught.value.code == Refused.LINE_TOO_LONG


def test_json_values_of_the_wrong_kind_stay_with_their_row():
    lines = b'{"a": 1}\n{"a": "two"}\n{"a": [3]}\n{"a": 4, "b": true}\n'
    source = JsonLinesSource(io.BytesIO(lines))
    source.hints = {"a": "integer", "b": "text"}
    assert source.parse(lines).arrays["a"] == pa.array(["1", "two", "[3]", "4"])


def test_a_row_with_too_few_fields_and_undecodable_bytes_is_counted():
    source = CsvSource(io.BytesIO("a,b\n南,1\n".encode() + b"\xff\xfe\n" + "通,2\n".encode()))
    source.hints = {"a": "text", "b": "integer"}
    assert read(source)[0].keys() == {0, 2}
