"""What a window run found against what is known: raised, brought up, cleared, or added as history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from commandcenter.core import clock
from commandcenter.journal.services import link_many

from ..models import Alert, AlertEvidence, AlertMove, Detector
from ..patterns.episodes import Episode
from ..states import AlertState, DetectorStatus
from .judging import moment
from .raising import build, clear, evidence, evidence_row, next_ids, note_peak, raise_alert, rise, row_ref

HISTORY_CHUNK = 250


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
        proofs += [evidence_row(alert, reading, "rise") for reading in episode.rises]
        if episode.cleared is not None:
            proofs.append(evidence_row(alert, episode.cleared, "clear"))
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
