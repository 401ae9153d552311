import pytest
from hypothesis import settings as hypothesis_settings

from commandcenter import wiring
from commandcenter.core import clock
from tests.factories.city import AreaFactory, square
from tests.factories.datahub import NOON, make_dataset

# The machine is shared; a slow moment is no failure.
hypothesis_settings.register_profile("datahub", deadline=None)
hypothesis_settings.load_profile("datahub")


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
