"""Keys that push, and calls as senders make them."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from datahub.push.models import PushKey
from datahub.push.services import issue_key
from tests.factories.city import CITY, OrganisationFactory, UserFactory
from tests.factories.datahub import READINGS

ORG = "3206-sensors"


def steward() -> Any:
    return UserFactory(may=["steward"])


def push_key(
    codes: Any = (READINGS.code,), *, by: Any = None, org: str = ORG, **over: Any
) -> tuple[PushKey, str]:
    OrganisationFactory(code=org, function="environment", area_code=CITY)
    return issue_key(
        **{
            "name": "Air stations",
            "org_code": org,
            "dataset_codes": list(codes),
            "by": by or steward(),
            **over,
        }
    )


def push(
    token: str, body: Any, *, code: str = READINGS.code, kind: str = "application/json", **headers: str
) -> Any:
    """One call through Django. Header names with underscores: Idempotency_Key."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    said = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        said["Authorization"] = f"Bearer {token}"
    address = f"/api/push/v1/{code}/rows"
    return Client().generic("POST", address, body, content_type=kind, headers=said)


def batch(token: str, number: int, *, code: str = READINGS.code) -> Any:
    return Client().get(f"/api/push/v1/{code}/batches/{number}", headers={"Authorization": f"Bearer {token}"})
