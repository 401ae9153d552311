"""From changes and episodes to alerts: dedup, one open alert per subject, evidence, links, news."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.gis.geos import Point
from django.db import connection

from city.selectors import responsible_org
from commandcenter.core import clock
from commandcenter.core.refs import make_ref
from commandcenter.core.times import shanghai_day
from commandcenter.journal.services import link
from datahub.sharing.services import note_made

from .. import rows
from ..models import SRID, Alert, AlertEvidence, Detector
from ..patterns.episodes import EVIDENCE_LIMIT, Reading
from ..states import OPEN, AlertState
from ._moving import move
from .alerts import send_out
from .judging import moment

if TYPE_CHECKING:
    from city.models import Organisation


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
    AlertEvidence.objects.bulk_create([evidence_row(alert, reading, role)], ignore_conflicts=True)


def evidence_row(alert: Alert, reading: Reading, role: str) -> AlertEvidence:
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
        *(evidence_row(alert, reading, "run") for reading in led[-EVIDENCE_LIMIT:]),
        evidence_row(alert, raised, "trigger"),
    ]
