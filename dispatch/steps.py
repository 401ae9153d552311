"""What a person may do next with an order: one step that is primary, the others for the menu."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import clocks, policies
from .models import Order
from .states import OrderState, RequestKind, RequestState

if TYPE_CHECKING:
    from datetime import datetime

    from city.models import User


@dataclass(frozen=True)
class Steps:
    primary: str = ""
    others: list[str] = field(default_factory=list)

    def __contains__(self, action: str) -> bool:
        return action == self.primary or action in self.others


def steps_for(user: "User", order: Order, *, at: "datetime") -> Steps:
    """The actions a page offers; the services ask again."""
    steps = _of_state(user, order, at=at)
    if policies.may_exclude(user, order) and not order.history:
        return Steps(steps.primary, [*steps.others, "exclude"])
    return steps


def _of_state(user: "User", order: Order, *, at: "datetime") -> Steps:
    unit, command = policies.may_handle(user, order), policies.may_rule(user, order)
    state = order.state
    if state == OrderState.DISPATCHED:
        others = (["request_return"] if unit and may_return(order, at=at) else []) + (
            ["cancel"] if command else []
        )
        return Steps("sign" if unit else "", others)
    if state == OrderState.SIGNED:
        return _in_handling(order, unit=unit, command=command, at=at)
    if state == OrderState.HANDLED:
        return Steps("check" if policies.may_check(user, order) else "", ["cancel"] if command else [])
    if state == OrderState.RETURN_REVIEW:
        return Steps("rule" if command else "", ["cancel"] if command else [])
    if state == OrderState.CLOSED:
        return Steps("", ["redo"] if command else [])
    return Steps()


def _in_handling(order: Order, *, unit: bool, command: bool, at: "datetime") -> Steps:
    asked = {request.kind for request in order.requests.all() if request.state == RequestState.PENDING}
    others: list[str] = []
    primary = ""
    if command and asked:
        primary = "decide_extension" if RequestKind.EXTENSION in asked else "decide_hold"
        others += ["decide_hold"] if len(asked) > 1 else []
    if order.held:
        if not primary and (unit or command):
            primary = "release"
        return Steps(primary, others + (["cancel"] if command else []))
    if unit:
        if not primary:
            primary = "contact" if order.contact_needed and order.contacted_at is None else "handle"
        if primary == "contact":
            others.append("handle")
        elif order.contact_needed:
            others.append("contact")
        if may_return(order, at=at):
            others.append("request_return")
        if RequestKind.EXTENSION not in asked and order.due_at is not None and at <= order.due_at:
            others.append("request_extension")
        if RequestKind.HOLD not in asked:
            others.append("request_hold")
    if unit or command:
        others += ["assist", "pass_down"]
    if command:
        others.append("cancel")
    return Steps(primary, others)


def may_return(order: Order, *, at: "datetime") -> bool:
    """Whether the return window is open and no ruling stands against it."""
    window = order.clocks.get("return")
    return not order.ruled and (
        window is None or at <= clocks.run(order.dispatched_at, window["amount"], window["unit"])
    )
