"""Property tests: numbers of callers, values of imported rows, masking."""

import string
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core.masking import mask_text
from commandcenter.core.times import SHANGHAI
from hotline.imports.mapping import BUILT_IN, TARGETS, ColumnMapping
from hotline.imports.values import EARLIEST, Unreadable, clean_text, parse_degree, parse_time
from hotline.phones import is_mobile, normal_phone

NOW = datetime(2026, 11, 21, tzinfo=UTC)
mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
seps = st.sampled_from(["", " ", "-", "\u3000", "－"])


@given(mobiles, st.sampled_from(["", "+86", "86", "0086", "＋86", "0", "17951"]), seps, seps)
def test_one_number_has_one_form(mobile, prefix, a, b):
    said = f"{prefix}{a}{mobile[:3]}{b}{mobile[3:7]}{a}{mobile[7:]}"
    assert normal_phone(said) == mobile
    assert is_mobile(normal_phone(said))


@given(st.text(max_size=60))
def test_a_number_is_digits_only_and_stable(text):
    once = normal_phone(text)
    assert set(once) <= set(string.digits)
    assert normal_phone(once) == once or once.startswith(("86", "0086", "17951", "01"))


@given(
    mobiles, st.text(alphabet="甲乙丙丁，。 ", max_size=20), st.text(alphabet="甲乙丙丁，。 ", max_size=20)
)
def test_masked_text_holds_no_number(mobile, before, after):
    shown = mask_text(f"{before}{mobile}{after}")
    assert mobile not in shown
    assert f"{mobile[:3]}****{mobile[7:]}" in shown


moments = st.datetimes(min_value=datetime(1990, 1, 2), max_value=datetime(2026, 11, 20))  # noqa: DTZ001


@given(moments, st.sampled_from(["{y}/{m}/{d} {H}:{M:02}:{S:02}", "{y}-{m:02}-{d:02}T{H:02}:{M:02}:{S:02}",
                                 "{y}年{m}月{d}日 {H}时{M}分{S}秒", "{y}.{m}.{d} {H}:{M:02}:{S:02}"]))  # fmt: skip
def test_a_time_is_read_in_every_form_it_is_written_in(moment, form):
    text = form.format(
        y=moment.year, m=moment.month, d=moment.day, H=moment.hour, M=moment.minute, S=moment.second
    )
    expected = moment.replace(microsecond=0, tzinfo=SHANGHAI).astimezone(UTC)
    assert parse_time(text, now=NOW) == expected


@given(st.text(max_size=40))
def test_any_text_is_a_sound_time_or_unreadable(text):
    try:
        moment = parse_time(text, now=NOW)
    except Unreadable:
        return
    assert EARLIEST <= moment <= NOW.replace(day=23)


@given(st.text(max_size=300))
def test_clean_text_can_be_stored_and_is_clean(text):
    once = clean_text(text)
    assert "\x00" not in once
    assert not any("\ud800" <= char <= "\udfff" for char in once)
    once.encode("utf-8")
    assert once == clean_text(once)
    assert "\n\n" not in once
    assert "  " not in once


@given(st.one_of(st.text(max_size=20), st.floats().map(str)))
def test_a_degree_lies_in_its_range_or_is_unreadable(text):
    try:
        number = parse_degree(text, limit=90)
    except Unreadable:
        return
    assert -90 <= number <= 90


names = st.text(alphabet="abcdefgh甲乙丙", min_size=1, max_size=6)


@given(st.dictionaries(st.sampled_from(TARGETS), st.tuples(names), min_size=1), st.lists(names, unique=True))
def test_a_mapping_finds_what_is_there_and_nothing_else(columns, header):
    how = ColumnMapping(name="x", source="x", columns=columns, required=())
    places = how.resolve(header, "f")
    for target, (name,) in columns.items():
        assert (target in places) == (name in header)
        if target in places:
            assert header[places[target]] == name


def test_built_in_mappings_name_each_header_once():
    for how in BUILT_IN.values():
        heads = [name for options in how.columns.values() for name in options]
        assert len(heads) == len(set(heads))
