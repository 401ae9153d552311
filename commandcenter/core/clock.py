"""One reading of the clock per operation.

Services take their moment from `now()`. Seeding the demo city and tests pin it
with `at(...)`, so that history is made by the same code as the present.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_pinned: ContextVar[datetime | None] = ContextVar("pinned_clock", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _pinned.get() or datetime.now(UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Pin the clock of this context to an aware moment."""
    if moment.tzinfo is None:
        raise ValueError("the clock needs an aware moment")
    token = _pinned.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _pinned.reset(token)
