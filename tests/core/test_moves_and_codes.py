"""The ground floor: tables of moves, area codes, references."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core.codes import LENGTHS, ancestors, child_length, level_of, parent_of, topmost, within
from commandcenter.core.errors import IllegalMove
from commandcenter.core.moves import Move, actions_from, next_state
from commandcenter.core.refs import id_of, make_ref, parse_ref

MOVES = {
    "open": Move(frozenset({"new"}), "open"),
    "note": Move(frozenset({"new", "open"}), None),
    "close": Move(frozenset({"open"}), "closed"),
}
STATES = ["new", "open", "closed"]
codes = st.sampled_from(LENGTHS).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n))


@given(action=st.sampled_from([*MOVES, "unknown"]), state=st.sampled_from(STATES))
def test_only_what_the_table_allows_happens(action, state):
    if action in actions_from(MOVES, state):
        move = MOVES[action]
        assert next_state(MOVES, action, state) == (move.to or state)
    else:
        with pytest.raises(IllegalMove) as refused:
            next_state(MOVES, action, state)
        assert refused.value.code == "illegal_move"


@given(codes)
def test_an_area_lies_under_each_of_its_ancestors(code):
    line = ancestors(code)
    assert line[-1] == code
    assert all(within(code, top) for top in line)
    assert parent_of(code) == (line[-2] if len(line) > 1 else None)
    below = child_length(code)
    assert below is None if level_of(code) == "cell" else below > len(code)


@given(st.lists(codes))
def test_topmost_covers_every_code_once(given_codes):
    kept = topmost(given_codes)
    for code in given_codes:
        assert sum(within(code, top) for top in kept) == 1


def test_a_code_of_no_known_length_is_refused():
    with pytest.raises(ValueError, match="not an area code"):
        level_of("32061")


def test_nothing_lies_under_no_area():
    assert not within("3206", "")


def test_references_survive_the_way_there_and_back():
    assert parse_ref(make_ref("datahub.row", 7, 1534)) == ("datahub.row", ["7", "1534"])
    assert id_of("hotline.ticket:12", "hotline.ticket") == 12
    assert id_of("hotline.ticket:12", "dispatch.order") is None
    assert id_of("hotline.ticket:x", "hotline.ticket") is None
    for broken in ("", "ticket:1", "hotline.ticket", "hotline.ticket:"):
        with pytest.raises(ValueError):
            parse_ref(broken)
