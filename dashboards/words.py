"""An event as one line for people: what happened, where, how grave, and where a click leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from city.selectors import area_name

TICKET = {
    "take": gettext_lazy("Request taken"),
    "answer": gettext_lazy("Answered at once"),
    "reject": gettext_lazy("Not accepted"),
    "queue": gettext_lazy("Handed to the dispatchers"),
    "dispatch": gettext_lazy("Request dispatched"),
    "handled": gettext_lazy("Handled, to be called back"),
    "come_back": gettext_lazy("Came back from the unit"),
    "call_back": gettext_lazy("Citizen called back"),
    "close": gettext_lazy("Request closed"),
    "redo": gettext_lazy("Sent back to be redone"),
}
ORDER = {
    "open": gettext_lazy("Order sent"),
    "sign": gettext_lazy("Order signed"),
    "contact": gettext_lazy("Citizen contacted"),
    "handle": gettext_lazy("Order handled"),
    "send_back": gettext_lazy("Check failed, sent back"),
    "close": gettext_lazy("Checked and closed"),
    "redo": gettext_lazy("Order to be redone"),
    "request_return": gettext_lazy("Unit asks to return it"),
    "return": gettext_lazy("Return accepted"),
    "refuse_return": gettext_lazy("Return refused"),
    "request_extension": gettext_lazy("Unit asks for more time"),
    "extend": gettext_lazy("Extended"),
    "request_hold": gettext_lazy("Unit asks for a hold"),
    "hold": gettext_lazy("Held, the clock stands"),
    "release": gettext_lazy("The clock runs again"),
    "assist": gettext_lazy("Assisting unit called in"),
    "pass_down": gettext_lazy("Passed down"),
    "cancel": gettext_lazy("Order withdrawn"),
}
REPORT = {
    "report": gettext_lazy("Reported from the grid"),
    "dispatch": gettext_lazy("Grid report dispatched"),
    "solve": gettext_lazy("Solved on the spot"),
    "take_back": gettext_lazy("Order of the report ended without result"),
    "not_sent": gettext_lazy("No unit answers for the report here"),
    "close": gettext_lazy("Grid report closed"),
    "redo": gettext_lazy("Grid report to be redone"),
}
ALERT = {
    "raise": gettext_lazy("Alert raised"),
    "rise": gettext_lazy("Alert rose"),
    "return": gettext_lazy("Beyond the bound again"),
    "clear": gettext_lazy("Back to normal"),
    "verify": gettext_lazy("Alert verified"),
    "judge": gettext_lazy("Alert judged again"),
    "dispatch": gettext_lazy("Alert dispatched"),
    "take_back": gettext_lazy("Order of the alert ended without result"),
    "resolve": gettext_lazy("Alert resolved"),
    "redo": gettext_lazy("Alert to be handled again"),
}
# Only how a delivery ended is news; the steps on the way are for its own page.
DELIVERY = {
    "committed": gettext_lazy("Data committed"),
    "unchanged": gettext_lazy("Data unchanged"),
    "refused": gettext_lazy("Data refused"),
}

FAULT = {
    "open": gettext_lazy("Device fault opened"),
    "reopen": gettext_lazy("Device fault came back"),
    "confirm": gettext_lazy("Device heard again"),
    "close": gettext_lazy("Device fault closed"),
}

DONE = frozenset({"close", "answer", "solve", "resolve", "committed"})


@dataclass(frozen=True, slots=True)
class Line:
    """verb: what happened; title: to what; where: the area; tone: grey|accent|green|red; level: 1–4 or 0."""

    verb: str
    title: str
    where: str
    ref: str
    href: str
    tone: str = "grey"
    level: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def trace_url(ref: str) -> str:
    try:
        return reverse("dashboards:trace", args=[ref])
    except NoReverseMatch:
        return ""


def line(kind: str, body: Mapping[str, Any]) -> Line | None:
    """The line of an event in the language in force, or None for kinds that no list shows."""
    where = area_name(body.get("area_code", ""))
    if kind == "hotline.ticket.moved":
        words, ref = TICKET.get(body["action"]), f"hotline.ticket:{body['ticket_id']}"
        title = body.get("title") or _("Sealed request")
    elif kind == "dispatch.order.moved":
        words, ref = ORDER.get(body["action"]), f"dispatch.order:{body['order_id']}"
        title = body.get("title") or _("Sealed order")
        where = body.get("org_name") or where
    elif kind == "grid.report.moved":
        words, ref = REPORT.get(body["action"]), f"grid.report:{body['report_id']}"
        title = body.get("title") or _("Sealed report")
    elif kind == "alerts.alert.moved":
        words, ref = ALERT.get(body["action"]), f"alerts.alert:{body['alert_id']}"
        title = body.get("title", "")
    elif kind == "datahub.fault.moved":
        words, ref = FAULT.get(body["action"]), f"datahub.fault:{body['fault_id']}"
        title = body.get("title", "")
    elif kind == "datahub.delivery.moved":
        words, ref = DELIVERY.get(body["state"]), f"datahub.delivery:{body['delivery_id']}"
        title = body.get("dataset_name", "")
        if body["state"] == "committed":
            title = _("%(name)s: %(n)s rows") % {"name": title, "n": f"{body['rows_committed']:,}"}
    else:
        return None
    if words is None:
        return None
    action = body.get("action") or body.get("state")
    tone = (
        "green" if action in DONE else "accent" if action in ("take", "open", "report", "raise") else "grey"
    )
    if body.get("on_time") is False or action == "refused":
        tone = "red"
    level = body.get("level") or 0
    return Line(
        str(words), title, where, ref, trace_url(ref), tone, level if kind.startswith("alerts") else 0
    )
