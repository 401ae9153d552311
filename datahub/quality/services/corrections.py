"""校核: somebody says that a value is wrong; its owner decides within days, and corrects it by a delivery."""

import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from city.functions import Function
from city.selectors import responsible_org, roots
from commandcenter.core import clock
from commandcenter.core.crypto import CannotDecrypt, decrypt, encrypt
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.core.masking import mask_text
from commandcenter.core.moves import next_state
from commandcenter.core.times import shanghai_day
from commandcenter.journal.live import announce
from commandcenter.journal.services import audit, link, record_fact
from datahub.checks.guard import HIDDEN, is_guarded, token_of
from datahub.declare import ColumnSpec
from datahub.models import Dataset, Delivery
from datahub.selectors import is_register, row_by_ref, spec_for
from datahub.services.deliveries import deliver
from datahub.sharing.models import Agreement, Yield
from datahub.states import DeliveryState

from ..clocks import correction_due, decision_due
from ..events import CorrectionMoved
from ..models import CorrectionMove, CorrectionRequest
from ..policies import may_ask_correction, may_decide_correction, may_withdraw_correction
from ..records import newest_of_key
from ..states import CORRECTION_MOVES, WAITING, CorrectionState

if TYPE_CHECKING:
    from city.models import User

FACT = "datahub.correction_deadline"
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
    at = clock.now()
    try:
        with transaction.atomic():
            return _create(
                at=at, by=by, dataset=dataset, row_ref=row_ref, column=column, agreement=agreement,
                wrong=HIDDEN if hidden and wrong else wrong,
                proposed=HIDDEN if hidden else proposed,
                sealed=encrypt(json.dumps({"wrong": wrong, "proposed": proposed})) if hidden else "",
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
    _write(correction, "ask", "", at=at, by=by, note=correction.evidence)
    return correction


# ---------------------------------------------------------------- the owner's steps


@transaction.atomic
def accept_correction(*, correction_id: int, by: "User", note: str = "") -> CorrectionRequest:
    """The owner agrees; from now the clock for the corrected value runs."""
    correction = locked(correction_id)
    require(may_decide_correction(by, correction))
    at = clock.now()
    _count_in_time(correction, at)
    _move(
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
    _count_in_time(correction, at)
    _move(
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
    _count_in_time(correction, at)
    _move(
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
    _move(correction, "withdraw", at=at, by=by, note=note, ended_at=at, due_at=None, sealed="")
    return correction


@transaction.atomic
def open_correction(*, correction_id: int, by: "User", reason: str, ip: str | None = None) -> dict[str, str]:
    """The two values of a personal column, for the owner who has to decide; with a reason, written down."""
    correction = locked(correction_id)
    trace = {"actor": by, "action": "datahub.open_correction", "target_ref": correction.ref, "ip": ip}
    require(may_decide_correction(by, correction))
    if len(reason.strip()) < 4:
        raise BadInput(Problem(None, "reason", _("say why the field is opened")))
    audit(**trace, reason=reason.strip()[:500], body={"column": correction.column})
    try:
        opened: dict[str, str] = json.loads(decrypt(correction.sealed)) if correction.sealed else {}
    except CannotDecrypt:
        opened = {}
    return opened


# ---------------------------------------------------------------- the watch


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
    wanted = _proposed(correction)
    if spec.column(correction.column).personal:
        wanted = token_of(wanted)
    if str(found.values.get(correction.column)).strip() != wanted.strip():
        return False
    correct_by_delivery(
        correction_id=correction.pk, delivery_id=found.delivery_id, by=None, row_ref=found.ref
    )
    return True


def _proposed(correction: CorrectionRequest) -> str:
    if not correction.sealed:
        return correction.proposed
    try:
        return str(json.loads(decrypt(correction.sealed))["proposed"])
    except CannotDecrypt:
        return ""


@transaction.atomic
def _escalate(pk: int, at: datetime) -> bool:
    correction = locked(pk)
    if correction.state not in WAITING or correction.due_at is None or correction.due_at >= at:
        return False
    if correction.escalated_at is not None:
        return False
    area = _area(correction)
    bureau = responsible_org(area, Function.DATA) if area else None
    _move(
        correction, "escalate", at=at, escalated_at=at,
        body={"told": bureau.code if bureau else "", "due_at": correction.due_at.isoformat()},
    )  # fmt: skip
    _fact(correction, "late", correction.due_at, correction.due_at)
    return True


def _count_in_time(correction: CorrectionRequest, at: datetime) -> None:
    if correction.due_at is not None and correction.due_at >= at and correction.escalated_at is None:
        _fact(correction, "in_time", at, correction.due_at)


def _fact(correction: CorrectionRequest, outcome: str, at: datetime, due_at: datetime) -> None:
    record_fact(
        kind=FACT,
        subject_ref=correction.ref,
        org_code=correction.dataset.provider,
        area_code=_area(correction),
        happened_at=at,
        due_at=due_at,
        outcome=outcome,
        body={"step": correction.state},
    )


def _area(correction: CorrectionRequest) -> str:
    return correction.dataset.area_code or next(iter(roots()), "")


# ---------------------------------------------------------------- how a step is written and told


def locked(correction_id: int) -> CorrectionRequest:
    return (
        CorrectionRequest.objects.select_for_update(of=("self",))
        .select_related("dataset")
        .get(pk=correction_id)
    )


def _move(
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
    _write(correction, action, before, at=at, by=by, note=note, body=body)


def _write(
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
            area_code=_area(correction),
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
