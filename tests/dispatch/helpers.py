"""What a refusal must leave untouched, in one place."""

from contextlib import contextmanager

import pytest
from django.core.exceptions import PermissionDenied

from commandcenter.core.errors import DomainError, IllegalMove
from commandcenter.journal.models import Event, Fact, TraceLink
from dispatch.models import Order, OrderMove, UnitRequest

TABLES = (Order, OrderMove, UnitRequest, Event, Fact, TraceLink)


def everything() -> list[list[tuple]]:
    return [list(table.objects.order_by("pk").values_list()) for table in TABLES]


@contextmanager
def refused(error: type[Exception] = DomainError, code: str = ""):
    """The block raises `error` and leaves orders, moves, requests, events, facts and links as they were."""
    before = everything()
    with pytest.raises(error) as found:
        yield
    if code:
        assert found.value.code == code
    assert everything() == before


__all__ = ["DomainError", "IllegalMove", "PermissionDenied", "everything", "refused"]
