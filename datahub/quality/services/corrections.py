"""校核: somebody says that a value is wrong; its owner decides within days, and corrects it by a delivery."""

import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.core.masking import mask_text
from commandcenter.core.times import shanghai_day
from commandcenter.journal.services import audit, link
from datahub.checks.guard import HIDDEN, is_guarded
from datahub.declare import ColumnSpec
from datahub.models import Dataset, Delivery
from datahub.selectors import row_by_ref, spec_for
from datahub.sharing.models import Agreement, Yield
from datahub.states import DeliveryState

from ..clocks import correction_due, decision_due
from ..models import CorrectionRequest
from ..policies import may_ask_correction, may_decide_correction, may_withdraw_correction
from ._correcting import count_in_time, locked, move, write

if TYPE_CHECKING:
    from city.models import User

LONGEST = 500


def ask_correction(
    *,
    row_ref: str,
    column: str,
    proposed: str,
    evidence: str,
    wrong: str = "",
    by: "User | None" = None,
    agreement: Agreement | None = None,
    org_code: str = "",
) -> CorrectionRequest:
    """Ask the owner of a record to correct one value of it.

    By a person who sees the dataset, or under a grant that covers the column. Raises BadInput with every
    problem, Conflict when the same was asked by the same already.
    """
    held = row_by_ref(row_ref)
    if held is None:
        raise BadInput(Problem(None, "row", _("There is no such record.")))
    dataset = Dataset.objects.get(code=held["dataset_code"])
    require(agreement is not None or (by is not None and may_ask_correction(by, dataset)))
    spec = spec_for(dataset)
    column_spec = next((one for one in spec.columns if one.code == column), None)
    problems = _problems(dataset, column_spec, proposed, evidence, wrong, agreement)
    if problems or column_spec is None:
        raise BadInput(problems)
    hidden = column_spec.personal or (is_guarded(spec) and spec.privacy_class == "sensitive")
    requester = agreement.consumer_ref if agreement else f"city.organisation:{org_code or _org_of(by)}"
    if requester == "city.organisation:" and by is not None:
        requester = f"city.user:{by.pk}"
    sealed = json.dumps({"wrong": wrong, "proposed": proposed}, ensure_ascii=False) if hidden else ""
    at = clock.now()
    try:
        with transaction.atomic():
            return _create(
                at=at, by=by, dataset=dataset, row_ref=row_ref, column=column, agreement=agreement,
                wrong=HIDDEN if hidden and wrong else wrong,
                proposed=HIDDEN if hidden else proposed,
                sealed=sealed,
                evidence=mask_text(evidence.strip()) if is_guarded(spec) else evidence.strip(),
                requester_ref=requester,
                requester_org=agreement.consumer_org if agreement else (org_code or _org_of(by)),
            )  # fmt: skip
    except IntegrityError as error:
        raise Conflict(_("You asked for this correction already; it is under way.")) from error


def _org_of(by: Any) -> str:
    return by.organisation.code if by is not None and by.organisation_id else ""


def _problems(
    dataset: Dataset,
    column: ColumnSpec | None,
    proposed: str,
    evidence: str,
    wrong: str,
    agreement: Agreement | None,
) -> list[Problem]:
    found = []
    if column is None:
        found.append(Problem(None, "column", _("There is no such column.")))
    elif agreement is not None and column.code not in agreement.columns:
        found.append(Problem(None, "column", _("This column is not part of your grant.")))
    if not proposed.strip():
        found.append(Problem(None, "proposed", _("Write what it should be.")))
    if proposed.strip() == wrong.strip() and proposed.strip():
        found.append(Problem(None, "proposed", _("It is the same as the value now.")))
    if len(evidence.strip()) < 4:
        found.append(Problem(None, "evidence", _("Say how you know: a document, an inspection, a call.")))
    for name, text, most in (
        ("wrong", wrong, LONGEST),
        ("proposed", proposed, LONGEST),
        ("evidence", evidence, 4_000),
    ):
        if len(text) > most or "\x00" in text:
            found.append(Problem(None, name, _("Too long, or not a text.")))
    return found


def _create(*, at: datetime, by: Any, **values: Any) -> CorrectionRequest:
    correction = CorrectionRequest.objects.create(
        number=uuid.uuid4().hex[:24], asked_by=by, asked_at=at, due_at=decision_due(at), **values
    )
    correction.number = f"JH-{shanghai_day(at).year}-{correction.pk:06d}"
    correction.save(update_fields=["number"])
    link(from_ref=correction.row_ref, to_ref=correction.ref, kind="correction")
    write(correction, "ask", "", at=at, by=by, note=correction.evidence)
    return correction


# ---------------------------------------------------------------- the owner's steps


@transaction.atomic
def accept_correction(*, correction_id: int, by: "User", note: str = "") -> CorrectionRequest:
    """The owner agrees; from now the clock for the corrected value runs."""
    correction = locked(correction_id)
    require(may_decide_correction(by, correction))
    at = clock.now()
    count_in_time(correction, at)
    move(
        correction,
        "accept",
        at=at,
        by=by,
        note=note,
        decided_at=at,
        due_at=correction_due(at),
        escalated_at=None,
    )
    return correction


@transaction.atomic
def refuse_correction(*, correction_id: int, by: "User", note: str) -> CorrectionRequest:
    """With the reason, which the requester reads."""
    correction = locked(correction_id)
    require(may_decide_correction(by, correction))
    if not note.strip():
        raise BadInput(Problem(None, "note", _("A refusal needs its reason.")))
    at = clock.now()
    count_in_time(correction, at)
    move(
        correction, "refuse", at=at, by=by, note=note, reason=note.strip(), decided_at=at, ended_at=at,
        due_at=None, sealed="",
    )  # fmt: skip
    return correction


@transaction.atomic
def correct_by_delivery(
    *, correction_id: int, delivery_id: int, by: "User | None", note: str = "", row_ref: str = ""
) -> CorrectionRequest:
    """The corrected value came with a delivery of the same dataset; linked for good."""
    correction = locked(correction_id)
    require(by is None or may_decide_correction(by, correction))
    delivery = Delivery.objects.filter(
        pk=delivery_id, dataset_id=correction.dataset_id, state=DeliveryState.COMMITTED
    ).first()
    if delivery is None or (delivery.finished_at or delivery.received_at) < correction.asked_at:
        raise BadInput(
            Problem(None, "delivery", _("No delivery of this dataset was committed under that number since."))
        )
    at = clock.now()
    count_in_time(correction, at)
    move(
        correction, "correct", at=at, by=by, note=note, delivery=delivery, ended_at=at, due_at=None,
        sealed="", decided_at=correction.decided_at or at, body={"delivery": delivery.pk, "row": row_ref},
    )  # fmt: skip
    link(from_ref=correction.ref, to_ref=row_ref or delivery.ref, kind="corrected")
    if correction.agreement_id:
        Yield.objects.create(
            agreement_id=correction.agreement_id,
            made_ref=correction.ref,
            title=correction.number,
            by=by,
            at=at,
        )
    return correction


@transaction.atomic
def withdraw_correction(*, correction_id: int, by: "User", note: str = "") -> CorrectionRequest:
    correction = locked(correction_id)
    require(may_withdraw_correction(by, correction))
    at = clock.now()
    move(correction, "withdraw", at=at, by=by, note=note, ended_at=at, due_at=None, sealed="")
    return correction


@transaction.atomic
def open_correction(*, correction_id: int, by: "User", reason: str, ip: str | None = None) -> dict[str, str]:
    """The two values of a personal column, for the owner who has to decide; with a reason, written down."""
    correction = locked(correction_id)
    trace: dict[str, Any] = {
        "actor": by,
        "action": "datahub.open_correction",
        "target_ref": correction.ref,
        "ip": ip,
    }
    require(may_decide_correction(by, correction))
    if len(reason.strip()) < 4:
        raise BadInput(Problem(None, "reason", _("say why the field is opened")))
    audit(**trace, reason=reason.strip()[:500], body={"column": correction.column})
    opened: dict[str, str] = json.loads(correction.sealed) if correction.sealed else {}
    return opened


def proposed_value(correction: CorrectionRequest) -> str:
    return str(json.loads(correction.sealed)["proposed"]) if correction.sealed else correction.proposed
