"""From rows to readings: the pattern's one expression, over a batch or over the lake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from .. import rows
from ..models import Detector
from ..patterns import ops
from ..patterns.episodes import Episode, Reading, episodes
from ..patterns.threshold import measured, telling

FORWARD_DAYS = 7  # how far past a touched day a window run reads, to see how a stay ended
_FIELDS = (
    "t",
    "value",
    "measure",
    "level",
    "hot",
    "_delivery",
    "_row",
    "_area",
    "_live",
    "readings",
    "_lon",
    "_lat",
)


def moment(t: int) -> datetime:
    return datetime.fromtimestamp(t, UTC)


def of_batch(detector: Detector, batch: pa.Table) -> dict[str, list[Reading]]:
    """A batch's readings by subject, in order of time. Needs _delivery, _row, _area and _live."""
    table = rows.with_place(ops.from_arrow(batch), detector.dataset_code)
    table = measured(table, detector.parameters, subject=detector.subject_column, time=detector.time_column)
    return dict(_by_subject(rows.run(telling(table).select("subject", *_FIELDS))))


def needed_columns(detector: Detector) -> list[str]:
    wanted = [detector.subject_column, detector.time_column, detector.parameters.column, "_delivery", "_row"]
    return list(dict.fromkeys(wanted))


def of_window(
    detector: Detector, first: date, last: date
) -> tuple[dict[str, list[Episode]], dict[str, Reading]]:
    """The episodes that rows of these Shanghai days take part in, and each subject's newest reading.

    Reads earlier days too, so that a mean and a hold have what they need, and later ones, to see
    how a stay ended.
    """
    params = detector.parameters
    back = timedelta(days=params.lookback_hours // 24 + 1)
    table = rows.of_days(
        detector.dataset_code, needed_columns(detector), first - back, last + timedelta(days=FORWARD_DAYS)
    )
    judged = measured(table, params, subject=detector.subject_column, time=detector.time_column)
    readings = dict(_by_subject(rows.run(telling(judged).select("subject", *_FIELDS))))
    found = {subject: episodes(own, params) for subject, own in readings.items()}
    if params.aggregate == "mean":
        _add_window_rows(judged_rows(table, detector), found, params.window_hours * ops.HOUR)
    newest = {subject: own[-1] for subject, own in readings.items()}
    return {subject: own for subject, own in found.items() if own}, newest


def judged_rows(table: ir.Table, detector: Detector) -> ir.Table:
    """Every usable reading of a window with where it stands in the lake, for evidence and charts."""
    single = detector.parameters.model_copy(
        update={"aggregate": "reading", "window_hours": 0, "min_readings": 1}
    )
    return measured(table, single, subject=detector.subject_column, time=detector.time_column)


def _add_window_rows(table: ir.Table, found: dict[str, list[Episode]], window_s: int) -> None:
    """Give each episode the readings that its mean rested on when it was raised."""
    wanted = [
        {"subject": subject, "upto": episode.alarm.t, "after": episode.alarm.t - window_s}
        for subject, own in found.items()
        for episode in own
    ]
    if not wanted:
        return
    spans = ops.from_arrow(pa.Table.from_pylist(wanted))
    joined = table.join(
        spans,
        [table.subject == spans.subject, table.t <= spans.upto, table.t > spans.after],
        lname="",
        rname="{name}_span",
    ).select("subject", "upto", *_FIELDS)
    windows: dict[tuple[str, int], list[Reading]] = {}
    for row in _plain(rows.run(joined.order_by(["subject", "upto", "t"])), ("subject", "upto", *_FIELDS)):
        windows.setdefault((row[0], row[1]), []).append(Reading(*row[2:]))
    for subject, own in found.items():
        for episode in own:
            episode.run = windows.get((subject, episode.alarm.t), episode.run)


def _by_subject(table: pa.Table) -> Iterator[tuple[str, list[Reading]]]:
    ordered = _plain(table, ("subject", *_FIELDS))
    for subject, own in groupby(ordered, key=lambda row: row[0]):
        yield subject, [Reading(*row[1:]) for row in own]


def _plain(table: pa.Table, columns: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """Rows as tuples of Python values; a missing area is ''."""
    lists = []
    for name in columns:
        column = table.column(name)
        lists.append(pc.fill_null(column, "").to_pylist() if name == "_area" else column.to_pylist())
    return zip(*lists, strict=True)
