"""From source to staged files: pieces are parsed and checked in parallel, then taken in order."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from datahub.checks.block import KEY, MAX_FAULTS_PER_ROW, Checked, Locate, check_block
from datahub.checks.keys import EVER, SeenKeys
from datahub.checks.plan import Plan
from datahub.checks.uniques import judge_uniques
from datahub.faults import Fault, Reason, Refusal, reach
from datahub.formats.base import Source
from datahub.lake.staging import Stager, with_day

KEEP_ROWS = 100_000  # up to so many rows stay in memory for the taps


def workers() -> int:
    return max(2, min(os.cpu_count() or 2, 8))


@dataclass
class Bad:
    """A rejected row: its first fault, the others, and what it said."""

    number: int
    fault: Fault
    others: list[dict[str, str]]
    row: dict[str, str]


@dataclass
class Stream:
    """Runs a source through the checks into a stager and counts on the way.

    on_bad: called with rejected rows as they come. on_progress: called after each block.
    on_personal: called with the personal values of rows that passed, before the rows go on.
    """

    plan: Plan
    source: Source
    stager: Stager
    pool: ThreadPoolExecutor
    locate: Locate | None
    on_bad: Callable[[list[Bad]], None]
    on_progress: Callable[[int, int], None]
    on_personal: Callable[[pa.Table], None] | None = None
    rows: int = 0
    passed: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    uniques: dict[str, SeenKeys] = field(default_factory=dict)  # rule -> what it has seen
    kept: list[pa.Table] | None = field(default_factory=list)

    def run(self) -> None:
        seen = SeenKeys() if self.plan.spec.key_columns else None
        waiting: deque[Future[Checked]] = deque()
        try:
            for piece in self.source.pieces():
                waiting.append(self.pool.submit(self._work, piece))
                if len(waiting) > workers():
                    self._take(waiting.popleft().result(), seen)
        except Refusal as refusal:
            before = self.rows + sum(work.result().rows for work in waiting)
            refusal.row = refusal.row or before + 1  # where the reader could not go on
            raise
        while waiting:
            self._take(waiting.popleft().result(), seen)

    def _work(self, piece: Any) -> Checked:
        return check_block(self.source.parse(piece), self.plan, self.locate)

    def _take(self, checked: Checked, seen: SeenKeys | None) -> None:
        """The next block in order: give rows their numbers, find repeated keys, stage what passed."""
        first = self.rows + 1
        if seen is not None and checked.keys is not None:
            self._reject_repeated(checked, seen)
        if checked.uniques:
            judge_uniques(checked, self.plan, self.uniques)
        if checked.faults:
            self.on_bad(_by_row(checked, first))
        place = checked.place if checked.place is not None else np.arange(checked.length)
        columns, placed = checked.columns, checked.placed
        if checked.clear is not None and self.on_personal is not None:
            self.on_personal(
                checked.clear if checked.good is None else checked.clear.filter(pa.array(checked.good))
            )
        if checked.good is not None:
            mask = pa.array(checked.good)
            columns = {name: array.filter(mask) for name, array in columns.items()}
            place = place[checked.good]
            placed = placed._replace(at=placed.at[checked.good]) if placed is not None else None
        if len(place):
            parts = self.stager.add(columns, place + first, placed)
            if self.kept is not None:
                self.kept.extend(with_day(part, day) for day, part in parts)
                if self.passed + len(place) > KEEP_ROWS:
                    self.kept = None
        self.rows += checked.rows
        self.passed += len(place)
        for rule, count in checked.failures.items():
            self.failures[rule] = self.failures.get(rule, 0) + count
        self.on_progress(self.rows, self.passed)
        reach("mid_stream")

    def _reject_repeated(self, checked: Checked, seen: SeenKeys) -> None:
        """Only rows that passed count as seen: a bad row must not push out a good one after it."""
        assert checked.keys is not None
        times = self._times(checked)
        if checked.good is None:
            passing, repeated = None, seen.repeated(checked.keys, checked.sorted_keys, checked.span, times)
        else:
            passing = np.flatnonzero(checked.good)
            times = times[passing] if times is not None else None
            keys = checked.keys[passing]
            repeated = seen.repeated(keys, span=checked.span, times=times) if len(passing) else None
        if repeated is None:
            return
        if passing is None:
            passing = np.arange(checked.length)
        checked.failures[KEY] = int(repeated.sum())
        good = np.ones(checked.length, dtype=bool) if checked.good is None else checked.good
        names = self.plan.spec.key_columns
        header = "/".join(self.plan.header_of(name) for name in names)
        for position in passing[repeated]:
            raw = "/".join(str(checked.columns[name][int(position)].as_py()) for name in names)
            row = int(checked.place[position]) if checked.place is not None else int(position)
            checked.faults.append(Fault(row, header[:200], Reason.DUPLICATE_KEY, raw))
            good[position] = False
        checked.good = good

    def _times(self, checked: Checked) -> np.ndarray | None:
        """The rows' times as numbers, in the unit of their span; None where the key holds no time."""
        if checked.span == EVER:
            return None
        times = checked.columns[self.plan.spec.time_column].view(pa.int64())
        return (times.fill_null(0) if times.null_count else times).to_numpy()


def _by_row(checked: Checked, first: int) -> list[Bad]:
    """One entry for each rejected row, in order."""
    grouped: dict[int, list[Fault]] = {}
    for fault in checked.faults:
        grouped.setdefault(fault.row, []).append(fault)
    bad = []
    for row in sorted(grouped):
        faults = grouped[row]
        position = row if checked.place is None else int(np.searchsorted(checked.place, row))
        known = checked.place is None or (position < checked.length and checked.place[position] == row)
        others = [
            {"column": f.column, "reason": str(f.reason), "raw": f.raw, "detail": f.detail}
            for f in faults[1:MAX_FAULTS_PER_ROW]
        ]
        values = checked.raw_row(position) if known else {}
        bad.append(Bad(first + row, faults[0], others, values))
    return bad
