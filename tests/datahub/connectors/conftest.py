import uuid

import pytest
from django.conf import settings as project

from datahub import selectors
from datahub.connectors import http
from datahub.connectors.models import Source
from datahub.connectors.services import run_source, save_source
from tests.factories.datahub import READINGS
from tests.support.database import owner_cursor

from .servers import Api, Door

CODE = READINGS.code


@pytest.fixture(autouse=True)
def drop(settings, tmp_path, request):
    """A drop folder of the test's own; loopback is allowed, nothing else; nobody waits between tries."""
    if "live_city" in request.fixturenames:
        return settings.DROP_DIR
    settings.DROP_DIR = tmp_path / "drop"
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    return settings.DROP_DIR


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    waited = []
    monkeypatch.setattr(http, "sleep", waited.append)
    return waited


@pytest.fixture
def api():
    made = Api()
    yield made
    made.stop()


class Elsewhere:
    """Another department's PostgreSQL: a second database of the test cluster, behind a TCP port."""

    def __init__(self):
        self.name = f"{project.DATABASES['default']['NAME']}_x{uuid.uuid4().hex[:8]}"
        with owner_cursor("postgres") as cursor:
            cursor.execute(f'CREATE DATABASE "{self.name}"')
        at = project.DATABASES["default"]
        self.door = Door(f"{at['HOST']}/.s.PGSQL.{at['PORT']}")
        owner = project.DATABASE_OWNER
        self.user, self.password = owner["USER"], owner["PASSWORD"]
        self.url = f"postgresql://{self.user}@127.0.0.1:{self.door.port}/{self.name}"

    def do(self, *statements):
        with owner_cursor(self.name) as cursor:
            for one in statements:
                cursor.execute(one)
            return cursor.fetchall() if cursor.description else None

    def stop(self):
        self.door.stop()
        with owner_cursor("postgres") as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


@pytest.fixture
def elsewhere(django_db_setup):
    made = Elsewhere()
    yield made
    made.stop()


@pytest.fixture
def connect(readings):
    """Connect a ready source of the readings."""

    def made(kind, settings, *, name="", **more) -> Source:
        return save_source(
            by=None, dataset_code=more.pop("dataset_code", CODE), name=name or f"{kind} {uuid.uuid4().hex[:6]}",
            kind=kind, settings=settings, ready=True, **more,
        )  # fmt: skip

    return made


@pytest.fixture
def run():
    def once(source):
        return run_source(source.pk)

    return once


def stations(code=CODE):
    """The stations in the lake, sorted: each row of a test has one of its own."""
    return sorted(selectors.read(code, columns=["station"]).column("station").to_pylist())
