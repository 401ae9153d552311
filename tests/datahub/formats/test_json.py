"""JSON in all its shapes, also hostile ones: each value is a row, a fault with its reason, or a refusal."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.faults import Reason, Refusal, Refused

from .files import read, written

name = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)
scalar = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(allow_nan=False), st.text(max_size=8)
)
value = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(name, inner, max_size=3)
)
record = st.dictionaries(st.sampled_from(["a", "b", "c"]), value, max_size=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("json")


@given(
    st.lists(record, min_size=1, max_size=12),
    st.booleans(),
    st.sampled_from([None, 1, 3]),
    st.integers(8, 400),
)
def test_an_array_is_read_as_its_lines_are(folder, records, escaped, indent, size):
    records = [{"a": None, "b": None, "c": None}, *records]  # a small block may show fewer names
    lines = "\n".join(json.dumps(one, ensure_ascii=escaped) for one in records)
    array = json.dumps(records, ensure_ascii=escaped, indent=indent)
    try:
        content = array.encode()
    except UnicodeEncodeError:
        return
    of_array = read(written(folder, content), block_bytes=size)
    of_lines = read(written(folder, lines.encode()), block_bytes=size)
    assert of_array[0] == of_lines[0] == ["a", "b", "c"]
    assert sorted(of_array[2]) == sorted(of_lines[2])
    assert as_words(of_array[1]) == as_words(of_lines[1])


def as_words(rows):
    """A block is typed or not as a whole, so the same value may be a number here and a text there."""
    return {n: {k: None if v is None else str(v) for k, v in row.items()} for n, row in rows.items()}


@given(st.binary(max_size=300), st.sampled_from([b"[", b"[{", b'[{"a":1},', b"{", b'{"a": "', b'{"a":1}\n']))
def test_any_bytes_after_the_beginning_of_json(folder, data, begin):
    read(written(folder, begin + data))


@given(st.lists(st.sampled_from(list('{}[]",:\\\n ab1') + ['"a":', '{"a":1}', "null"]), max_size=60))
def test_any_signs_of_structure(folder, signs):
    read(written(folder, ("[" + "".join(signs)).encode()), block_bytes=16)
    read(written(folder, ("{" + "".join(signs)).encode()), block_bytes=16)


@given(st.lists(st.one_of(record, scalar, st.lists(scalar, max_size=2)), min_size=1, max_size=10))
def test_what_is_no_object_in_an_array_is_a_fault_with_its_number(folder, values):
    found = read(written(folder, json.dumps([{"a": 1}, *values]).encode()))
    if isinstance(found, Refusal):
        return
    _header, rows, faults = found
    for n, one in enumerate(values, start=1):
        if not isinstance(one, dict):
            assert faults[n].reason in (Reason.BAD_RECORD, Reason.UNDECODABLE)
    assert len(rows) + len(faults) == len(values) + 1


CASES = [
    pytest.param('{"a": 1, "a": 2}', Reason.REPEATED_NAME, "a", id="a name twice"),
    pytest.param('{"a": "\\ud800"}', Reason.UNDECODABLE, "a", id="half of a pair"),
    pytest.param('{"a": "x\\u0000y"}', Reason.NOT_TEXT, "a", id="NUL"),
    pytest.param('{"a": ' + "[" * 50_000 + "]" * 50_000 + "}", Reason.BAD_RECORD, "", id="deep"),
    pytest.param('{"a": ' + '{"a":' * 50_000 + "1" + "}" * 50_001, Reason.BAD_RECORD, "", id="deep objects"),
    pytest.param('{"a": 1', Reason.BAD_RECORD, "", id="cut off"),
    pytest.param("{'a': 1}", Reason.BAD_RECORD, "", id="single quotes"),
    pytest.param('{"a": 1,}', Reason.BAD_RECORD, "", id="comma too many"),
]


@pytest.mark.parametrize(("line", "reason", "column"), CASES)
def test_a_bad_line_costs_itself_and_says_why(tmp_path, line, reason, column):
    text = '{"a": "first"}\n' + line + '\n{"a": "last"}\n'
    header, rows, faults = read(written(tmp_path, text.encode()))
    assert [row["a"] for row in rows.values()] == ["first", "last"]
    assert (faults[1].reason, faults[1].column) == (reason, column)


@pytest.mark.parametrize(("written_as", "read_as"), [
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("9" * 6_000, "9" * 6_000),
    ("1.10", "1.10"), ("0.1234567890123456789", "0.1234567890123456789"), ("1e400", "1e400"),
    ("NaN", "NaN"), ("-Infinity", "-Infinity"), ("true", "true"), ("[1, 2]", "[1, 2]"),
])  # fmt: skip
def test_numbers_keep_what_was_written(tmp_path, written_as, read_as):
    content = f'[{{"a": "text"}}, {{"a": {written_as}}}]'.encode()
    _header, rows, faults = read(written(tmp_path, content))
    assert (rows[1]["a"], faults) == (read_as, {})


def test_deep_nesting_in_a_name_that_nobody_wants(tmp_path):
    deep = "[" * 200_000 + "]" * 200_000
    found = read(written(tmp_path, f'{{"a": 1}}\n{{"a": 2, "z": {deep}}}\n'.encode()))
    assert len(found[1]) + len(found[2]) == 2


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"", b" \n\t "])
@pytest.mark.parametrize("text", ['[{"a": "南"}]', '{"a": "南"}\n', '{\n  "a": "南"\n}\n{\n "a": "通"\n}\n'])
def test_marks_and_blanks_before_the_text(tmp_path, mark, text):
    assert read(written(tmp_path, mark + text.encode()))[1][0] == {"a": "南"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("text", ['[{"a": "南通市", "b": 1}]', '{"a": "南通市", "b": 1}\n'])
def test_json_in_other_encodings(tmp_path, encoding, text):
    assert read(written(tmp_path, text.encode(encoding)))[1][0]["a"] == "南通市"


@pytest.mark.parametrize(("content", "code"), [
    pytest.param(b"[]", Refused.NO_ROWS, id="empty array"),
    pytest.param(b'[{"a": 1}', Refused.TRUNCATED, id="cut off"),
    pytest.param(b'[{"a": 1}] and more', Refused.DAMAGED, id="text after it"),
    pytest.param(b'{"count": 1, "rows": [{"a": 1}]}', Refused.WRONG_TYPE, id="rows inside"),
    pytest.param(b'[{"a": "' + b"x" * 6_000_000 + b'"}]', Refused.LINE_TOO_LONG, id="6 MB value"),
    pytest.param(b"[" * 6_000_000, Refused.LINE_TOO_LONG, id="only brackets"),
    pytest.param(gzip.compress(b'[{"a": 1}]' * 999)[:60], Refused.TRUNCATED, id="cut gzip"),
])  # fmt: skip
def test_refusals(tmp_path, content, code):
    found = read(written(tmp_path, content))
    assert isinstance(found, Refusal)
    assert found.code == code
