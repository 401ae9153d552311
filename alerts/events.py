"""What alerts announce."""

from datetime import datetime
from typing import ClassVar

from commandcenter.journal.events import EventBody


class AlertMoved(EventBody):
    """One move of one alert. A trial alert reaches analysts only and never enters a leader's figures.

    value and unit are the measure that made the move; title names detector and subject.
    """

    kind: ClassVar[str] = "alerts.alert.moved"

    alert_id: int
    number: str
    title: str
    action: str
    from_state: str
    to_state: str
    level: int
    from_level: int | None = None
    trial: bool
    verdict: str = ""
    detector_code: str
    detector_name: str
    pack: str
    subject: str
    value: float | None = None
    unit: str = ""
    started_at: datetime


class TrialFinished(EventBody):
    """A detector was tried on past days: how much it would have said."""

    kind: ClassVar[str] = "alerts.trial.finished"

    detector_code: str
    detector_name: str
    alerts_new: int
    first_day: str
    last_day: str


class DetectorMoved(EventBody):
    """A detector changed state or sight."""

    kind: ClassVar[str] = "alerts.detector.moved"

    detector_id: int
    detector_code: str
    detector_name: str
    action: str
    state: str
    health: str
    reason: str = ""
