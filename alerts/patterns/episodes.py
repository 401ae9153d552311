"""From readings to episodes: hold, rise, clear, cooldown.

A pure fold over one subject's readings in order of time. `Track` is what it remembers between
batches and is stored as JSON per detector version and subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .threshold import NONE, ThresholdParams

EVIDENCE_LIMIT = 48


class Reading(NamedTuple):
    """One judged row. t: seconds, UTC; value: as delivered; measure: what is judged."""

    t: int
    value: float
    measure: float
    level: int
    hot: bool
    delivery: int
    row: int
    area: str = ""
    live: bool = False
    readings: int = 1
    lon: float | None = None
    lat: float | None = None


@dataclass
class Episode:
    """One stay beyond the bounds.

    started: first reading beyond; raised: the one that met the hold, at raised_level; level: the
    gravest it came to; rises: readings on the way there; run: what led to it; last: newest seen.
    live_at: the first live reading during the stay, where there is one.
    """

    started: int
    raised: Reading
    raised_level: int
    level: int
    peak: Reading
    rises: list[Reading] = field(default_factory=list)
    run: list[Reading] = field(default_factory=list)
    cleared: Reading | None = None
    live_at: Reading | None = None
    last: int = 0

    @property
    def alarm(self) -> Reading:
        """The reading that calls people: a stay that began in the past calls at its first live reading."""
        return self.live_at or self.raised


class Change(NamedTuple):
    """What one reading did: `raise`, `rise`, `clear`."""

    action: str
    reading: Reading
    level: int
    started: int
    run: tuple[Reading, ...] = ()


@dataclass
class Track:
    """The memory of one subject. runs: per level the start and length of the present row of readings."""

    last: int | None = None
    runs: dict[int, tuple[int, int]] = field(default_factory=dict)
    run: list[Reading] = field(default_factory=list)
    open_level: int | None = None
    open_started: int = 0
    cleared: int | None = None
    cleared_level: int = NONE

    def to_json(self) -> dict[str, Any]:
        return {
            "last": self.last,
            "runs": {str(level): list(run) for level, run in self.runs.items()},
            "run": [list(r) for r in self.run],
            "open_level": self.open_level,
            "open_started": self.open_started,
            "cleared": self.cleared,
            "cleared_level": self.cleared_level,
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Track:
        if not body:
            return cls()
        return cls(
            last=body["last"],
            runs={int(level): (run[0], run[1]) for level, run in body["runs"].items()},
            run=[Reading(*r) for r in body["run"]],
            open_level=body["open_level"],
            open_started=body["open_started"],
            cleared=body["cleared"],
            cleared_level=body["cleared_level"],
        )


def step(track: Track, reading: Reading, params: ThresholdParams) -> Change | None:
    """Let one reading act on the memory. Readings must come in order of time."""
    if track.last is not None and reading.t - track.last > params.max_gap_minutes * 60:
        track.runs.clear()
        track.run.clear()
    track.last = reading.t
    held = _held_level(track, reading, params)

    if track.open_level is not None:
        if not reading.hot:
            return _clear(track, reading)
        if held < track.open_level:
            track.open_level = held
            return Change("rise", reading, held, track.open_started)
        return None
    if held == NONE:
        return None
    cooling = track.cleared is not None and reading.t - track.cleared < params.cooldown_minutes * 60
    if cooling and held >= track.cleared_level:
        return None
    track.open_level = held
    track.open_started = track.runs[params.mildest.level][0]
    run, track.run = tuple(track.run), []
    return Change("raise", reading, held, track.open_started, run)


def _held_level(track: Track, reading: Reading, params: ThresholdParams) -> int:
    """Lengthen or break the rows of readings per level; the gravest level whose hold is met."""
    if reading.level == NONE:
        track.runs.clear()
        track.run.clear()
        return NONE
    held = NONE
    for bound in params.steps:
        if reading.level > bound.level:
            track.runs.pop(bound.level, None)
            continue
        start, count = track.runs.get(bound.level, (reading.t, 0))
        track.runs[bound.level] = (start, count + 1)
        long_enough = reading.t - start >= params.hold_minutes * 60
        if count + 1 >= params.hold_readings and long_enough:
            held = min(held, bound.level)
    if track.open_level is None:
        track.run.append(reading)
        del track.run[:-EVIDENCE_LIMIT]
    return held


def _clear(track: Track, reading: Reading) -> Change:
    level, started = track.open_level or NONE, track.open_started
    track.open_level, track.cleared, track.cleared_level = None, reading.t, level
    return Change("clear", reading, level, started)


def changes(track: Track, readings: Iterable[Reading], params: ThresholdParams) -> Iterator[Change]:
    """Every change that a run of readings makes, in order."""
    for reading in readings:
        if change := step(track, reading, params):
            yield change


def episodes(readings: Iterable[Reading], params: ThresholdParams) -> list[Episode]:
    """The episodes in one subject's readings, from an empty memory: windows and history."""
    track, found = Track(), list[Episode]()
    current: Episode | None = None
    for reading in readings:
        change = step(track, reading, params)
        if current is not None:
            current.last = reading.t
            if reading.measure * params.sign > current.peak.measure * params.sign:
                current.peak = reading
            if current.live_at is None and reading.live and reading.level != NONE:
                current.live_at = reading
        if change is None:
            continue
        if change.action == "raise":
            peak = max(change.run, key=lambda r: r.measure * params.sign)
            current = Episode(
                change.started,
                reading,
                change.level,
                change.level,
                peak,
                run=list(change.run),
                last=reading.t,
            )
            current.live_at = reading if reading.live else None
            found.append(current)
        elif current is not None and change.action == "rise":
            current.level = change.level
            current.rises.append(reading._replace(level=change.level))
        elif current is not None:
            current.cleared, current = reading, None
    return found
