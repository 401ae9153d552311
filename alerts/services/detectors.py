"""The life of a detector: declared, tried, approved by a second person, live, retired."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _
from pydantic import ValidationError

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.core.moves import next_state
from commandcenter.journal.live import announce
from commandcenter.journal.services import audit

from ..events import DetectorMoved
from ..models import Detector, DetectorMove
from ..packs import all_specs
from ..packs.base import DetectorSpec
from ..patterns import parse_params
from ..policies import may_approve, may_edit
from ..states import DETECTOR_MOVES, DetectorStatus, Health

if TYPE_CHECKING:
    from city.models import User

_DECLARED = (
    "pack",
    "name",
    "name_en",
    "pattern",
    "dataset_code",
    "subject_column",
    "time_column",
    "function",
    "default_area",
    "auto_dispatch_from",
    "source_text",
    "source_text_en",
    "privacy_class",
)


@transaction.atomic
def load_detectors(*, codes: list[str] | None = None) -> dict[str, int]:
    """Bring the packs' declarations in; a second run changes nothing.

    A new one starts as a draft. Words and receiver of a known one are refreshed; its parameters are
    left alone, since people may have changed them: those change only as a new version.
    """
    from .sight import seed_grants  # it stands on this module

    counts = {"new": 0, "changed": 0, "same": 0}
    seeded: list[Detector] = []
    at = clock.now()
    for spec in all_specs():
        if codes is not None and spec.code not in codes:
            continue
        detector = Detector.objects.filter(code=spec.code).first()
        if detector is None:
            detector = Detector.objects.create(
                code=spec.code, params=_full(spec), created_at=at, **_words(spec)
            )
            _record(detector, "declare", "", detector.state, None, at)
            counts["new"] += 1
            seeded.append(detector)
            continue
        changed = [name for name, value in _words(spec).items() if getattr(detector, name) != value]
        for name in changed:
            setattr(detector, name, getattr(spec, name))
        detector.save(update_fields=changed or ["name"])
        counts["changed" if changed else "same"] += 1
        seeded.append(detector)
    seed_grants(seeded)
    return counts


def _words(spec: DetectorSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in _DECLARED}


def _full(spec: DetectorSpec) -> dict[str, Any]:
    return parse_params(spec.pattern, spec.params).model_dump(mode="json")


@transaction.atomic
def try_detector(*, detector_id: int, by: User) -> Detector:
    """Draft → trial: it looks, nobody is sent out. Who starts the trial has proposed the version."""
    from .sight import seed_open_grant  # it stands on this module

    detector = _locked(detector_id)
    require(may_edit(by, detector))
    detector.proposed_by = by
    seed_open_grant(detector)
    return _move(detector, "try", by)


@transaction.atomic
def approve_detector(*, detector_id: int, by: User, note: str = "") -> Detector:
    """Trial → approved, by another person than the one who proposed it."""
    detector = _locked(detector_id)
    require(may_approve(by, detector), _("A second person has to approve a detector."))
    return _move(detector, "approve", by, note)


@transaction.atomic
def go_live(*, detector_id: int, by: User) -> Detector:
    """Approved → live: from now on its alerts are real."""
    detector = _locked(detector_id)
    require(may_edit(by, detector))
    return _move(detector, "go_live", by)


@transaction.atomic
def suspend_detector(*, detector_id: int, by: User, note: str = "") -> Detector:
    """Live → trial: it goes on looking, and sends nobody out."""
    detector = _locked(detector_id)
    require(may_edit(by, detector))
    return _move(detector, "suspend", by, note)


@transaction.atomic
def retire_detector(*, detector_id: int, by: User, note: str = "") -> Detector:
    """Stop looking for good; a revision can bring it back as a draft."""
    detector = _locked(detector_id)
    require(may_edit(by, detector))
    return _move(detector, "retire", by, note)


@transaction.atomic
def revise_detector(*, detector_id: int, by: User, params: dict[str, Any], note: str = "") -> Detector:
    """New parameters make a new version, which starts as a draft with an empty memory."""
    detector = _locked(detector_id)
    require(may_edit(by, detector))
    try:
        checked = parse_params(detector.pattern, params)
    except ValidationError as error:
        problems = [Problem(None, ".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        raise BadInput(problems) from error
    detector.params = checked.model_dump(mode="json")
    detector.version += 1
    detector.proposed_by = by
    detector.memories.filter(version__lt=detector.version).delete()
    return _move(detector, "revise", by, note)


@transaction.atomic
def note_sight(*, detector_id: int, health: str, reason: str = "") -> bool:
    """Record that a detector went blind, failed, or sees again; True when that is news."""
    detector = _locked(detector_id)
    if detector.health == health and (health == Health.OK or detector.health_reason == reason):
        return False
    at = clock.now()
    if detector.health != health:
        detector.health_since = at
    detector.health, detector.health_reason = health, reason
    detector.save(update_fields=["health", "health_since", "health_reason"])
    _record(
        detector, "health", detector.state, detector.state, None, at, note=reason, body={"health": health}
    )
    _announce(detector, "health", at, reason)
    return True


def put_live(*, codes: list[str] | None, proposer: User, approver: User) -> int:
    """Walk drafts all the way to live with the two people the rule asks for; for a new city's own packs."""
    done = 0
    for detector in Detector.objects.filter(state=DetectorStatus.DRAFT).order_by("code"):
        if codes is None or detector.code in codes:
            with transaction.atomic():
                try_detector(detector_id=detector.pk, by=proposer)
                approve_detector(detector_id=detector.pk, by=approver)
                go_live(detector_id=detector.pk, by=proposer)
            done += 1
    return done


def _locked(detector_id: int) -> Detector:
    return Detector.objects.select_for_update().get(pk=detector_id)


def _move(detector: Detector, action: str, by: User, note: str = "") -> Detector:
    at, before = clock.now(), detector.state
    detector.state = next_state(DETECTOR_MOVES, action, before)
    if detector.state in (DetectorStatus.TRIAL, DetectorStatus.DRAFT):
        detector.health, detector.health_reason = Health.OK, ""
    detector.save()
    _record(detector, action, before, detector.state, by, at, note=note, body={"params": detector.params})
    audit(
        actor=by,
        action=f"alerts.{action}_detector",
        target_ref=detector.ref,
        reason=note,
        body={"version": detector.version, "from": before, "to": detector.state},
    )
    _announce(detector, action, at, note)
    return detector


def _record(
    detector: Detector,
    action: str,
    before: str,
    after: str,
    by: User | None,
    at: datetime,
    note: str = "",
    body: dict[str, Any] | None = None,
) -> None:
    DetectorMove.objects.create(
        detector=detector,
        action=action,
        from_state=before,
        to_state=after,
        version=detector.version,
        by=by,
        by_name=by.display_name if by else "",
        note=note,
        body=body or {},
        at=at,
    )


def _announce(detector: Detector, action: str, at: datetime, reason: str) -> None:
    announce(
        DetectorMoved(
            area_code=detector.default_area,
            audiences=["analyst"],
            at=at,
            detector_id=detector.pk,
            detector_code=detector.code,
            detector_name=detector.name,
            action=action,
            state=detector.state,
            health=detector.health,
            reason=reason,
        )
    )
