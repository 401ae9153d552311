"""How an alert's step is written and told: used by every service of this app."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from commandcenter.core.moves import next_state
from commandcenter.journal.live import announce

from ..events import AlertMoved
from ..models import Alert, AlertMove
from ..states import ALERT_MOVES

if TYPE_CHECKING:
    from city.models import User


def locked(alert_id: int) -> Alert:
    return (
        Alert.objects.select_for_update(of=("self",)).select_related("detector", "receiver").get(pk=alert_id)
    )


def audiences(alert: Alert) -> list[str]:
    """A trial is the analysts' own business."""
    if alert.trial:
        return ["analyst"]
    heard = ["leader", "command", "analyst"]
    return [*heard, f"org:{alert.receiver.code}"] if alert.receiver else heard


def move(
    alert: Alert,
    action: str,
    *,
    at: datetime,
    by: User | None = None,
    note: str = "",
    value: float | None = None,
    from_level: int | None = None,
    body: dict[str, Any] | None = None,
) -> None:
    """Set the state by the table, save, append the move, announce."""
    before = alert.state
    alert.state = next_state(ALERT_MOVES, action, before)
    alert.save()
    AlertMove.objects.create(
        alert=alert,
        action=action,
        from_state=before,
        to_state=alert.state,
        level=alert.level,
        by=by,
        by_name=by.display_name if by else "",
        note=note,
        at=at,
        body={**(body or {}), **({"from_level": from_level} if from_level else {})},
    )
    tell(alert, action, before, at=at, value=value, from_level=from_level)


def tell(
    alert: Alert,
    action: str,
    before: str,
    *,
    at: datetime,
    value: float | None = None,
    from_level: int | None = None,
) -> None:
    detector = alert.detector
    announce(
        AlertMoved(
            area_code=alert.area_code,
            audiences=audiences(alert),
            at=at,
            alert_id=alert.pk,
            number=alert.number,
            title=alert.title,
            action=action,
            from_state=before,
            to_state=alert.state,
            level=alert.level,
            from_level=from_level,
            trial=alert.trial,
            verdict=alert.verdict,
            detector_code=detector.code,
            detector_name=detector.name,
            pack=detector.pack,
            subject=alert.subject,
            value=alert.value if value is None else value,
            unit=alert.unit,
            started_at=alert.started_at,
        )
    )
