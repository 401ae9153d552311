"""What a report hears of its order."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction

from city.selectors import organisation
from commandcenter.core import clock
from commandcenter.core.refs import id_of
from grid.models import Report
from grid.states import ReportState

from ._moving import move

REF = "grid.report"
log = logging.getLogger(__name__)


@transaction.atomic
def follow_order(*, payload: dict[str, Any]) -> None:
    """The order of a report moved: its end closes the report. Safe to run twice.

    A child order (assist, passed down) names its parent order as its case, so it does not end here.
    """
    report_id = id_of(payload["case_ref"], REF)
    action, at = payload["action"], clock.now()
    if report_id is None or action not in ("open", "close", "redo", "return", "cancel"):
        return
    report = Report.objects.select_for_update(of=("self",)).select_related("kind", "org").get(pk=report_id)
    order_ref, body = f"dispatch.order:{payload['order_id']}", {"order": payload["number"], "because": action}
    if action == "open" and report.order_ref != order_ref:
        # After a return the dispatcher sends the case to another unit by a new order.
        report.order_ref = order_ref
        report.org = organisation(payload["org_code"]) or report.org
        if report.state == ReportState.REPORTED:
            move(report, "dispatch", by=None, at=at, body=body)
        else:
            report.save(update_fields=["order_ref", "org"])
    elif report.order_ref != order_ref:
        return
    elif action == "close" and report.state == ReportState.DISPATCHED:
        report.closed_at = at
        move(report, "close", by=None, at=at, body=body)
    elif action in ("return", "cancel") and report.state == ReportState.DISPATCHED:
        move(report, "take_back", by=None, at=at, body=body)
    elif action == "redo" and report.state == ReportState.CLOSED:
        report.closed_at = None
        move(report, "redo", by=None, at=at, body=body)
