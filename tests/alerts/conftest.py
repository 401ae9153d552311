import pytest

from commandcenter.core import clock
from tests.factories.alerts import NOW, clean_air_city


@pytest.fixture
def city(db):
    from city.locate import forget

    forget()
    yield clean_air_city()
    forget()


@pytest.fixture
def noon():
    with clock.at(NOW):
        yield NOW


@pytest.fixture
def hear(db):
    """Let alerts hear every order event so far, as the journal loop does, twice each."""
    from alerts.tasks import follow_order
    from commandcenter.journal.models import Event

    def tell() -> None:
        for event in Event.objects.filter(kind="dispatch.order.moved").order_by("pk"):
            for _again in range(2):
                follow_order(payload={**event.body, "event_id": event.pk, "kind": event.kind})

    return tell
