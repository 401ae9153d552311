"""When a source runs next. Missed runs are not piled up: the next one is always ahead."""

import random
from datetime import datetime, timedelta

from commandcenter.core.times import SHANGHAI

from .models import Source
from .states import Rhythm

FIRST_PAUSE_S = 60
LONGEST_PAUSE_S = 3_600


def next_run(source: Source, at: datetime) -> datetime:
    """The next turn of the rhythm after `at`; every N seconds keeps its beat through a long run."""
    if source.rhythm == Rhythm.DAILY and source.daily_at is not None:
        here = at.astimezone(SHANGHAI)
        today = datetime.combine(here.date(), source.daily_at, tzinfo=SHANGHAI)
        return today if today > at else today + timedelta(days=1)
    step = timedelta(seconds=source.every_s)
    begun = source.next_run_at if source.next_run_at and source.next_run_at <= at else at
    return begun + step * ((at - begun) // step + 1)


def after_failure(source: Source, at: datetime, wait: timedelta | None = None) -> datetime:
    """Twice as long after each failure, a little apart from others; as long as the source asked for.

    A source that runs rarely is tried again before its next turn, a frequent one is left alone for a while.
    """
    pause = min(FIRST_PAUSE_S * 2 ** min(max(source.failures - 1, 0), 10), LONGEST_PAUSE_S)
    chosen = timedelta(seconds=pause * random.uniform(0.9, 1.1))
    if wait is not None and wait > chosen:
        return at + wait
    return at + chosen
