"""Corrections that arrive: by the owner's next delivery, in the register at once; and clocks that ran out."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import transaction
from django.utils.translation import gettext as _

from city.functions import Function
from city.selectors import responsible_org
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.core.moves import next_state
from datahub.checks.guard import is_guarded, token_of
from datahub.models import Delivery
from datahub.selectors import is_register, spec_for
from datahub.services.deliveries import deliver
from datahub.states import DeliveryState

from ..models import CorrectionRequest
from ..policies import may_decide_correction
from ..records import newest_of_key
from ..states import CORRECTION_MOVES, WAITING, CorrectionState
from ._correcting import area_of, fact, locked, move
from .corrections import correct_by_delivery, proposed_value

if TYPE_CHECKING:
    from city.models import User


def watch_corrections() -> int:
    """Corrections that arrived by themselves, and clocks that ran out."""
    at = clock.now()
    accepted = CorrectionRequest.objects.filter(state=CorrectionState.ACCEPTED)
    done = sum(_arrived(one) for one in accepted.select_related("dataset").order_by("pk")[:200])
    late = CorrectionRequest.objects.overdue(at=at).filter(escalated_at=None)
    return done + sum(_escalate(pk, at) for pk in list(late.values_list("pk", flat=True)))


def _arrived(correction: CorrectionRequest) -> bool:
    """A later row under the same key that holds the proposed value ends the request."""
    fresh = Delivery.objects.filter(
        dataset_id=correction.dataset_id, state=DeliveryState.COMMITTED, finished_at__gt=correction.asked_at
    )
    if not fresh.exists():
        return False
    spec = spec_for(correction.dataset)
    found = newest_of_key(spec, correction.row_ref)
    if found is None or found.ref == correction.row_ref:
        return False
    wanted = proposed_value(correction)
    if spec.column(correction.column).personal:
        wanted = token_of(wanted)
    if str(found.values.get(correction.column)).strip() != wanted.strip():
        return False
    correct_by_delivery(
        correction_id=correction.pk, delivery_id=found.delivery_id, by=None, row_ref=found.ref
    )
    return True


@transaction.atomic
def _escalate(pk: int, at: datetime) -> bool:
    correction = locked(pk)
    if correction.state not in WAITING or correction.due_at is None or correction.due_at >= at:
        return False
    if correction.escalated_at is not None:
        return False
    area = area_of(correction)
    bureau = responsible_org(area, Function.DATA) if area else None
    move(
        correction, "escalate", at=at, escalated_at=at,
        body={"told": bureau.code if bureau else "", "due_at": correction.due_at.isoformat()},
    )  # fmt: skip
    fact(correction, "late", correction.due_at, correction.due_at)
    return True


# ---------------------------------------------------------------- in the register itself


def can_correct_in_register(correction: CorrectionRequest) -> bool:
    """A register without personal columns: its row is written again, with the one value changed."""
    spec = spec_for(correction.dataset)
    return is_register(spec) and not is_guarded(spec) and correction.column not in spec.key_columns


def correct_in_register(*, correction_id: int, by: "User", note: str = "") -> CorrectionRequest:
    """The record as it stands now with the proposed value, as a delivery of its own, checked like any."""
    correction = CorrectionRequest.objects.select_related("dataset").get(pk=correction_id)
    require(may_decide_correction(by, correction) and can_correct_in_register(correction))
    next_state(CORRECTION_MOVES, "correct", correction.state)
    spec = spec_for(correction.dataset)
    now = newest_of_key(spec, correction.row_ref)
    if now is None:
        raise BadInput(Problem(None, "row", _("There is no such record.")))
    values = {**now.values, correction.column: correction.proposed}
    table = pa.table({one.code: pa.array([_written(values[one.code])], pa.string()) for one in spec.columns})
    delivery = deliver(
        dataset_code=spec.code,
        table=table,
        by=by,
        period=f"correction {correction.number}",
        mapping="default",
    )
    if delivery.state != DeliveryState.COMMITTED:
        fault = delivery.rejects.first()
        why = f"{fault.column}: {fault.get_reason_display()}" if fault else delivery.get_reason_display()
        raise BadInput(Problem(None, "proposed", why))
    return correct_by_delivery(
        correction_id=correction.pk,
        delivery_id=delivery.pk,
        by=by,
        note=note,
        row_ref=f"datahub.row:{delivery.pk}:1",
    )


def _written(value: Any) -> str | None:
    return None if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
