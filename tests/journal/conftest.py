"""The journal's tests now and then act as the owner of the tables, the way an intruder would."""

import pytest
from django.conf import settings

from tests.support.database import owner_cursor


@pytest.fixture
def as_owner(transactional_db):
    """Run one statement as the owner, outside the test's own connection."""

    def run(statement: str) -> None:
        with owner_cursor(settings.DATABASES["default"]["NAME"]) as cursor:
            cursor.execute(statement)

    return run
