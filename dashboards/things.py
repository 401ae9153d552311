"""What a trace is made of: the things on its graph, the steps that happened to them, and their words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

KIND_WORDS: dict[str, str | Promise] = {
    "source": gettext_lazy("Source data"),
    "alert": gettext_lazy("Alert"),
    "ticket": gettext_lazy("Ticket"),
    "report": gettext_lazy("Grid report"),
    "fault": gettext_lazy("Device fault"),
    "order": gettext_lazy("Order"),
    "fact": gettext_lazy("Score"),
}
KIND_OF_REF = {
    "hotline.ticket": "ticket",
    "dispatch.order": "order",
    "alerts.alert": "alert",
    "grid.report": "report",
    "datahub.fault": "fault",
    "datahub.row": "source",
    "datahub.delivery": "source",
    "journal.fact": "fact",
}
ICONS = {
    "source": "database",
    "alert": "bell-ringing",
    "ticket": "headset",
    "report": "camera",
    "fault": "device-cctv",
    "order": "clipboard-list",
    "fact": "chart-bar",
}
FACT_WORDS: dict[str, str | Promise] = {
    "dispatch.sign": gettext_lazy("Signing entered in the accountability record"),
    "dispatch.contact": gettext_lazy("First contact entered in the accountability record"),
    "dispatch.handle": gettext_lazy("Handling entered in the accountability record"),
    "dispatch.return": gettext_lazy("Return entered in the accountability record"),
    "datahub.device_fault": gettext_lazy("Repair entered in the accountability record"),
    "hotline.call_back": gettext_lazy("Call-back entered in the accountability record"),
}
OUTCOME_WORDS: dict[str, str | Promise] = {
    "on_time": gettext_lazy("in time"),
    "late": gettext_lazy("late"),
    "satisfied": gettext_lazy("satisfied"),
    "basically": gettext_lazy("basically satisfied"),
    "dissatisfied": gettext_lazy("dissatisfied"),
}
# What came first when the clock does not say: a row before its alert, a case before its order.
RANKS = {"source": 0, "ticket": 1, "report": 1, "alert": 1, "fault": 1, "order": 2, "fact": 3}
SHOWN_ROWS = 6


@dataclass
class Thing:
    """A node: what it is, what it says, where it leads. `hidden`: it exists, and that is all one may know."""

    key: str
    kind: str
    title: str = ""
    number: str = ""
    place: str = ""
    unit: str = ""
    state: str = ""
    url: str = ""
    hidden: bool = False
    branch: int = 0
    details: list[str] = field(default_factory=list)
    wrong_url: str = ""  # where a correction of its first row is asked for

    @property
    def kind_words(self) -> str:
        return str(KIND_WORDS[self.kind])

    @property
    def icon(self) -> str:
        return ICONS[self.kind]


@dataclass
class Step:
    """Something that happened to a thing. first: its card is shown here."""

    at: datetime
    thing: Thing
    verb: str
    who: str = ""
    unit: str = ""
    note: str = ""
    tone: str = ""
    first: bool = False
    since: float | None = None  # seconds since the step before


@dataclass
class Trace:
    ref: str
    title: str
    steps: list[Step]
    things: list[Thing]
    cut: bool
    hidden: int

    @property
    def whole_seconds(self) -> float:
        return (self.steps[-1].at - self.steps[0].at).total_seconds() if len(self.steps) > 1 else 0.0
