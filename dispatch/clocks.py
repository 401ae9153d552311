"""How long a clock runs and when it ends, on the working calendar.

Everything here is computation: no row is written. `Clocks` are taken from the rules once, on
dispatch, and kept in the order; `deadlines` can therefore be computed again when the calendar of a
year is published.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from city.calendar import add_working_days, add_working_minutes, is_provisional, working_minutes_between

from .models import Clock, ClockRule, ClockUnit

MIN, WMIN, WDAY = ClockUnit.MINUTES, ClockUnit.WORKING_MINUTES, ClockUnit.WORKING_DAYS


@dataclass(frozen=True)
class Rule:
    """One default: which clock, for whom, how long. Empty conditions match everything."""

    clock: str
    amount: int
    unit: str
    kind: str = ""
    request_type: str = ""
    urgency: str = ""
    level: int | None = None
    source: str = ""


D = "platform default, no source claimed"
DEFAULTS: tuple[Rule, ...] = (
    # Sign: 4 working hours, urgent 30 minutes, critical 10 minutes. Source: domain facts 1.3,
    # platform defaults [D].
    Rule("sign", 240, WMIN, source=D),
    Rule("sign", 30, MIN, urgency="urgent", source=D),
    Rule("sign", 10, MIN, urgency="critical", source=D),
    # Alerts by level: red 5 min, orange 15 min, yellow 2 h, blue 1 working day. Source:
    # accountability.csv XW-25 and domain facts 6 "Level defaults" [D]; proposed values.
    Rule("sign", 5, MIN, kind="alert", level=1, source=D),
    Rule("sign", 15, MIN, kind="alert", level=2, source=D),
    Rule("sign", 120, MIN, kind="alert", level=3, source=D),
    Rule("sign", 1, WDAY, kind="alert", level=4, source=D),
    # First contact: 24 h, urgent 2 h. Source: domain facts 1.3 [D]; accountability.csv XW-10.
    Rule("contact", 24 * 60, MIN, source=D),
    Rule("contact", 120, MIN, urgency="urgent", source=D),
    Rule("contact", 120, MIN, urgency="critical", source=D),
    # Handling: 5 working days for a normal ticket, reply included. Source: domain facts 1.3, from
    # the hotline rules of Jinan (art. 24) and Weifang (art. 20). Enquiries 3 working days, hard
    # cases 15, urgent ones 24 h: platform defaults [D].
    Rule("handle", 5, WDAY, source="Jinan 12345 rules art. 24, Weifang 12345 rules art. 20"),
    Rule("handle", 3, WDAY, request_type="consult", source=D),
    Rule("handle", 15, WDAY, request_type="hard", source=D),
    Rule("handle", 24 * 60, MIN, urgency="urgent", source=D),
    Rule("handle", 24 * 60, MIN, urgency="critical", source=D),
    Rule("handle", 24 * 60, MIN, kind="alert", level=1, source=D),
    Rule("handle", 24 * 60, MIN, kind="alert", level=2, source=D),
    Rule("handle", 3, WDAY, kind="alert", level=3, source=D),
    # Return: 4 working hours from dispatch. Source: domain facts 1.3 [D]; one province allows up to
    # two working days.
    Rule("return", 240, WMIN, source=D),
)


class Case(Protocol):
    """What a rule may ask about."""

    kind: str
    request_type: str
    urgency: str
    level: int | None


# A rule that names the level says most, then the urgency, then the type, then the kind: an urgent
# enquiry is urgent first and an enquiry second.
WEIGHTS = (("level", 8), ("urgency", 4), ("request_type", 2), ("kind", 1))


def pick(rules: Iterable[Rule | ClockRule], clock: str, case: Case) -> Rule | ClockRule | None:
    """The matching rule that names the most; of equals, the first."""
    best: Rule | ClockRule | None = None
    best_weight = -1
    for rule in rules:
        if rule.clock != clock:
            continue
        weight = 0
        for name, worth in WEIGHTS:
            wanted = getattr(rule, name)
            if wanted in ("", None):
                continue
            if wanted != getattr(case, name):
                break
            weight += worth
        else:
            if weight > best_weight:
                best, best_weight = rule, weight
    return best


def clocks_for(case: Case) -> dict[str, dict[str, Any]]:
    """Every clock of a case as it is kept in the order: {"sign": {"amount": 240, "unit": ...}}.

    Rows of ClockRule come before the defaults, so that a row replaces the default it equals.
    """
    rules: list[Rule | ClockRule] = [*ClockRule.objects.filter(active=True), *DEFAULTS]
    found = ((clock, pick(rules, clock, case)) for clock in Clock.values)
    return {clock: {"amount": rule.amount, "unit": str(rule.unit)} for clock, rule in found if rule}


def run(at: datetime, amount: int, unit: str) -> datetime:
    """The moment a clock ends that starts at `at`."""
    if unit == ClockUnit.WORKING_DAYS:
        return add_working_days(at, amount)
    if unit == ClockUnit.WORKING_MINUTES:
        return add_working_minutes(at, amount)
    return at + timedelta(minutes=amount)


def shift(due: datetime, unit: str, held: datetime, released: datetime) -> datetime:
    """The deadline after a hold: what was left when the clock stopped is left when it runs again.

    A deadline that had passed before the hold stays passed; a hold never brings one nearer.
    """
    if due <= held:
        return due
    if unit == ClockUnit.MINUTES:
        return due + (released - held)
    return max(due, add_working_minutes(released, working_minutes_between(held, due)))


@dataclass(frozen=True)
class Deadlines:
    sign: datetime | None
    contact: datetime | None
    handle: datetime | None
    provisional: bool


def deadlines(
    clocks: dict[str, dict[str, Any]],
    *,
    dispatched_at: datetime,
    round_started_at: datetime,
    contact_needed: bool,
    extended_days: int = 0,
    holds: Sequence[tuple[datetime, datetime]] = (),
) -> Deadlines:
    """All deadlines of an order. Sign and contact run from dispatch, handling from the round's start.

    Extension days are working days added to the handling clock; then each past hold stops it.
    """

    def end(name: str, start: datetime, extra_days: int = 0) -> datetime | None:
        clock = clocks.get(name)
        if clock is None:
            return None
        due = run(start, clock["amount"], clock["unit"])
        if extra_days:
            due = add_working_days(due, extra_days)
        for held, released in holds:
            due = shift(due, clock["unit"], held, released)
        return due

    sign = end("sign", dispatched_at)
    contact = end("contact", dispatched_at) if contact_needed else None
    handle = end("handle", round_started_at, extended_days)
    uses_calendar = [
        due
        for name, due in (("sign", sign), ("contact", contact), ("handle", handle))
        if due and (clocks[name]["unit"] != ClockUnit.MINUTES or (name == "handle" and extended_days))
    ]
    return Deadlines(sign, contact, handle, any(is_provisional(due) for due in uses_calendar))
