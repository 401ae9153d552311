"""One step of a report: its state, its move, its news."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from commandcenter.core.moves import next_state
from commandcenter.journal.live import announce
from grid.events import ReportMoved
from grid.models import Report, ReportMove
from grid.states import MOVES

if TYPE_CHECKING:
    from city.models import User


def move(
    report: Report, action: str, *, by: User | None, at: datetime, note: str = "", body: Any = None
) -> None:
    before = report.state
    report.state = next_state(MOVES, action, before)
    report.save()
    write_move(report, action, before, by=by, at=at, note=note, body=body)


def write_move(
    report: Report,
    action: str,
    before: str,
    *,
    by: User | None,
    at: datetime,
    note: str = "",
    body: Any = None,
) -> None:
    ReportMove.objects.create(
        report=report,
        action=action,
        from_state=before,
        to_state=report.state,
        by=by,
        by_name=by.display_name if by else "",
        note=note,
        body=body or {},
        at=at,
    )
    hidden = report.kind.confidential
    announce(
        ReportMoved(
            area_code=report.area_code,
            audiences=[*(["command"] if hidden else ["command", "leader"]), f"user:{report.reporter_id}"],
            at=at,
            report_id=report.pk,
            number=report.number,
            title="" if hidden else report.title,
            action=action,
            from_state=before,
            to_state=report.state,
            kind_code="" if hidden else report.kind.code,
            kind_name="" if hidden else report.kind.name,
            urgency=report.kind.urgency,
            confidential=hidden,
            org_code="" if hidden or report.org is None else report.org.code,
            order_ref=report.order_ref,
            reporter_id=report.reporter_id,
        )
    )
