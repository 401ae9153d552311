import pytest

from tests.factories.grid import walked_city


@pytest.fixture
def city(db):
    from city.locate import forget

    forget()
    yield walked_city()
    forget()


@pytest.fixture
def hear(db):
    """Let grid hear every order event so far, as the journal loop does, twice each."""
    from commandcenter.journal.models import Event
    from grid.tasks import follow_order

    def tell() -> None:
        for event in Event.objects.filter(kind="dispatch.order.moved").order_by("pk"):
            for _again in range(2):
                follow_order(payload={**event.body, "event_id": event.pk, "kind": event.kind})

    return tell
