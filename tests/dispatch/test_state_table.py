"""The table of moves against any sequence of actions anybody may think of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core.errors import IllegalMove
from commandcenter.core.moves import next_state
from dispatch.states import ACTION_WORDS, ENDED, MOVES, OPEN, OPENED, RECOMPUTED, RELOCATED, OrderState

actions = st.lists(st.sampled_from([*MOVES, "open", "nonsense"]), max_size=25)


def walk(names: list[str]) -> list[str]:
    """States passed from dispatch on; refused actions leave the state alone."""
    states: list[str] = [OrderState.DISPATCHED]
    for name in names:
        try:
            states.append(next_state(MOVES, name, states[-1]))
        except IllegalMove:
            states.append(states[-1])
    return states


@given(actions)
def test_every_walk_stays_within_known_states(names):
    assert set(walk(names)) <= set(OrderState)


@given(actions)
def test_an_order_is_handled_only_after_it_was_signed_and_closed_only_after_it_was_handled(names):
    states = walk(names)
    for before, after in zip(states, states[1:], strict=False):
        if after == OrderState.HANDLED and before != after:
            assert before == OrderState.SIGNED
        if after == OrderState.CLOSED and before != after:
            assert before == OrderState.HANDLED


@given(actions)
def test_returned_and_cancelled_orders_never_move_again(names):
    states = walk(names)
    for before, after in zip(states, states[1:], strict=False):
        if before in (OrderState.RETURNED, OrderState.CANCELLED):
            assert after == before


@given(actions)
def test_a_closed_order_opens_again_only_by_redo(names):
    state: str = OrderState.DISPATCHED
    for name in names:
        before = state
        try:
            state = next_state(MOVES, name, state)
        except IllegalMove:
            continue
        if before == OrderState.CLOSED:
            assert (name, state) == ("redo", OrderState.SIGNED)


def test_every_state_is_open_or_ended_and_every_action_has_words():
    assert set(OrderState) == OPEN | ENDED
    assert not OPEN & ENDED
    assert set(ACTION_WORDS) == {*MOVES, OPENED, RECOMPUTED, RELOCATED}


def test_every_open_state_can_come_to_an_end():
    reached = set(ENDED)
    for _round in OrderState:
        reached |= {start for move in MOVES.values() if move.to in reached for start in move.start}
    assert reached >= OPEN


@pytest.mark.parametrize("state", sorted(OrderState))
def test_an_unknown_action_is_refused_everywhere(state):
    with pytest.raises(IllegalMove):
        next_state(MOVES, "open", state)
