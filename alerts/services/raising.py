"""From changes and episodes to alerts: dedup, one open alert per subject, evidence, links, news."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.gis.geos import Point
from django.db import connection, transaction

from city.selectors import responsible_org
from commandcenter.core import clock
from commandcenter.core.refs import make_ref
from commandcenter.core.times import shanghai_day
from commandcenter.journal.services import link, link_many
from datahub.sharing.services import note_made

from .. import rows
from ..models import SRID, Alert, AlertEvidence, AlertMove, Detector
from ..patterns.episodes import EVIDENCE_LIMIT, Episode, Reading
from ..states import OPEN, AlertState, DetectorStatus
from ._moving import move
from .alerts import send_out
from .judging import moment

if TYPE_CHECKING:
    from city.models import Organisation

HISTORY_CHUNK = 250


def row_ref(reading: Reading) -> str:
    return f"datahub.row:{reading.delivery}:{reading.row}"


def next_ids(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [Alert._meta.db_table, count],
        )
        return [row[0] for row in cursor.fetchall()]


def build(
    detector: Detector,
    subject: str,
    *,
    pk: int,
    started: int,
    raised: Reading,
    level: int,
    peak: Reading,
    trial: bool,
    at: datetime,
) -> Alert:
    """An alert as a row, not saved yet."""
    raised_at = moment(raised.t)
    place = rows.stored_point(detector.dataset_code, raised.lon, raised.lat)
    return Alert(
        pk=pk,
        number=f"YJ{shanghai_day(raised_at):%Y%m%d}{pk:06d}",
        detector=detector,
        version=detector.version,
        subject=subject,
        title=f"{detector.name}：{subject}"[:200],
        level=level,
        state=AlertState.PENDING,
        trial=trial,
        area_code=raised.area or detector.default_area,
        value=raised.measure,
        peak=peak.measure,
        peak_at=moment(peak.t),
        unit=detector.parameters.unit,
        started_at=moment(started),
        raised_at=raised_at,
        recorded_at=at,
        location=Point(*place, srid=SRID) if place else None,
    )


def raise_alert(
    detector: Detector,
    subject: str,
    *,
    started: int,
    raised: Reading,
    level: int,
    run: Sequence[Reading],
    peak: Reading | None = None,
    trial: bool,
) -> Alert | None:
    """Raise one alert, or let it join what stands already; None where it was known. In a transaction.

    One open alert per detector and subject: an excursion that comes while an order is out belongs to
    that alert, and only its level can rise.
    """
    at = clock.now()
    known = Alert.objects.filter(
        detector=detector, version=detector.version, subject=subject, trial=trial, started_at=moment(started)
    )
    if known.exists():
        return None
    standing = (
        Alert.objects.open()
        .select_for_update(of=("self",))
        .select_related("detector", "receiver")
        .filter(detector=detector, subject=subject, trial=trial)
        .first()
    )
    if standing is not None:
        come_back(standing, raised, level, at=at)
        return None
    (pk,) = next_ids(1)
    peak = peak or max(run, key=lambda r: r.measure * detector.parameters.sign, default=raised)
    alert = build(
        detector, subject, pk=pk, started=started, raised=raised, level=level, peak=peak, trial=trial, at=at
    )
    if not trial:
        alert.receiver = _receiver(detector, alert.area_code)
    alert.save(force_insert=True)
    AlertEvidence.objects.bulk_create(evidence(alert, raised, run))
    link(from_ref=row_ref(raised), to_ref=alert.ref, kind="evidence")
    move(alert, "raise", at=at)
    send_out(alert)
    if not trial:
        # The ledger of sharing: what the detector's grant was good for.
        note_made(
            consumer_ref=make_ref("alerts.detector", detector.code),
            dataset_code=detector.dataset_code,
            made_ref=alert.ref,
            title=alert.title,
        )
    return alert


def come_back(alert: Alert, reading: Reading, level: int, *, at: datetime) -> None:
    """Beyond the bound again while the alert is still open."""
    if alert.cleared_at is not None and moment(reading.t) > alert.cleared_at:
        alert.cleared_at = None
        move(alert, "return", at=at, value=reading.measure)
        _note_row(alert, reading, "return")
    rise(alert, reading, level, at=at)


def rise(alert: Alert, reading: Reading, level: int, *, at: datetime) -> bool:
    """A graver level is a move of the same alert; it may now send itself out."""
    if level >= alert.level or alert.state not in OPEN:
        return False
    from_level, alert.level = alert.level, level
    move(alert, "rise", at=at, value=reading.measure, from_level=from_level)
    _note_row(alert, reading, "rise")
    send_out(alert)
    return True


def clear(alert: Alert, reading: Reading, *, at: datetime) -> bool:
    """Back to normal: resolved, unless an order is out; then the order's end resolves it."""
    if alert.cleared_at is not None or alert.state not in OPEN:
        return False
    alert.cleared_at = moment(reading.t)
    if alert.state == AlertState.DISPATCHED:
        move(alert, "clear", at=at, value=reading.measure)
    else:
        alert.resolved_at = at
        move(alert, "resolve", at=at, value=reading.measure)
    _note_row(alert, reading, "clear")
    return True


def note_peak(alert: Alert, peak: Reading, sign: int) -> None:
    if peak.measure * sign > alert.peak * sign:
        alert.peak, alert.peak_at = peak.measure, moment(peak.t)
        alert.save(update_fields=["peak", "peak_at"])


def _receiver(detector: Detector, area_code: str) -> Organisation | None:
    return responsible_org(area_code, detector.function)


def _note_row(alert: Alert, reading: Reading, role: str) -> None:
    AlertEvidence.objects.bulk_create([_row(alert, reading, role)], ignore_conflicts=True)


def _row(alert: Alert, reading: Reading, role: str) -> AlertEvidence:
    body = {"readings": reading.readings} if reading.readings > 1 else {}
    return AlertEvidence(
        alert=alert,
        row_ref=row_ref(reading),
        role=role,
        value=reading.value,
        measure=reading.measure,
        at=moment(reading.t),
        body=body,
    )


def evidence(alert: Alert, raised: Reading, run: Iterable[Reading]) -> list[AlertEvidence]:
    """The row that met the hold, and those that led to it."""
    led = [reading for reading in run if (reading.delivery, reading.row) != (raised.delivery, raised.row)]
    return [
        *(_row(alert, reading, "run") for reading in led[-EVIDENCE_LIMIT:]),
        _row(alert, raised, "trigger"),
    ]


@dataclass
class Counts:
    """What a window run did."""

    raised: int = 0
    changed: int = 0
    tried: int = 0
    known: int = 0

    def as_dict(self) -> dict[str, int]:
        return {"raised": self.raised, "changed": self.changed, "trial": self.tried, "known": self.known}


def settle(detector: Detector, found: dict[str, list[Episode]], known: list[Alert]) -> Counts:
    """Bring the alerts of a window in line with its episodes. Safe to run twice.

    An episode that overlaps an alert of the same detector version and subject is that alert.
    """
    counts, fresh = Counts(), list[tuple[str, Episode]]()
    standing: dict[str, list[Alert]] = {}
    for alert in known:
        standing.setdefault(alert.subject, []).append(alert)
    for subject, own in found.items():
        for episode in own:
            live = episode.live_at is not None and detector.state == DetectorStatus.LIVE
            match = [a for a in standing.get(subject, []) if _overlaps(a, episode)]
            same = [a for a in match if a.trial is not live]
            if same:
                counts.known += 1
                counts.changed += _bring_up(same[0], episode, detector)
            elif match and (episode.cleared is not None or not live):
                counts.known += 1
            elif episode.live_at is not None:
                with transaction.atomic():
                    counts.raised += _raise_from(detector, subject, episode, trial=not live)
            else:
                fresh.append((subject, episode))
    for start in range(0, len(fresh), HISTORY_CHUNK):
        counts.tried += _add_history(detector, fresh[start : start + HISTORY_CHUNK])
    return counts


def _overlaps(alert: Alert, episode: Episode) -> bool:
    end = episode.cleared.t if episode.cleared else episode.last
    over = alert.cleared_at or alert.resolved_at
    return alert.started_at <= moment(end) and (over is None or over >= moment(episode.started))


def _raise_from(detector: Detector, subject: str, episode: Episode, *, trial: bool) -> int:
    alert = raise_alert(
        detector,
        subject,
        started=episode.started,
        raised=episode.alarm,
        level=episode.level,
        run=episode.run,
        peak=episode.peak,
        trial=trial,
    )
    if alert is not None and episode.cleared is not None:
        clear(alert, episode.cleared, at=clock.now())
    return int(alert is not None)


def _lacks(alert: Alert, episode: Episode, sign: int) -> bool:
    """Whether the episode knows something that the alert does not hold yet."""
    ended = moment(episode.cleared.t) if episode.cleared else None
    return (
        episode.peak.measure * sign > alert.peak * sign
        or episode.level < alert.level
        or (ended is not None and (alert.cleared_at is None or (alert.trial and ended > alert.cleared_at)))
    )


def _bring_up(alert: Alert, episode: Episode, detector: Detector) -> int:
    """Rise, peak and clearing that the alert does not hold yet. History that grew is amended."""
    if not _lacks(alert, episode, detector.parameters.sign):
        return 0
    with transaction.atomic():
        alert = (
            Alert.objects.select_for_update(of=("self",))
            .select_related("detector", "receiver")
            .get(pk=alert.pk)
        )
        at = clock.now()
        note_peak(alert, episode.peak, detector.parameters.sign)
        changed = bool(episode.rises) and rise(alert, episode.rises[-1], episode.level, at=at)
        if episode.cleared is not None:
            changed = clear(alert, episode.cleared, at=at) or changed
        if alert.trial and alert.state == AlertState.RESOLVED:
            end = moment(episode.cleared.t if episode.cleared else episode.last)
            if alert.cleared_at is None or end > alert.cleared_at or episode.level < alert.level:
                alert.cleared_at = end if episode.cleared else alert.cleared_at
                alert.level = min(alert.level, episode.level)
                alert.save(update_fields=["cleared_at", "level"])
    return int(changed)


def _add_history(detector: Detector, fresh: list[tuple[str, Episode]]) -> int:
    """Trial alerts of the past, in bulk: over when they are written, nobody is told one by one."""
    at = clock.now()
    alerts, moves, proofs, links = [], list[AlertMove](), list[AlertEvidence](), list[tuple[str, str]]()
    for pk, (subject, episode) in zip(next_ids(len(fresh)), fresh, strict=True):
        alert = build(
            detector,
            subject,
            pk=pk,
            started=episode.started,
            raised=episode.raised,
            level=episode.level,
            peak=episode.peak,
            trial=True,
            at=at,
        )
        alert.state = AlertState.RESOLVED
        alert.cleared_at = moment(episode.cleared.t) if episode.cleared else None
        alert.resolved_at = moment(episode.cleared.t if episode.cleared else episode.last)
        alerts.append(alert)
        moves += _past_moves(alert, episode)
        proofs += evidence(alert, episode.raised, episode.run)
        proofs += [_row(alert, reading, "rise") for reading in episode.rises]
        if episode.cleared is not None:
            proofs.append(_row(alert, episode.cleared, "clear"))
        links.append((row_ref(episode.raised), alert.ref))
    with transaction.atomic():
        Alert.objects.bulk_create(alerts)
        AlertMove.objects.bulk_create(moves)
        AlertEvidence.objects.bulk_create(proofs, batch_size=2_000)
        link_many(links, "evidence")
    return len(alerts)


def _past_moves(alert: Alert, episode: Episode) -> list[AlertMove]:
    """The same steps that a live alert takes, at the times of its readings."""

    def one(action: str, before: str, after: str, level: int, t: int) -> AlertMove:
        body: dict[str, Any] = {"history": True}
        return AlertMove(
            alert=alert,
            action=action,
            from_state=before,
            to_state=after,
            level=level,
            at=moment(t),
            body=body,
        )

    steps = [one("raise", AlertState.PENDING, AlertState.RAISED, episode.raised_level, episode.raised.t)]
    steps += [one("rise", AlertState.RAISED, AlertState.RAISED, r.level, r.t) for r in episode.rises]
    end = episode.cleared.t if episode.cleared else episode.last
    return [*steps, one("resolve", AlertState.RAISED, AlertState.RESOLVED, episode.level, end)]
