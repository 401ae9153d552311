"""A state machine is a table: action -> where it may start and where it ends."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from .errors import IllegalMove


@dataclass(frozen=True)
class Move:
    """`start`: states the action may begin in. `to`: the state after, None where it stays."""

    start: frozenset[str]
    to: str | None


Moves = Mapping[str, Move]


def next_state(moves: Moves, action: str, state: str) -> str:
    """The state after `action`. Raises IllegalMove when the table does not allow it."""
    move = moves.get(action)
    if move is None or state not in move.start:
        raise IllegalMove(
            _("“%(action)s” is not possible in state “%(state)s”.") % {"action": action, "state": state}
        )
    return state if move.to is None else move.to


def actions_from(moves: Moves, state: str) -> list[str]:
    """Actions the table allows in `state`, in the table's order."""
    return [name for name, move in moves.items() if state in move.start]
