"""What people and orders do with a fault. Opening, confirming and closing are the patrol's."""

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.core.refs import id_of
from commandcenter.journal.services import audit

from ..models import Fault
from ..policies import may_work_fault
from ..states import FaultState
from ._moving import locked, move

if TYPE_CHECKING:
    from city.models import User


@transaction.atomic
def acknowledge_fault(*, fault_id: int, by: "User", note: str = "") -> Fault:
    """The owner has seen it and sends somebody."""
    fault = locked(fault_id)
    require(may_work_fault(by, fault))
    at = clock.now()
    move(fault, "acknowledge", at=at, by=by, note=note.strip(), acknowledged_at=at)
    audit(actor=by, action="datahub.acknowledge_fault", target_ref=fault.ref, reason=note)
    return fault


@transaction.atomic
def repair_fault(*, fault_id: int, by: "User", note: str) -> Fault:
    """The owner says it is mended; a heartbeat has to confirm it."""
    fault = locked(fault_id)
    require(may_work_fault(by, fault))
    if not note.strip():
        raise BadInput(Problem(None, "note", _("Say what was done.")))
    at = clock.now()
    move(fault, "repair", at=at, by=by, note=note.strip(), repaired_at=at)
    audit(actor=by, action="datahub.repair_fault", target_ref=fault.ref, reason=note)
    return fault


@transaction.atomic
def follow_order(*, payload: dict[str, Any]) -> None:
    """The order that dispatch laid on the owner moved: the fault goes with it. Safe to run twice."""
    fault_id = id_of(str(payload.get("case_ref", "")), "datahub.fault")
    if fault_id is None or payload.get("role", "lead") != "lead":
        return
    fault = Fault.objects.select_for_update().filter(pk=fault_id).first()
    if fault is None:
        return
    action, at = payload["action"], clock.now()
    if action == "open":
        fault.order_id, fault.order_number = payload["order_id"], payload["number"]
        fault.save(update_fields=["order_id", "order_number"])
    elif fault.order_id != payload["order_id"]:
        return
    elif action == "sign" and fault.state == FaultState.OPEN:
        move(fault, "acknowledge", at=at, note=_by_order(payload), acknowledged_at=at)
    elif action == "handle" and fault.state in (FaultState.OPEN, FaultState.ACKNOWLEDGED):
        move(fault, "repair", at=at, note=_by_order(payload), repaired_at=at)
    elif action in ("send_back", "redo") and fault.state == FaultState.REPAIRED:
        move(fault, "contradict", at=at, note=_by_order(payload))
    elif action in ("cancel", "return"):
        # Nobody holds an order for it any more: the owner works in the inbox of faults again.
        fault.order_id, fault.order_number = None, ""
        fault.save(update_fields=["order_id", "order_number"])


def _by_order(payload: dict[str, Any]) -> str:
    return _("Order %(number)s") % {"number": payload["number"]}
