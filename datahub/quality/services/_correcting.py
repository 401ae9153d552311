"""How a step of a correction request is written, counted and told: used by all its services."""

from datetime import datetime
from typing import Any

from city.selectors import roots
from commandcenter.core.moves import next_state
from commandcenter.journal.live import announce
from commandcenter.journal.services import audit, record_fact

from ..events import CorrectionMoved
from ..models import CorrectionMove, CorrectionRequest
from ..states import CORRECTION_MOVES

FACT = "datahub.correction_deadline"


def count_in_time(correction: CorrectionRequest, at: datetime) -> None:
    if correction.due_at is not None and correction.due_at >= at and correction.escalated_at is None:
        fact(correction, "in_time", at, correction.due_at)


def fact(correction: CorrectionRequest, outcome: str, at: datetime, due_at: datetime) -> None:
    record_fact(
        kind=FACT,
        subject_ref=correction.ref,
        org_code=correction.dataset.provider,
        area_code=area_of(correction),
        happened_at=at,
        due_at=due_at,
        outcome=outcome,
        body={"step": correction.state},
    )


def area_of(correction: CorrectionRequest) -> str:
    return correction.dataset.area_code or next(iter(roots()), "")


def locked(correction_id: int) -> CorrectionRequest:
    return (
        CorrectionRequest.objects.select_for_update(of=("self",))
        .select_related("dataset")
        .get(pk=correction_id)
    )


def move(
    correction: CorrectionRequest,
    action: str,
    *,
    at: datetime,
    by: Any = None,
    note: str = "",
    body: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    before = correction.state
    correction.state = next_state(CORRECTION_MOVES, action, before)
    for name, value in values.items():
        setattr(correction, name, value)
    correction.save(update_fields=["state", *values])
    write(correction, action, before, at=at, by=by, note=note, body=body)


def write(
    correction: CorrectionRequest,
    action: str,
    before: str,
    *,
    at: datetime,
    by: Any = None,
    note: str = "",
    body: dict[str, Any] | None = None,
) -> None:
    dataset = correction.dataset
    CorrectionMove.objects.create(
        correction=correction,
        action=action,
        from_state=before,
        to_state=correction.state,
        by=by,
        by_name=by.display_name if by else "",
        note=note.strip()[:4000],
        body=body or {},
        at=at,
    )
    audit(
        actor=by,
        action=f"datahub.correction_{action}",
        target_ref=correction.ref,
        body={"number": correction.number, "dataset": dataset.code, "column": correction.column},
    )
    orgs = sorted({dataset.provider, correction.requester_org} - {""})
    announce(
        CorrectionMoved(
            area_code=area_of(correction),
            audiences=["steward", *(f"org:{code}" for code in orgs)],
            at=at,
            correction_id=correction.pk,
            number=correction.number,
            action=action,
            from_state=before,
            to_state=correction.state,
            dataset_code=dataset.code,
            dataset_name=dataset.name,
            provider=dataset.provider,
            requester_org=correction.requester_org,
            due_at=correction.due_at,
        )
    )
