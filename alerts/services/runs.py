"""The two ways of looking: at live rows the moment they arrive, and at every day touched since."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction
from django.db.models import Q

from commandcenter.core import clock
from commandcenter.core.times import shanghai_day, start_of_day
from commandcenter.journal.live import announce
from datahub.selectors import source_is_late
from datahub.sharing.services import note_read

from ..events import TrialFinished
from ..models import Alert, Detector, DetectorState, TouchedDay
from ..patterns.episodes import Reading, Track, changes
from ..states import DetectorStatus, Health
from .detectors import note_sight
from .judging import FORWARD_DAYS, moment, of_batch, of_window
from .raising import clear, raise_alert, rise
from .settling import Counts, settle
from .sight import consumer_ref, shut_out

log = logging.getLogger(__name__)
_LOCK = 7_411  # first key of the advisory locks of window runs


def is_watched(dataset_code: str) -> bool:
    return Detector.objects.watching(dataset_code).exists()


def take_batch(*, dataset_code: str, table: pa.Table, live: pa.BooleanArray) -> int:
    """Let every watching detector of the dataset look at a batch. Returns how many did.

    Live rows of a single-reading detector are judged now; every other row marks its day for the
    next window run. A detector that fails says so and does not stop the others.
    """
    detectors = list(Detector.objects.watching(dataset_code))
    closed = shut_out(dataset_code, detectors)
    for detector in detectors:
        if detector.code in closed:
            _mark_days(detector, table)  # looked at when the grant is back
            continue
        try:
            with transaction.atomic():
                _take(detector, table, live)
                note_read(consumer_ref=consumer_ref(detector), dataset_code=dataset_code, rows=table.num_rows)
        except Exception as error:
            log.exception("detector %s failed on a batch of %s", detector.code, dataset_code)
            _mark_days(detector, table)
            note_sight(
                detector_id=detector.pk, health=Health.ERROR, reason=f"{type(error).__name__}: {error}"[:500]
            )
    return len(detectors)


def _take(detector: Detector, table: pa.Table, live: pa.BooleanArray) -> None:
    if not detector.parameters.on_arrival:
        _mark_days(detector, table)
        return
    past = table.filter(pc.invert(live))
    if past.num_rows:
        _mark_days(detector, past)
    fresh = table.filter(live)
    if fresh.num_rows:
        late = judge(detector, of_batch(detector, fresh))
        TouchedDay.objects.bulk_create(
            TouchedDay(detector=detector, day=day, at=clock.now()) for day in sorted(late)
        )


def judge(detector: Detector, readings: dict[str, list[Reading]]) -> set[date]:
    """Act on live readings in order; returns the days of those that came too late for that."""
    Detector.objects.select_for_update().get(pk=detector.pk)
    trial = detector.state != DetectorStatus.LIVE
    key = {"detector": detector, "version": detector.version, "trial": trial}
    known = {m.subject: m for m in DetectorState.objects.filter(**key, subject__in=readings)}
    late: set[date] = set()
    for subject, own in readings.items():
        memory = known.get(subject) or DetectorState(subject=subject, **key)
        if memory.last_at is not None and moment(own[0].t) <= memory.last_at:
            late |= {shanghai_day(moment(r.t)) for r in own if moment(r.t) <= memory.last_at}
            own = [r for r in own if moment(r.t) > memory.last_at]
        if own:
            _advance(detector, memory, own, trial=trial)
    return late


def _advance(detector: Detector, memory: DetectorState, own: list[Reading], *, trial: bool) -> None:
    track, at = Track.from_json(memory.track), clock.now()
    for change in changes(track, own, detector.parameters):
        if change.action == "raise":
            raise_alert(
                detector,
                memory.subject,
                started=change.started,
                raised=change.reading,
                level=change.level,
                run=change.run,
                trial=trial,
            )
            continue
        alert = (
            Alert.objects.open()
            .select_for_update(of=("self",))
            .select_related("detector", "receiver")
            .filter(detector=detector, subject=memory.subject, trial=trial)
            .first()
        )
        if alert is None:
            continue  # people ended it before the readings did
        if change.action == "rise":
            rise(alert, change.reading, change.level, at=at)
        else:
            clear(alert, change.reading, at=at)
    memory.track, memory.last_at, memory.last_value = track.to_json(), moment(own[-1].t), own[-1].measure
    memory.no_data_since = None
    memory.save()


def _mark_days(detector: Detector, table: pa.Table) -> None:
    """Put the days of these rows on the detector's list. Never merged with an older mark: a run
    removes only the marks that it saw before it read."""
    column = "day" if "day" in table.column_names else detector.time_column
    values = pc.unique(table.column(column)).drop_null().to_pylist()
    days = {value if type(value) is date else shanghai_day(value) for value in values}
    at = clock.now()
    TouchedDay.objects.bulk_create(
        [TouchedDay(detector=detector, day=d, at=at) for d in sorted(days)], batch_size=1_000
    )


def run_windows(*, codes: Iterable[str] | None = None) -> dict[str, dict[str, int]]:
    """Read again every day touched since each detector last ran, and look whether its source is late."""
    detectors = Detector.objects.watching()
    if codes is not None:
        detectors = detectors.filter(code__in=list(codes))
    done: dict[str, dict[str, int]] = {}
    for detector in detectors:
        with _alone(detector) as mine:
            if not mine:
                continue
            try:
                if shut_out(detector.dataset_code, [detector]):
                    continue
                counts = _run(detector)
                _look_at_source(detector)
            except Exception as error:
                log.exception("window run of detector %s failed", detector.code)
                note_sight(
                    detector_id=detector.pk,
                    health=Health.ERROR,
                    reason=f"{type(error).__name__}: {error}"[:500],
                )
                continue
            if counts is not None:
                done[detector.code] = counts.as_dict()
    return done


def run_history(*, detector_id: int, first: date, last: date) -> dict[str, int]:
    """Try a detector on days that are in the lake already: what would it have said?"""
    detector = Detector.objects.get(pk=detector_id)
    at = clock.now()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    TouchedDay.objects.bulk_create(
        [TouchedDay(detector=detector, day=day, at=at) for day in days], batch_size=1_000
    )
    return run_windows(codes=[detector.code]).get(detector.code, Counts().as_dict())


@contextmanager
def _alone(detector: Detector) -> Iterator[bool]:
    """One window run per detector at a time; who finds another at work leaves it to that one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, detector.pk])
        got = bool(cursor.fetchone()[0])
    try:
        yield got
    finally:
        if got:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, detector.pk])


def _run(detector: Detector) -> Counts | None:
    marks = list(TouchedDay.objects.filter(detector=detector).values_list("pk", "day"))
    if not marks:
        return None
    counts = Counts()
    gap = detector.parameters.lookback_hours // 24 + 1 + FORWARD_DAYS
    for first, last in spans({day for _pk, day in marks}, gap):
        found, newest = of_window(detector, first, last)
        part = settle(detector, found, _alerts_of(detector, first, last))
        _remember_newest(detector, newest)
        if part.tried:
            _tell_trial(detector, part.tried, first, last)
        for name in ("raised", "changed", "tried", "known"):
            setattr(counts, name, getattr(counts, name) + getattr(part, name))
    TouchedDay.objects.filter(pk__in=[pk for pk, _day in marks]).delete()
    Detector.objects.filter(pk=detector.pk).update(last_run_at=clock.now())
    if detector.health == Health.ERROR:
        note_sight(detector_id=detector.pk, health=Health.OK)
    return counts


def spans(days: set[date], gap: int) -> list[tuple[date, date]]:
    """Stretches of days, so that a day of 2013 and one of today are two short reads, not one long."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and (day - found[-1][1]).days <= gap:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def _alerts_of(detector: Detector, first: date, last: date) -> list[Alert]:
    """Alerts of this version that may overlap what a run over these days finds."""
    back = timedelta(days=detector.parameters.lookback_hours // 24 + 1)
    since, until = start_of_day(first - back), start_of_day(last + timedelta(days=FORWARD_DAYS + 1))
    reaches_in = (
        Q(cleared_at__gte=since)
        | Q(cleared_at=None, resolved_at__gte=since)
        | Q(cleared_at=None, resolved_at=None)
    )
    rows = Alert.objects.filter(reaches_in, detector=detector, version=detector.version, started_at__lt=until)
    return list(rows.order_by("started_at"))


def _remember_newest(detector: Detector, newest: dict[str, Reading]) -> None:
    """For a mean, the page and the no-data watch need each subject's newest live reading too."""
    if detector.parameters.on_arrival:
        return
    trial = detector.state != DetectorStatus.LIVE
    for subject, reading in newest.items():
        if not reading.live:
            continue
        memory, _new = DetectorState.objects.get_or_create(
            detector=detector, version=detector.version, subject=subject, trial=trial
        )
        if memory.last_at is None or moment(reading.t) > memory.last_at:
            memory.last_at, memory.last_value, memory.no_data_since = moment(reading.t), reading.measure, None
            memory.save(update_fields=["last_at", "last_value", "no_data_since"])


@transaction.atomic
def _tell_trial(detector: Detector, alerts_new: int, first: date, last: date) -> None:
    announce(
        TrialFinished(
            area_code=detector.default_area,
            audiences=["analyst"],
            at=clock.now(),
            detector_code=detector.code,
            detector_name=detector.name,
            alerts_new=alerts_new,
            first_day=first.isoformat(),
            last_day=last.isoformat(),
        )
    )


def _look_at_source(detector: Detector) -> None:
    """A late source makes a detector blind, a silent subject has no data: no trouble, and no all-clear."""
    at = clock.now()
    detector.refresh_from_db()
    if source_is_late(detector.dataset_code, at):
        note_sight(detector_id=detector.pk, health=Health.BLIND, reason=detector.dataset_code)
    elif detector.health == Health.BLIND:
        note_sight(detector_id=detector.pk, health=Health.OK)
    _mark_silent(detector, at)


def _mark_silent(detector: Detector, at: datetime) -> None:
    limit = at - timedelta(minutes=detector.parameters.silence_minutes)
    memories = DetectorState.objects.filter(detector=detector, version=detector.version, no_data_since=None)
    memories.filter(last_at__lt=limit).update(no_data_since=at)


def as_mask(live: Any) -> pa.BooleanArray:
    """The tap's mask, whatever form it came in."""
    mask = live if isinstance(live, pa.Array) else pa.array(list(live), type=pa.bool_())
    return pc.fill_null(mask, False)
