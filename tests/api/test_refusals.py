"""Every refusal of the interface has one shape, wherever it comes from."""

import pytest

from tests.factories.city import UserFactory

pytestmark = pytest.mark.django_db
TICKETS = "/api/v1/tickets/"


@pytest.fixture
def desk(client, db):
    client.force_login(UserFactory(may=["operator"]))
    return client


def post(client, body, kind="application/json"):
    return client.post(TICKETS, body, content_type=kind)


@pytest.mark.parametrize(
    ("ask", "status", "code"),
    [
        pytest.param(lambda c: c.get("/api/v1/no-such-thing/"), 404, "not_found", id="no view"),
        pytest.param(lambda c: c.get(f"{TICKETS}999999/"), 404, "not_found", id="no row"),
        pytest.param(lambda c: c.get(f"{TICKETS}?cursor=x"), 404, "not_found", id="no cursor"),
        pytest.param(lambda c: c.delete(TICKETS), 405, "method_not_allowed", id="no such method"),
        pytest.param(lambda c: post(c, "{"), 400, "parse_error", id="no JSON"),
        pytest.param(lambda c: post(c, "x", "text/csv"), 415, "unsupported_media_type", id="no such medium"),
        pytest.param(lambda c: post(c, '{"title": ""}'), 400, "bad_input", id="bad input"),
        pytest.param(lambda c: c.get(f"{TICKETS}?state=nowhere"), 400, "bad_input", id="bad filter"),
    ],
)
def test_one_shape(desk, ask, status, code):
    answer = ask(desk)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (status, code)
    assert isinstance(said["detail"], str)
    assert set(said) <= {"code", "detail", "problems"}


def test_a_stranger_is_told_in_the_same_shape(client, db):
    answer = client.get(TICKETS)
    assert answer.status_code == 403
    assert answer.json()["code"] == "not_authenticated"


def test_bad_input_names_every_field(desk):
    said = post(desk, '{"title": "", "lon": 500, "lat": "x"}').json()
    assert {one["field"] for one in said["problems"]} == {"title", "content", "lon", "lat"}
    assert all(set(one) == {"row", "field", "reason", "file"} for one in said["problems"])


def test_people_still_get_a_page(client, db):
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
