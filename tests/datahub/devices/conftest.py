import pytest

from commandcenter.core import clock
from tests.factories.datahub import NOON
from tests.factories.devices import City, owners


@pytest.fixture
def who(city):
    return owners()


@pytest.fixture
def life(who):
    return City(NOON)


@pytest.fixture
def at_noon():
    with clock.at(NOON):
        yield NOON
