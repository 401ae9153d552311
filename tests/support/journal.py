"""Fixtures about what happened: the events of a test, and one round of the journal."""

from collections.abc import Callable, Iterator

import pytest


class News(list[str]):
    """Kinds of the events announced since the test began, oldest first. Compare it with a plain list."""

    def __init__(self, since: int) -> None:
        super().__init__()
        self._since = since

    def _read(self) -> list[str]:
        from commandcenter.journal.models import Event

        return list(Event.objects.filter(pk__gt=self._since).order_by("pk").values_list("kind", flat=True))

    def __eq__(self, other: object) -> bool:
        return self._read() == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __contains__(self, kind: object) -> bool:
        return kind in self._read()

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self._read()[index]

    def __repr__(self) -> str:
        return repr(self._read())

    def forget(self) -> None:
        """Start counting again from here: what the test's set-up announced is no news."""
        self._since = last_event()


def last_event() -> int:
    from commandcenter.journal.models import Event

    return Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


@pytest.fixture
def news(db) -> News:
    return News(since=last_event())


@pytest.fixture
def pump(db) -> Callable[[], object]:
    """One full round of the journal: positions, summaries, listeners, seals."""
    from commandcenter.journal.services import pump

    return pump
