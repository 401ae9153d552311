"""What a move changes; pure, so every property can be tried on whole lives."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.figures import (
    GAUGE_DAY,
    ORDER_ENDED,
    SEALED,
    TICKET_DONE,
    add_up,
    alert_steps,
    deltas,
    families_for,
    open_gauge,
    order_steps,
    ticket_steps,
)
from dispatch.states import MOVES as ORDER_MOVES
from dispatch.states import OrderState
from hotline.states import MOVES as TICKET_MOVES
from hotline.states import TicketState

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def sums(steps) -> dict[str, int]:
    found: dict[str, int] = {}
    for step in steps:
        found[step.figure] = found.get(step.figure, 0) + step.n
    return {figure: n for figure, n in found.items() if n}


def ticket(action, before, after, **more):
    return {"action": action, "from_state": before, "to_state": after, "confidential": False, **more}


def order(action, before, after, **more):
    return {"action": action, "from_state": before, "to_state": after, "confidential": False, **more}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(ticket("take", "", "new"), {"tickets.taken": 1, "tickets.open": 1}, id="taken"),
        pytest.param(
            ticket("answer", "new", "answered", category_code="03"),
            {"tickets.answered": 1, "tickets.open": -1, "tickets.cat.03": 1},
            id="answered",
        ),
        pytest.param(
            ticket("dispatch", "awaiting_dispatch", "dispatched", category_code="03"),
            {"tickets.dispatched": 1},
            id="its category was counted when it left new",
        ),
        pytest.param(
            ticket(
                "call_back",
                "awaiting_callback",
                "awaiting_callback",
                contacted=True,
                solved="yes",
                satisfied="basically",
            ),
            {"calls.reached": 1, "calls.solved": 1, "calls.satisfied": 1},
            id="reached",
        ),
        pytest.param(
            ticket(
                "call_back",
                "awaiting_callback",
                "awaiting_callback",
                contacted=False,
                solved="",
                satisfied="",
            ),
            {},
            id="not reached",
        ),
        pytest.param(ticket("import", "", "archived"), {}, id="history counts nothing"),
        pytest.param(
            {**ticket("take", "", "new", category_code="03"), "confidential": True},
            {f"{SEALED}tickets": 1},
            id="sealed is counted apart",
        ),
        pytest.param(
            {**ticket("answer", "new", "answered", category_code="03"), "confidential": True},
            {},
            id="sealed is in no breakdown",
        ),
    ],
)
def test_what_a_ticket_changes(body, expected):
    assert sums(ticket_steps(body)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            order("open", "", "dispatched"),
            {"orders.dispatched": 1, "orders.open": 1, "orders.state.dispatched": 1},
            id="opened",
        ),
        pytest.param(
            order("sign", "dispatched", "signed", on_time=True),
            {
                "orders.signed": 1,
                "orders.signed_timed": 1,
                "orders.signed_on_time": 1,
                "orders.state.dispatched": -1,
                "orders.state.signed": 1,
            },
            id="signed in time",
        ),
        pytest.param(
            order("handle", "signed", "handled", on_time=False),
            {
                "orders.handled": 1,
                "orders.handled_timed": 1,
                "orders.state.signed": -1,
                "orders.state.handled": 1,
            },
            id="handled late",
        ),
        pytest.param(
            order("close", "handled", "closed"),
            {"orders.closed": 1, "orders.open": -1, "orders.state.handled": -1},
            id="closed",
        ),
        pytest.param(
            order("redo", "closed", "signed"),
            {"orders.redone": 1, "orders.open": 1, "orders.state.signed": 1},
            id="opened again",
        ),
        pytest.param(
            {**order("sign", "dispatched", "signed", on_time=True), "confidential": True}, {}, id="sealed"
        ),
    ],
)
def test_what_an_order_changes(body, expected):
    assert sums(order_steps(body)) == expected


def test_a_trial_alert_changes_nothing():
    body = {"action": "raise", "from_state": "pending", "to_state": "raised", "level": 1, "trial": True}
    assert alert_steps(body) == []


def test_an_alert_that_rises_moves_between_levels():
    body = {
        "action": "rise",
        "from_state": "raised",
        "to_state": "raised",
        "level": 1,
        "from_level": 3,
        "trial": False,
    }
    assert sums(alert_steps(body)) == {"alerts.open.3": -1, "alerts.open.1": 1}


@given(st.lists(st.sampled_from(sorted(ORDER_MOVES)), max_size=30))
def test_open_orders_by_state_always_add_up(actions):
    """Whatever a life looks like, `open` is 0 or 1 and equals the sum over the open states."""
    state, held = OrderState.DISPATCHED, sums(order_steps(order("open", "", "dispatched")))
    for action in actions:
        move = ORDER_MOVES[action]
        if state not in move.start:
            continue
        after = move.to or state
        for figure, n in sums(order_steps(order(action, state, after, on_time=True))).items():
            held[figure] = held.get(figure, 0) + n
        state = after
    by_state = sum(n for figure, n in held.items() if figure.startswith("orders.state."))
    assert held.get("orders.open", 0) == by_state == int(state not in ORDER_ENDED)


@given(st.lists(st.sampled_from(sorted(TICKET_MOVES)), max_size=30))
def test_a_ticket_is_open_once_and_its_category_counted_once(actions):
    state, held = TicketState.NEW, sums(ticket_steps(ticket("take", "", "new")))
    for action in actions:
        move = TICKET_MOVES[action]
        if state not in move.start:
            continue
        after = move.to or state
        for figure, n in sums(ticket_steps(ticket(action, state, after, category_code="07"))).items():
            held[figure] = held.get(figure, 0) + n
        state = after
    assert held.get("tickets.open", 0) == int(state not in TICKET_DONE)
    assert held.get("tickets.cat.07", 0) == int(state != TicketState.NEW)


def test_a_change_counts_for_every_area_above_and_for_the_shanghai_day():
    late = datetime(2026, 11, 20, 17, tzinfo=UTC)  # already the 21st in Shanghai
    event = SimpleNamespace(
        kind="hotline.ticket.moved", body=ticket("take", "", "new"), area_code="320613001", at=late
    )
    assert add_up(deltas(event)) == {
        (area, day, figure): 1
        for area in ("3206", "320613", "320613001")
        for day, figure in ((date(2026, 11, 21), "tickets.taken"), (GAUGE_DAY, "tickets.open"))
    }


def test_kinds_that_nobody_counts_and_events_without_a_place_change_nothing():
    other = SimpleNamespace(kind="city.calendar.published", body={}, area_code="3206", at=NOON)
    nowhere = SimpleNamespace(
        kind="hotline.ticket.moved", body=ticket("take", "", "new"), area_code="", at=NOON
    )
    assert (deltas(other), deltas(nowhere)) == ([], [])


def test_families_follow_what_one_hears():
    assert families_for({"analyst"}) == {"alerts"}
    assert families_for({"org:3206-environment", "user:7"}) == frozenset()
    assert "data" not in families_for({"command"})


def test_open_gauge():
    assert open_gauge("x", "", "new", frozenset({"done"}))[0].n == 1
    assert open_gauge("x", "new", "done", frozenset({"done"}))[0].n == -1
    assert open_gauge("x", "new", "busy", frozenset({"done"})) == []
