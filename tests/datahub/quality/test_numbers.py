"""GB 11643 and GB 32100: every number made by the standard passes, every slip of one sign is found."""

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.checks.numbers import (
    CREDIT_ALPHABET,
    bad_credit_codes,
    bad_id_numbers,
    credit_code_check,
    id_number_check,
)

TODAY = date(2026, 11, 20)
births = st.dates(min_value=date(1900, 1, 1), max_value=TODAY)
areas = st.sampled_from(["320602", "320613", "110105", "440304", "810000"])


@st.composite
def id_numbers(draw):
    first = draw(areas) + f"{draw(births):%Y%m%d}" + f"{draw(st.integers(0, 999)):03d}"
    return first + id_number_check(first)


@st.composite
def credit_codes(draw):
    sign = st.sampled_from(CREDIT_ALPHABET)
    first = "91" + draw(areas) + "".join(draw(st.lists(sign, min_size=9, max_size=9)))
    return first + credit_code_check(first)


def bad_id(*values):
    return bad_id_numbers(pa.array(values, pa.string()), TODAY).tolist()


def bad_credit(*values):
    return bad_credit_codes(pa.array(values, pa.string())).tolist()


def test_the_examples_of_the_standards_pass():
    assert bad_id("11010519491231002X", "440524188001010014", None) == [False, False, False]
    assert bad_credit("91350100M000100Y43", None) == [False, False]


@given(st.lists(id_numbers(), min_size=1, max_size=30))
def test_a_number_made_by_the_standard_passes(values):
    assert not any(bad_id(*values))


@given(id_numbers(), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_found(value, place, step):
    wrong = value[:place] + str((int(value[place]) + step) % 10) + value[place + 1 :]
    assert bad_id(wrong) == [True]


@given(id_numbers(), st.integers(6, 15))
def test_two_neighbours_changed_are_found(value, place):
    if value[place] != value[place + 1]:
        swapped = value[:place] + value[place + 1] + value[place] + value[place + 2 :]
        assert bad_id(swapped) == [True]


@pytest.mark.parametrize(
    "first",
    [
        pytest.param("32060219900230001", id="the thirtieth of February"),
        pytest.param("32060219001301001", id="month thirteen"),
        pytest.param("32060219000229001", id="1900 was no leap year"),
        pytest.param("32060220261121001", id="born tomorrow"),
        pytest.param("99060219900101001", id="no such province"),
        pytest.param("32060217990101001", id="before anybody alive"),
    ],
)
def test_a_right_check_digit_does_not_save_a_wrong_date_or_place(first):
    assert bad_id(first + id_number_check(first)) == [True]


def test_a_leap_day_is_a_day():
    first = "32060220000229001"
    assert bad_id(first + id_number_check(first)) == [False]


@pytest.mark.parametrize(
    "value", ["", " 11010519491231002X", "11010519491231002x", "１１010519491231002X", "1" * 15]
)
def test_what_is_not_of_the_form_fails(value):
    assert bad_id(value) == [True]


@given(st.lists(credit_codes(), min_size=1, max_size=30))
def test_a_credit_code_made_by_the_standard_passes(values):
    assert not any(bad_credit(*values))


@given(credit_codes(), st.integers(0, 17), st.sampled_from(CREDIT_ALPHABET))
def test_one_wrong_sign_of_a_credit_code_is_found(value, place, sign):
    if value[place] != sign:
        assert bad_credit(value[:place] + sign + value[place + 1 :]) == [True]


@given(st.text(max_size=24))
def test_any_text_is_judged_and_nothing_breaks(text):
    assert bad_id(text)[0] in (True, False)
    assert bad_credit(text)[0] in (True, False)


def test_a_block_is_judged_row_by_row():
    good = "11010519491231002X"
    values = [good, None, "x", good[:-1] + "1", good]
    assert bad_id(*values) == [False, False, True, True, False]
