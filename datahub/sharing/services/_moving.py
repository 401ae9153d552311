"""How an agreement's step is written and told: used by every service of sharing."""

from datetime import datetime
from typing import Any

from city.selectors import roots
from commandcenter.core.moves import next_state
from commandcenter.journal.live import announce
from datahub.quality.services import clear_incident
from datahub.quality.states import IncidentKind

from ..events import AgreementMoved
from ..models import Agreement, AgreementMove
from ..querysets import officer_orgs
from ..states import MOVES, ConsumerKind


def locked(agreement_id: int) -> Agreement:
    return Agreement.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=agreement_id)


def move(
    agreement: Agreement,
    action: str,
    *,
    at: datetime,
    by: Any = None,
    note: str = "",
    body: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    """Set the state by the table together with the values it brings, append the move, announce."""
    before, reported = agreement.state, agreement.escalated_at
    agreement.state = next_state(MOVES, action, before)
    for name, value in values.items():
        setattr(agreement, name, value)
    agreement.save(update_fields=["state", *values])
    write(agreement, action, before, at=at, by=by, note=note, body=body)
    if reported and agreement.state != before:  # the step that was waited for is taken
        clear_incident(kind=IncidentKind.CLOCK_OVER, key=agreement.number, dataset=agreement.dataset, at=at)
    tell(agreement, action, before, at=at)


def write(
    agreement: Agreement,
    action: str,
    before: str,
    *,
    at: datetime,
    by: Any = None,
    note: str = "",
    body: dict[str, Any] | None = None,
) -> None:
    AgreementMove.objects.create(
        agreement=agreement,
        action=action,
        from_state=before,
        to_state=agreement.state,
        by=by,
        by_name=by.display_name if by else "",
        org_code=side_of(agreement, by),
        note=note,
        body=body or {},
        at=at,
    )


def side_of(agreement: Agreement, by: Any) -> str:
    """For which of the two organisations a person acts; '' for the data bureau."""
    if by is None:
        return ""
    orgs = officer_orgs(by)
    sides = (agreement.consumer_org, agreement.dataset.provider)
    return next((side for side in sides if side and side in orgs), "")


def tell(agreement: Agreement, action: str, before: str, *, at: datetime) -> None:
    dataset = agreement.dataset
    orgs = {dataset.provider, agreement.consumer_org} - {""}
    heard = ["steward", *(f"org:{code}" for code in sorted(orgs))]
    if agreement.consumer_kind == ConsumerKind.PLATFORM:
        heard.append("analyst")
    announce(
        AgreementMoved(
            area_code=dataset.area_code or next(iter(roots()), ""),
            audiences=heard,
            at=at,
            agreement_id=agreement.pk,
            number=agreement.number,
            action=action,
            from_state=before,
            to_state=agreement.state,
            dataset_code=dataset.code,
            dataset_name=dataset.name,
            provider=dataset.provider,
            consumer_ref=agreement.consumer_ref,
            consumer_org=agreement.consumer_org,
            due_at=agreement.due_at,
        )
    )
