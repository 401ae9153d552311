"""Areas by API: looked up, drilled into, located."""

import pytest

from city.roles import Role
from commandcenter.core.coordinates import wgs84_to_gcj02
from tests.factories.city import AreaFactory, UserFactory, square

pytestmark = pytest.mark.django_db


@pytest.fixture
def city(client):
    AreaFactory(code="3206", polygon=square(120, 31, 2))
    AreaFactory(code="320613", polygon=square(120, 31, 1))
    client.force_login(UserFactory(may=[Role.OPERATOR]), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_children_and_one(city):
    assert [row["code"] for row in city.get("/api/v1/areas/").json()] == ["3206"]
    assert [row["code"] for row in city.get("/api/v1/areas/?under=3206").json()] == ["320613"]
    assert city.get("/api/v1/areas/320613/").json()["level"] == "county"
    assert city.get("/api/v1/areas/999999/").status_code == 404


def test_a_point_is_located_from_any_datum(city):
    lon, lat = wgs84_to_gcj02(120.001, 31.001)
    asked = {"lon": lon, "lat": lat, "datum": "gcj02"}
    assert city.get("/api/v1/areas/locate/", asked).json()["code"] == "320613"
    assert city.get("/api/v1/areas/locate/", {"lon": 10, "lat": 10}).json() == {"code": None, "path": []}


@pytest.mark.parametrize(
    "asked",
    [{"lon": "x", "lat": 1}, {"lon": 200, "lat": 1}, {"lat": 1}, {"lon": 1, "lat": 1, "datum": "bd09"}],
)
def test_impossible_questions_are_refused(city, asked):
    assert city.get("/api/v1/areas/locate/", asked).status_code == 400


@pytest.mark.parametrize(
    "path", ["/api/v1/areas/", "/api/v1/areas/3206/", "/api/v1/areas/locate/?lon=1&lat=1"]
)
def test_strangers_get_nothing(client, path):
    assert client.get(path).status_code in (401, 403)
