"""A number is found however it was written, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core.spoken import Needles, is_distinct, numbers_within, plain

PHONE, IDENTITY = "13862901234", "32060219900101123X"


@pytest.mark.parametrize(
    "said",
    [
        "13862901234",
        "138 6290 1234",
        "138-6290-1234",
        "138.6290.1234",
        "1 3 8 6 2 9 0 1 2 3 4",
        "１３８６２９０１２３４",
        "+86 138 6290 1234",
        "008613862901234",
        "013862901234",
        "幺三八六二九零幺二三四",
        "一三八、六二九〇、一二三四",
        "138）6290/1234",
    ],
)
def test_a_phone_is_found_in_every_spoken_form(said):
    hidden = Needles([PHONE]).hide(f"请打{said}，谢谢")
    assert hidden == "请打***，谢谢"
    assert PHONE in numbers_within(f"请打{said}，谢谢")


@pytest.mark.parametrize(
    "text", ["213862901234", "138629012345", "1386290123", "编号 138629-012", "没有号码"]
)
def test_other_numbers_stay(text):
    assert Needles([PHONE]).hide(text) == text


def test_an_identity_number_may_end_in_a_small_x():
    assert Needles([IDENTITY]).hide("证件 320602 19900101 123x。") == "证件 ***。"
    assert IDENTITY in numbers_within("证件 320602 19900101 123x。")


def test_words_are_found_with_space_between_them_and_are_no_pattern():
    needles = Needles(["张晓明", "a.b@c.cn", "人民路(南)12号#3"])
    assert needles.hide("张 晓明 A.B@C.CN axb@c.cn 人民路(南)12号#3") == "*** *** axb@c.cn ***"


def test_deep_values_lose_it_wherever_it_stands():
    body = {"a": [1, 13862901234, "x 138-6290-1234"], PHONE: None, "b": True}
    assert Needles([PHONE]).hide_deep(body) == {"a": [1, "***", "x ***"], "***": None, "b": True}
    assert Needles([PHONE]).within_deep(body) == ["138-6290-1234", PHONE]


@pytest.mark.parametrize(
    ("value", "distinct"),
    [
        (PHONE, True),
        ("a@b.cn", True),
        ("人民中路12号3幢402室", True),
        ("张晓明", False),
        ("南通市崇川区", False),
    ],
)
def test_only_what_names_one_person_is_looked_for_everywhere(value, distinct):
    assert is_distinct(plain(value)) is distinct


@given(st.text(alphabet="0123456789 -xX零一", max_size=60), st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_what_was_hidden_is_gone_and_hiding_twice_changes_nothing(around, number):
    needles = Needles([number])
    once = needles.hide(f"{around}，{number}，{around}")
    assert needles.within(once) == []
    assert needles.hide(once) == once


@given(st.text(max_size=80))
def test_any_text_may_be_looked_through(text):
    assert Needles([text, "x"]).hide("abc") is not None
    numbers_within(text)
