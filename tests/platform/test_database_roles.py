"""The site's own role can read and write rows and nothing else."""

import pytest
from django.db import ProgrammingError, connection


def who() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


def test_tests_run_as_the_web_role(db):
    assert who() == "cc_web"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (n int)",
        "TRUNCATE django_session",
        "ALTER TABLE django_session ADD COLUMN n int",
        "DROP TABLE django_session",
    ],
)
def test_the_web_role_may_not_change_the_house(db, statement):
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_transactional_test_leaves_rows_behind(transactional_db):
    from django.contrib.sessions.models import Session

    Session.objects.create(session_key="left", session_data="", expire_date="2100-01-01T00:00Z")


def test_and_the_next_one_finds_none_but_keeps_what_migrations_wrote(db):
    from django.contrib.contenttypes.models import ContentType
    from django.contrib.sessions.models import Session

    assert not Session.objects.exists()
    assert ContentType.objects.exists()
