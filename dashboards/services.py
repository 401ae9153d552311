"""The only writer of summaries."""

from __future__ import annotations

from django.db import connection, transaction

from commandcenter.journal.models import Event

from .figures import Sums, add_up, deltas
from .recount import Difference, compare

# One statement per so many sums keeps a catch-up after a long pause within PostgreSQL's parameter limit.
CHUNK = 5_000


def fold_events(events: list[Event]) -> None:
    """Add events to the summaries. Runs in the journal's transaction, which also moves the cursor."""
    add_sums(add_up(change for event in events for change in deltas(event)))


def add_sums(sums: Sums) -> None:
    """Add to stored sums, creating those that are new; always in the same order, so nobody deadlocks."""
    rows = sorted((key, n) for key, n in sums.items() if n)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        areas, days, figures, values = [], [], [], []
        for (area, day, figure), n in part:
            areas.append(area)
            days.append(day)
            figures.append(figure)
            values.append(n)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO dashboards_summary AS kept (area_code, day, figure, value)"
                " SELECT * FROM unnest(%s::varchar[], %s::date[], %s::varchar[], %s::bigint[])"
                " ON CONFLICT (area_code, day, figure) DO UPDATE SET value = kept.value + excluded.value",
                [areas, days, figures, values],
            )


@transaction.atomic
def write_recount() -> list[Difference]:
    """Set the summaries right from the rows; returns what was wrong."""
    with connection.cursor() as cursor:
        # Nobody folds meanwhile; readers go on.
        cursor.execute("LOCK TABLE dashboards_summary IN SHARE ROW EXCLUSIVE MODE")
    wrong = compare()
    corrections: Sums = Sums()
    for difference in wrong:
        corrections[difference.area, difference.day, difference.figure] = difference.rows - difference.kept
    add_sums(corrections)
    return wrong
