import pytest

from commandcenter import wiring
from commandcenter.core import clock
from tests.factories.city import AreaFactory, square
from tests.factories.datahub import NOON, make_dataset


@pytest.fixture(autouse=True)
def no_taps(monkeypatch):
    """The floors above have their own tests; here a tap is only what a test puts there."""
    monkeypatch.setattr(wiring, "TAPS", {})


@pytest.fixture
def noon():
    with clock.at(NOON):
        yield NOON


@pytest.fixture
def city(db):
    from city.locate import forget

    AreaFactory(code="3206", name="南通市", polygon=square(120.0, 31.0, 2.0))
    AreaFactory(code="320613", name="崇川区", polygon=square(120.8, 31.9, 0.2))
    forget()
    yield
    forget()


@pytest.fixture
def readings(city):
    return make_dataset()
