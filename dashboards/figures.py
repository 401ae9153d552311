"""From what happened to sums: pure functions, the same for folding, for screens and for recounting.

A figure is a plain sum, so a screen adds `n` and is right; a rate is two figures. Figures of a
day carry the day, gauges (what is open now) do not. Sealed things (confidential, whistle-blowing)
are counted apart in figures that no screen is sent; see `sealed_count` for the one place they show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from commandcenter.core.codes import ancestors
from commandcenter.core.times import shanghai_day

GAUGE_DAY: Final = date(1970, 1, 1)
SEALED: Final = "sealed."  # figures with this prefix never leave the server one by one

# Which audience classes hear the events behind a family of figures. A screen is sent a family only if
# it also hears its events; otherwise its snapshot and its events could not agree.
FAMILIES: Final[Mapping[str, frozenset[str]]] = {
    "tickets": frozenset({"desk", "command", "leader"}),
    "calls": frozenset({"desk", "command", "leader"}),
    "orders": frozenset({"command", "leader"}),
    "reports": frozenset({"command", "leader"}),
    "alerts": frozenset({"leader", "command", "analyst"}),
    "data": frozenset({"steward", "leader"}),
}

TICKET_DONE: Final = frozenset({"answered", "rejected", "closed", "archived"})
ORDER_ENDED: Final = frozenset({"closed", "returned", "cancelled"})
REPORT_DONE: Final = frozenset({"solved_on_spot", "closed"})
ALERT_QUIET: Final = frozenset({"pending", "resolved"})
PER_DELIVERY: Final = frozenset({"data.deliveries", "data.refused"})  # one for each; others count its rows


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of change: `figure` by `n`; a gauge is not bound to a day."""

    figure: str
    n: int = 1
    gauge: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """A change of one figure at the place where it happened; its ancestors change by the same."""

    area: str
    day: date
    figure: str
    n: int


class HasHappened(Protocol):
    kind: str
    body: dict[str, Any]
    area_code: str
    at: datetime


def open_gauge(figure: str, from_state: str, to_state: str, done: frozenset[str]) -> list[Step]:
    """The change of "how many are open" that a move makes. from_state is empty for the first move."""
    was, now = bool(from_state) and from_state not in done, to_state not in done
    return [Step(figure, int(now) - int(was), gauge=True)] if was != now else []


def ticket_steps(body: Mapping[str, Any]) -> list[Step]:
    """What a move of a ticket changes. An imported ticket is history and changes nothing."""
    action, before, after = body["action"], body["from_state"], body["to_state"]
    if action == "import":
        return []
    if body.get("confidential"):
        return [Step(f"{SEALED}tickets")] if action == "take" else []
    steps = open_gauge("tickets.open", before, after, TICKET_DONE)
    counted = {
        "take": "taken",
        "answer": "answered",
        "reject": "rejected",
        "dispatch": "dispatched",
        "close": "closed",
        "redo": "redone",
    }
    if action in counted:
        steps.append(Step(f"tickets.{counted[action]}"))
    # A ticket leaves `new` once, with its category chosen; until then nobody knows it.
    if before == "new" and body.get("category_code"):
        steps.append(Step(f"tickets.cat.{body['category_code']}"))
    if action == "call_back" and body.get("contacted"):
        steps.append(Step("calls.reached"))
        if body.get("solved") == "yes":
            steps.append(Step("calls.solved"))
        if body.get("satisfied") in ("satisfied", "basically"):
            steps.append(Step("calls.satisfied"))
    return steps


def order_steps(body: Mapping[str, Any]) -> list[Step]:
    """What a move of an order changes. on_time is None where no deadline was met or missed."""
    action, before, after = body["action"], body["from_state"], body["to_state"]
    if body.get("confidential"):
        return [Step(f"{SEALED}orders")] if action == "open" else []
    steps = open_gauge("orders.open", before, after, ORDER_ENDED)
    if before != after:
        for state, n in ((before, -1), (after, 1)):
            if state and state not in ORDER_ENDED:
                steps.append(Step(f"orders.state.{state}", n, gauge=True))
    counted = {
        "open": "dispatched",
        "sign": "signed",
        "handle": "handled",
        "close": "closed",
        "return": "returned",
        "send_back": "sent_back",
        "redo": "redone",
    }
    if action in counted:
        steps.append(Step(f"orders.{counted[action]}"))
    if action in ("sign", "handle") and body.get("on_time") is not None:
        steps.append(Step(f"orders.{counted[action]}_timed"))
        if body["on_time"]:
            steps.append(Step(f"orders.{counted[action]}_on_time"))
    return steps


def report_steps(body: Mapping[str, Any]) -> list[Step]:
    """What a move of a grid worker's report changes."""
    before, after = body["from_state"], body["to_state"]
    if body.get("confidential"):
        return [] if before else [Step(f"{SEALED}reports")]
    steps = open_gauge("reports.open", before, after, REPORT_DONE)
    if not before:
        steps.append(Step("reports.made"))
    if after in REPORT_DONE and before not in REPORT_DONE:
        steps.append(Step("reports.closed"))
    return steps


def alert_steps(body: Mapping[str, Any]) -> list[Step]:
    """What a move of an alert changes. Trial alerts never reach a leader's figures."""
    if body.get("trial"):
        return []
    before, after = body["from_state"], body["to_state"]
    steps = open_gauge("alerts.open", before, after, ALERT_QUIET)
    was = (body.get("from_level") or body["level"]) if before and before not in ALERT_QUIET else None
    now = body["level"] if after not in ALERT_QUIET else None
    if was != now:
        steps += [Step(f"alerts.open.{level}", n, gauge=True) for level, n in ((was, -1), (now, 1)) if level]
    if body["action"] == "raise":
        steps.append(Step("alerts.raised"))
    if body["action"] == "verify":
        steps.append(Step("alerts.verified"))
    return steps


def delivery_steps(body: Mapping[str, Any]) -> list[Step]:
    """What the end of a delivery changes."""
    if body["state"] == "committed":
        return [
            Step("data.deliveries"),
            Step("data.rows_in", body["rows_in"]),
            Step("data.rows_committed", body["rows_committed"]),
            Step("data.rows_rejected", body["rows_rejected"]),
        ]
    if body["state"] == "refused":
        return [Step("data.refused")]
    return []


STEPS: Final = {
    "hotline.ticket.moved": ticket_steps,
    "dispatch.order.moved": order_steps,
    "grid.report.moved": report_steps,
    "alerts.alert.moved": alert_steps,
    "datahub.delivery.moved": delivery_steps,
}


def place(steps: Iterable[Step], area: str, day: date, times: int = 1) -> list[Delta]:
    """Steps as changes at a place and day; nothing without a place or a change."""
    return [
        Delta(area, GAUGE_DAY if step.gauge else day, step.figure, step.n * times)
        for step in steps
        if area and step.n
    ]


def deltas(event: HasHappened) -> list[Delta]:
    """What one event changes, at its own area."""
    steps = STEPS.get(event.kind)
    return place(steps(event.body), event.area_code, shanghai_day(event.at)) if steps else []


Sums = Counter[tuple[str, date, str]]


def add_up(changes: Iterable[Delta]) -> Sums:
    """Changes as sums per (area or ancestor, day, figure)."""
    sums: Sums = Counter()
    for change in changes:
        for area in ancestors(change.area):
            sums[area, change.day, change.figure] += change.n
    return sums


def family_of(figure: str) -> str:
    return figure.partition(".")[0]


def families_for(audiences: Iterable[str]) -> frozenset[str]:
    """The families of figures that someone with these audience classes may be sent."""
    heard = set(audiences)
    return frozenset(name for name, audience in FAMILIES.items() if audience & heard)
