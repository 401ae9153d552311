"""The whole interface against its own description: whatever is sent, no operation breaks or surprises.

Schemathesis makes the requests from docs/api.yaml, which bin/check keeps equal to the code: values at the
edges of every parameter, and random ones. Each request runs in its own savepoint, so every one meets the
same city; a failure names the request, and the same run comes again (derandomised).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from django.conf import settings
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client, override_settings
from hypothesis import HealthCheck
from hypothesis import settings as limits
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .city import build_city

CASES = 12  # random requests of one operation, beside those at the edges
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DESCRIPTION = Path(__file__).parent.parent.parent / "docs" / "api.yaml"


def described(*, edges: bool) -> Any:
    """The interface, tried at the edges of every parameter too, or with random requests only."""
    phases = {"coverage": {"enabled": edges, "unexpected-methods": []}}
    found = schemathesis.openapi.from_path(
        DESCRIPTION, config=SchemathesisConfig.from_dict({"phases": phases, "generation": {"mode": "all"}})
    )
    found.app = get_wsgi_application()
    return found


schema, shallow = described(edges=True), described(edges=False)
bounded = limits(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
DOOR = (signals.request_started, signals.request_finished)
TOKEN = "a" * 32  # the same in the cookie and the header, as a browser sends it


@pytest.fixture(scope="module")
def city(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[dict[str, Any]]:
    """One city for all operations, in one transaction that is taken back at the end."""
    folder = tmp_path_factory.mktemp("interface")
    # A request through the server's own door would close this connection at its end.
    for signal in DOOR:
        signal.disconnect(close_old_connections)
    with django_db_blocker.unblock(), override_settings(LAKE_URL=str(folder / "lake")):
        try:
            with transaction.atomic():
                built = build_city(folder)
                logins = {name: login_of(built[name]) for name in ("everybody", "stranger")}
                yield {**built, "logins": logins, "lake": str(folder / "lake")}
                transaction.set_rollback(True)
        finally:
            for signal in DOOR:
                signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def same_lake(settings_dirs, city):
    settings_dirs.LAKE_URL = city["lake"]


def login_of(user: Any) -> dict[str, Any]:
    """What a browser of somebody logged in sends with every request."""
    client = Client()
    client.force_login(user)
    cookies = {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}
    return {
        "cookies": {**cookies, settings.CSRF_COOKIE_NAME: TOKEN},
        "headers": {"X-CSRFToken": TOKEN},
    }


def call(case: Any, login: dict[str, Any]) -> Any:
    with transaction.atomic():
        answer = case.call(**login)
        transaction.set_rollback(True)
    case.validate_response(answer, checks=CHECKS)
    return answer


@pytest.mark.parametrize("who", ["everybody", "stranger"])
@pytest.mark.parametrize(
    "path", ["/api/v1/datasets/", "/api/v1/tickets/", "/api/v1/orders/", "/api/v1/alerts/"]
)
def test_the_logins_are_what_they_say(city, who, path):
    """Else every request below would be refused, and nothing shown."""
    answer = call(schema[path]["GET"].Case(), city["logins"][who])
    assert answer.status_code == 200
    assert bool(answer.json()["results"]) is (who == "everybody")


def steer(case: Any, city: dict[str, Any]) -> None:
    """Two of three requests go to things that are there; which ones follows from the request itself."""
    chance = crc32(repr((case.path_parameters, case.query, case.body)).encode())
    if chance % 3 == 0:
        return
    parts = case.operation.path.strip("/").split("/")
    named = parts[1] if parts[1] in ("share", "push") else parts[2]
    for name, kind, there in (
        ("id", int, city["ids"]),
        ("batch", int, city["ids"]),
        ("code", str, city["codes"]),
    ):
        known = there.get(named)
        if known and isinstance((case.path_parameters or {}).get(name), kind):
            case.path_parameters[name] = known[chance % len(known)]
    if isinstance(case.body, dict) and isinstance(case.body.get("org_id"), int):
        case.body["org_id"] = city["org_id"]


@schema.parametrize()
@bounded
def test_every_operation_keeps_to_its_description(case, city):
    """By somebody with every business role, mostly at things that are there."""
    steer(case, city)
    login = dict(city["logins"]["everybody"])
    if "/share/" in case.operation.path:
        login["headers"] = {"Authorization": f"Bearer {city['token']}"}
    if "/devices/" in case.operation.path:
        login["headers"] = {"Authorization": f"Bearer {city['heartbeat_token']}"}
    if "/push/" in case.operation.path:
        login["headers"] = {"Authorization": f"Bearer {city['push_token']}"}
    call(case, login)


@shallow.parametrize()
@limits(bounded, max_examples=3)
def test_somebody_without_a_role_is_refused_as_described(case, city):
    call(case, city["logins"]["stranger"])
