"""Counting again from the rows: what the summaries must equal, to the last unit.

The rows are the append-only moves of tickets, orders, reports and alerts, and the deliveries. They are
grouped in the database, so a recount of many millions is a few queries, and given to the same pure
functions of `figures` that fold events. What is proved is that every move was announced, and every
announcement folded, exactly once and at the right place and day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.apps import apps
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import TruncDate

from commandcenter.core.times import SHANGHAI
from commandcenter.journal.models import Event
from commandcenter.journal.selectors import folded_position

from . import figures
from .figures import Delta, Step, Sums, add_up, deltas, place
from .models import Summary

DAY = TruncDate("at", tzinfo=SHANGHAI)


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum whose rows say something else."""

    area: str
    day: date
    figure: str
    kept: int
    rows: int


def _grouped(
    rows: QuerySet[Any], steps: Callable[[dict[str, Any]], Iterable[Step]], **fields: Any
) -> Iterator[Delta]:
    """The changes of all rows, computed once per group of equal ones."""
    grouped = rows.annotate(group_day=DAY, **{f"group_{name}": value for name, value in fields.items()})
    names = ["action", "from_state", "to_state"]
    keys = [*names, "group_day", *(f"group_{name}" for name in fields)]
    for row in grouped.order_by().values(*keys).annotate(times=Count("pk")).iterator():
        body = {name: row[name] for name in names} | {name: row[f"group_{name}"] for name in fields}
        yield from place(steps(body), body["area"] or "", row["group_day"], row["times"])


def ticket_changes() -> Iterator[Delta]:
    moves = apps.get_model("hotline", "TicketMove").objects.exclude(action="import")
    return _grouped(
        moves,
        figures.ticket_steps,
        area=F("area_code"),
        confidential=F("ticket__sealed"),
        category_code=KT("body__category_code"),
        contacted=F("body__contacted"),
        solved=KT("body__solved"),
        satisfied=KT("body__satisfied"),
    )


def order_changes() -> Iterator[Delta]:
    moves = apps.get_model("dispatch", "OrderMove").objects.filter(history=False)
    return _grouped(
        moves,
        figures.order_steps,
        area=F("order__area_code"),
        confidential=F("order__confidential"),
        on_time=F("on_time"),
    )


def alert_changes() -> Iterator[Delta]:
    moves = apps.get_model("alerts", "AlertMove").objects.filter(alert__trial=False)
    return _grouped(
        moves,
        figures.alert_steps,
        area=F("alert__area_code"),
        level=F("level"),
        from_level=F("body__from_level"),
    )


def report_changes() -> Iterator[Delta]:
    moves = apps.get_model("grid", "ReportMove").objects.all()
    return _grouped(
        moves, figures.report_steps, area=F("report__area_code"), confidential=F("report__kind__confidential")
    )


def delivery_changes() -> Iterator[Delta]:
    """A delivery is one row, not a chain of moves: only its end counts, and the row keeps that."""
    ended = apps.get_model("datahub", "Delivery").objects.filter(finished_at__isnull=False)
    days = ended.annotate(day=TruncDate("finished_at", tzinfo=SHANGHAI)).order_by()
    counts = ("rows_in", "rows_committed", "rows_rejected")
    sums = {f"all_{name}": Sum(name) for name in counts}
    groups: Any = days.values("state", "area_code", "day").annotate(times=Count("pk"), **sums)
    for row in groups.iterator():
        for step in figures.delivery_steps(row | {name: row[f"all_{name}"] for name in counts}):
            # The sums are of all rows of the group; what counts one for each delivery is counted here.
            n = row["times"] if step.figure in figures.PER_DELIVERY else step.n
            yield from place([Step(step.figure, n)], row["area_code"], row["day"])


SOURCES: list[Callable[[], Iterator[Delta]]] = [
    ticket_changes,
    order_changes,
    alert_changes,
    report_changes,
    delivery_changes,
]


def from_rows() -> Sums:
    """Every sum, counted from the rows."""
    return add_up(change for source in SOURCES for change in source())


def kept_sums() -> Sums:
    """What is kept, and what is announced but not folded yet."""
    sums: Sums = Sums()
    stored = Summary.objects.values_list("area_code", "day", "figure", "value")
    for area, day, figure, value in stored.iterator():
        sums[area, day, figure] += value
    waiting = Event.objects.unfolded(folded_position()).iterator()
    sums.update(add_up(change for event in waiting for change in deltas(event)))
    return sums


def compare() -> list[Difference]:
    """Every sum that differs from its rows. The caller provides one snapshot for all reads."""
    kept, rows = kept_sums(), from_rows()
    return [
        Difference(*key, kept=kept[key], rows=rows[key])
        for key in sorted(kept.keys() | rows.keys())
        if kept[key] != rows[key]
    ]
