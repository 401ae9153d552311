"""Incidents: raised once, moved by the table, closed by themselves when the fault is gone."""

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from city.functions import Function
from city.selectors import responsible_org, roots
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.core.moves import next_state
from commandcenter.core.times import shanghai_day
from commandcenter.journal.live import announce
from commandcenter.journal.services import audit, link, record_fact

from ..clocks import incident_due, limit
from ..events import IncidentMoved
from ..models import Incident, IncidentMove
from ..policies import may_close_incident, may_work_incident
from ..states import (
    ALIVE,
    INCIDENT_MOVES,
    RUNNING,
    SEVERITY_OF,
    Because,
    IncidentKind,
    IncidentState,
    Limit,
)

if TYPE_CHECKING:
    from datahub.models import Dataset, Delivery

NOTE_NEEDED = frozenset({"resolve", "close", "note"})
FACT = "datahub.incident_deadline"


def raise_incident(
    *,
    kind: str,
    key: str,
    dataset: "Dataset | None" = None,
    delivery: "Delivery | None" = None,
    reason: str,
    detail: str = "",
    ref: str = "",
    org_code: str = "",
    at: datetime | None = None,
    severity: str = "",
) -> Incident:
    """The one incident alive for (kind, dataset, key): new, counted up, or reopened when it came back.

    reason: a code, the page knows its words. Owner: `org_code`, else the dataset's provider.
    """
    at = at or clock.now()
    values: dict[str, Any] = {
        "delivery": delivery,
        "ref": ref[:160],
        "reason": reason[:40],
        "detail": detail[:2000],
    }
    for attempt in (1, 2):
        try:
            with transaction.atomic():
                return _raise(IncidentKind(kind), key[:120], dataset, values, org_code, severity, at)
        except IntegrityError:  # somebody else raised it between our look and our write
            if attempt == 2:
                raise
    raise AssertionError


def _raise(
    kind: IncidentKind,
    key: str,
    dataset: "Dataset | None",
    values: dict[str, Any],
    org_code: str,
    severity: str,
    at: datetime,
) -> Incident:
    same = Incident.objects.select_for_update(of=("self",)).filter(kind=kind, dataset=dataset, key=key)
    found = same.alive().select_related("dataset").first()
    if found is not None and found.state in RUNNING:
        fresh = {name: value for name, value in values.items() if value}
        Incident.objects.filter(pk=found.pk).update(times=F("times") + 1, last_at=at, **fresh)
        found.times += 1
        found.last_at = at
        for name, value in fresh.items():
            setattr(found, name, value)
        return found
    if found is None:
        since = at - timedelta(days=limit(Limit.REOPEN_DAYS))
        found = (
            same.filter(state=IncidentState.CLOSED, closed_at__gte=since)
            .exclude(because__in=[Because.FALSE_ALARM, Because.ACCEPTED])
            .select_related("dataset")
            .first()
        )
    if found is not None:
        found.times += 1
        move(
            found, "reopen", at=at, last_at=at, times=found.times, due_at=incident_due(at, found.severity),
            escalated_at=None, resolved_at=None, closed_at=None, because="", **values,
        )  # fmt: skip
        return found
    return _open(kind, key, dataset, values, org_code, severity, at)


def _open(
    kind: IncidentKind,
    key: str,
    dataset: "Dataset | None",
    values: dict[str, Any],
    org_code: str,
    severity: str,
    at: datetime,
) -> Incident:
    severity = severity or SEVERITY_OF[kind]
    incident = Incident.objects.create(
        number=uuid.uuid4().hex[:24],
        kind=kind,
        key=key,
        dataset=dataset,
        severity=severity,
        org_code=org_code or (dataset.provider if dataset else ""),
        area_code=(dataset.area_code if dataset else "") or next(iter(roots()), ""),
        opened_at=at,
        last_at=at,
        due_at=incident_due(at, severity),
        **values,
    )
    incident.number = f"YC-{shanghai_day(at).year}-{incident.pk:06d}"
    incident.save(update_fields=["number"])
    cause = incident.ref or (incident.delivery.ref if incident.delivery else dataset.ref if dataset else "")
    if cause:
        link(from_ref=cause, to_ref=incident.home, kind="incident")
    _write(incident, "raise", "", at=at, note=incident.detail)
    return incident


def clear_incident(
    *,
    kind: str,
    key: str,
    dataset: "Dataset | None" = None,
    at: datetime | None = None,
    note: str = "",
) -> Incident | None:
    """The fault is gone: whatever is alive of it closes by itself. None when nothing was."""
    at = at or clock.now()
    with transaction.atomic():
        found = (
            Incident.objects.select_for_update(of=("self",))
            .filter(kind=kind, dataset=dataset, key=key[:120], state__in=ALIVE)
            .select_related("dataset")
            .first()
        )
        if found is None:
            return None
        _count_in_time(found, at)
        values: dict[str, Any] = {} if found.resolved_at else {"resolved_at": at}
        because = found.because or Because.MENDED
        move(found, "clear", at=at, note=note, closed_at=at, because=because, **values)
        return found


@transaction.atomic
def act_on_incident(
    *, incident_id: int, action: str, by: Any, note: str = "", because: str = "", at: datetime | None = None
) -> Incident:
    """A person's step: acknowledge, start_mending, resolve, close, note."""
    incident = locked(incident_id)
    allowed = may_close_incident if action == "close" else may_work_incident
    require(action in BY_PEOPLE and allowed(by, incident))
    if action in NOTE_NEEDED and not note.strip():
        raise BadInput(Problem(None, "note", _("Say what was found or done.")))
    at = at or clock.now()
    values: dict[str, Any] = {}
    if action == "resolve":
        values = {"resolved_at": at, "because": because if because in Because.values else Because.MENDED}
    if action == "close":
        if because not in Because.values:
            raise BadInput(Problem(None, "because", _("Name the cause.")))
        values = {"closed_at": at, "because": because}
    before = incident.state
    move(incident, action, at=at, by=by, note=note, **values)
    if action == "resolve" and before in RUNNING:
        _count_in_time(incident, at)
    return incident


BY_PEOPLE = frozenset({"acknowledge", "start_mending", "resolve", "close", "note"})


def watch_incidents() -> int:
    """Deadlines that ran out: told to the data bureau once, and counted against the owner."""
    at = clock.now()
    late = Incident.objects.overdue(at=at).filter(escalated_at=None)
    return sum(_escalate(pk, at) for pk in list(late.values_list("pk", flat=True)))


@transaction.atomic
def _escalate(pk: int, at: datetime) -> bool:
    incident = locked(pk)
    if incident.state not in RUNNING or incident.due_at >= at or incident.escalated_at is not None:
        return False
    bureau = responsible_org(incident.area_code, Function.DATA) if incident.area_code else None
    move(
        incident, "escalate", at=at, escalated_at=at,
        body={"told": bureau.code if bureau else "", "due_at": incident.due_at.isoformat()},
    )  # fmt: skip
    _fact(incident, "late", incident.due_at)
    return True


def _count_in_time(incident: Incident, at: datetime) -> None:
    """Mended before the deadline counts for the owner; once per clock."""
    if incident.escalated_at is None and incident.due_at >= at and incident.resolved_at in (None, at):
        _fact(incident, "in_time", at)


def _fact(incident: Incident, outcome: str, at: datetime) -> None:
    record_fact(
        kind=FACT,
        subject_ref=incident.home,
        org_code=incident.org_code,
        area_code=incident.area_code,
        happened_at=at,
        due_at=incident.due_at,
        outcome=outcome,
        body={"kind": incident.kind, "severity": incident.severity},
    )


# ---------------------------------------------------------------- how a step is written and told


def locked(incident_id: int) -> Incident:
    return Incident.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=incident_id)


def move(
    incident: Incident,
    action: str,
    *,
    at: datetime,
    by: Any = None,
    note: str = "",
    body: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    """Set the state by the table together with the values it brings, append the move, audit, announce."""
    before = incident.state
    incident.state = next_state(INCIDENT_MOVES, action, before)
    for name, value in values.items():
        setattr(incident, name, value)
    incident.save(update_fields=["state", *values])
    _write(incident, action, before, at=at, by=by, note=note, body=body)


def _write(
    incident: Incident,
    action: str,
    before: str,
    *,
    at: datetime,
    by: Any = None,
    note: str = "",
    body: dict[str, Any] | None = None,
) -> None:
    IncidentMove.objects.create(
        incident=incident,
        action=action,
        from_state=before,
        to_state=incident.state,
        by=by,
        by_name=by.display_name if by else "",
        note=note.strip()[:2000],
        body=body or {},
        at=at,
    )
    audit(
        actor=by,
        action=f"datahub.incident_{action}",
        target_ref=incident.home,
        reason=note.strip()[:500] if by else "",
        body={"number": incident.number, "kind": incident.kind, "from": before, "to": incident.state},
    )
    dataset = incident.dataset
    announce(
        IncidentMoved(
            area_code=incident.area_code,
            audiences=["steward", *([f"org:{incident.org_code}"] if incident.org_code else [])],
            at=at,
            incident_id=incident.pk,
            number=incident.number,
            action=action,
            from_state=before,
            to_state=incident.state,
            incident_kind=incident.kind,
            reason=incident.reason,
            severity=incident.severity,
            dataset_code=dataset.code if dataset else "",
            dataset_name=dataset.name if dataset else "",
            org_code=incident.org_code,
            due_at=incident.due_at,
        )
    )
