"""What the city announces."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from commandcenter.journal.events import EventBody


class GenerationActivated(EventBody):
    """Another generation of areas is in force: open work is to be located again."""

    kind: ClassVar[str] = "city.generation.activated"
    number: int
    units: int
    renamed: int


class CalendarChanged(EventBody):
    """Days of the working calendar were published or edited: open clocks are to be computed again."""

    kind: ClassVar[str] = "city.calendar.changed"
    first: date
    last: date
    days: int
