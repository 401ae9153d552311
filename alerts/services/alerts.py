"""The life of an alert after it was raised: judged by people, sent out, resolved."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from city.selectors import responsible_org
from commandcenter.core import clock
from commandcenter.core.errors import DomainError, require
from commandcenter.core.refs import id_of
from commandcenter.core.times import SHANGHAI
from commandcenter.journal.services import audit
from dispatch.services import open_order

from .. import policies
from ..models import Alert, AlertMove
from ..states import AlertState, Verdict
from ._moving import locked, move

if TYPE_CHECKING:
    from city.models import User
    from dispatch.models import Order

log = logging.getLogger(__name__)
REF = "alerts.alert"
# How soon the order's unit has to move, by level; configurable default.
URGENCY = {1: "critical", 2: "urgent", 3: "normal", 4: "normal"}


@transaction.atomic
def verify_alert(*, alert_id: int, by: User, verdict: str, note: str = "") -> Alert:
    """核实: a person says whether it was so. False ends it; the verdicts make the detector's precision."""
    alert = locked(alert_id)
    require(policies.may_judge(by, alert))
    if verdict not in Verdict.values:
        raise DomainError(_("Choose one of the verdicts."), code="unknown_verdict")
    at = clock.now()
    alert.verdict = verdict
    action = "verify" if alert.state == AlertState.RAISED else "judge"
    move(alert, action, at=at, by=by, note=note, body={"verdict": verdict})
    audit(
        actor=by, action="alerts.verify_alert", target_ref=alert.ref, reason=note, body={"verdict": verdict}
    )
    if verdict == Verdict.FALSE and alert.state == AlertState.VERIFIED:
        alert.resolved_at = at
        move(alert, "resolve", at=at, by=by, note=note)
    return alert


@transaction.atomic
def dispatch_alert(*, alert_id: int, by: User | None, note: str = "") -> Order:
    """派单: one alert, one order to the responsible unit. by: None where the detector sends it itself.

    Raises DomainError for a trial, a verdict of false, or where no unit answers for the place.
    """
    alert = locked(alert_id)
    if alert.trial:
        raise DomainError(_("A trial alert sends nobody out."), code="trial")
    if by is not None:
        require(policies.may_dispatch(by, alert))
    if alert.verdict == Verdict.FALSE:
        raise DomainError(_("The alert was judged false."), code="judged_false")
    receiver = responsible_org(alert.area_code, alert.detector.function)
    if receiver is None:
        raise DomainError(_("No organisation answers for this matter here."), code="no_receiver")
    at = clock.now()
    alert.receiver = receiver
    move(alert, "dispatch", at=at, by=by, note=note, body={"org_code": receiver.code})
    order = open_order(
        kind="alert",
        case_ref=alert.ref,
        title=alert.title,
        content=order_text(alert, note),
        area_code=alert.area_code,
        org_id=receiver.pk,
        urgency=URGENCY[alert.level],
        level=alert.level,
        place=alert.subject,
        location=alert.location,
        by=by,
    )
    alert.order_ref = order.ref
    alert.save(update_fields=["order_ref"])
    return order


def order_text(alert: Alert, note: str = "") -> str:
    """What the unit reads, in the city's language: what was measured, where, since when, by which rule."""
    with translation.override(settings.LANGUAGE_CODE):
        lines = [
            _("%(detector)s: %(subject)s, %(value)s %(unit)s, since %(since)s.")
            % {
                "detector": alert.detector.name,
                "subject": alert.subject,
                "value": f"{alert.value:.1f}",
                "unit": alert.unit,
                "since": f"{alert.started_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
            },
            _("Please find the cause, act, and say what was done. Alert %(number)s.")
            % {"number": alert.number},
        ]
    return "\n".join([*lines, note] if note else lines)


def send_out(alert: Alert) -> None:
    """Let the detector's own rule open the order; where nobody answers for the place, people decide."""
    limit = alert.detector.auto_dispatch_from
    if alert.trial or limit is None or alert.level > limit or alert.state != AlertState.RAISED:
        return
    try:
        with transaction.atomic():
            dispatch_alert(alert_id=alert.pk, by=None)
    except DomainError as refused:
        log.warning("alert %s not sent out by itself: %s", alert.number, refused)
        AlertMove.objects.create(
            alert=alert,
            action="not_sent",
            from_state=alert.state,
            to_state=alert.state,
            level=alert.level,
            note=str(refused),
            at=clock.now(),
        )
        return
    alert.refresh_from_db()


@transaction.atomic
def follow_order(*, payload: dict[str, Any]) -> None:
    """The order of an alert moved: its end resolves the alert. Safe to run twice.

    A child order (assist, passed down) names its parent order as its case, so it does not end here.
    """
    alert_id = id_of(payload["case_ref"], REF)
    if alert_id is None or payload["action"] not in ("open", "close", "redo", "return", "cancel"):
        return
    alert = locked(alert_id)
    order_ref = f"dispatch.order:{payload['order_id']}"
    at, action = clock.now(), payload["action"]
    if action == "open":
        # After a return the dispatcher sends the case to another unit by a new order.
        if alert.state in (AlertState.RAISED, AlertState.VERIFIED) and not alert.trial:
            alert.order_ref = order_ref
            move(alert, "dispatch", at=at, body={"order": payload["number"]})
        elif alert.state == AlertState.DISPATCHED and alert.order_ref != order_ref:
            alert.order_ref = order_ref
            alert.save(update_fields=["order_ref"])
        return
    if alert.order_ref != order_ref:
        return
    if action == "close" and alert.state == AlertState.DISPATCHED:
        alert.resolved_at = at
        move(alert, "resolve", at=at, note=payload.get("result", ""), body={"order": payload["number"]})
    elif action in ("return", "cancel") and alert.state == AlertState.DISPATCHED:
        move(alert, "take_back", at=at, body={"order": payload["number"], "because": action})
    elif action == "redo" and alert.state == AlertState.RESOLVED:
        alert.resolved_at = None
        try:
            with transaction.atomic():
                move(alert, "redo", at=at, body={"order": payload["number"]})
        except IntegrityError:
            log.info("alert %s stays resolved: its subject has a newer open alert", alert_id)
