"""A database per test process: cloned from a migrated template, owned by cc_owner, used as cc_web.

The template is made once per state of the migrations, so a test run starts in about a second.
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import TransactionTestCase
from psycopg2 import sql

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = settings.TEST_DIR / "template.lock"
# Rows that migrations put in; a transactional test that empties the tables gets them back from here.
REFERENCE_SCHEMA = "reference_rows"


def state_of_migrations() -> str:
    digest = hashlib.sha256()
    files = [*ROOT.glob("*/migrations/*.py"), *ROOT.glob("commandcenter/*/migrations/*.py")]
    for path in sorted([*files, *ROOT.glob("commandcenter/journal/guards*.py"), Path(__file__)]):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:10]


@contextmanager
def owner_cursor(database: str) -> Iterator[psycopg2.extensions.cursor]:
    """Autocommit as the owner: what the site itself may not do (create, truncate, drop)."""
    at = settings.DATABASES["default"]
    owner = settings.DATABASE_OWNER
    link = psycopg2.connect(
        host=at["HOST"], port=at["PORT"], dbname=database, user=owner["USER"], password=owner["PASSWORD"]
    )
    link.autocommit = True
    try:
        with link.cursor() as cursor:
            yield cursor
    finally:
        link.close()


def use_role(role: dict[str, str], database: str) -> None:
    connections.close_all()
    for values in (connection.settings_dict, settings.DATABASES["default"]):
        values.update(role, NAME=database)


def exists(cursor: psycopg2.extensions.cursor, database: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
    return cursor.fetchone() is not None


def drop(cursor: psycopg2.extensions.cursor, database: str) -> None:
    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def make_template(template: str) -> None:
    """Migrate an empty database as its owner, then keep a copy of the rows that migrations wrote."""
    building = f"{template}_new"
    with owner_cursor("postgres") as cursor:
        drop(cursor, building)
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(building)))
    use_role(settings.DATABASE_OWNER, building)
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        connections.close_all()
    with owner_cursor(building) as cursor:
        cursor.execute(f"CREATE SCHEMA {REFERENCE_SCHEMA}")
        for table in filled_tables(cursor):
            names = (sql.Identifier(REFERENCE_SCHEMA, table), sql.Identifier(table))
            cursor.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(*names))
        cursor.execute(f"GRANT USAGE ON SCHEMA {REFERENCE_SCHEMA} TO {settings.DATABASE_WEB['USER']}")
    with owner_cursor("postgres") as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'cctpl\\_%'")
        for (old,) in cursor.fetchall():
            if old != building:
                drop(cursor, old)
        cursor.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(building), sql.Identifier(template)
            )
        )


def filled_tables(cursor: psycopg2.extensions.cursor) -> list[str]:
    """Names of tables in the public schema that hold rows, leaving out what is not ours to empty."""
    cursor.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition AND pg_get_userbyid(c.relowner) = current_user"
        " AND c.relname <> 'django_migrations' ORDER BY 1"
    )
    tables = [name for (name,) in cursor.fetchall()]
    if not tables:
        return []
    one = sql.SQL("SELECT {} WHERE EXISTS (SELECT 1 FROM {})")
    parts = [one.format(sql.Literal(name), sql.Identifier(name)) for name in tables]
    cursor.execute(sql.SQL(" UNION ALL ").join(parts))
    return [name for (name,) in cursor.fetchall()]


def empty_tables(database: str) -> None:
    """Empty every table as the owner (the web role may not), and put the migrations' own rows back.

    The running city may be in the middle of something; whoever PostgreSQL picks as the loser tries again.
    """
    for attempt in range(10):
        try:
            with owner_cursor(database) as cursor:
                return _empty_tables(cursor)
        except (psycopg2.errors.DeadlockDetected, psycopg2.errors.LockNotAvailable):
            if attempt == 9:
                raise
    return None


def _empty_tables(cursor: psycopg2.extensions.cursor) -> None:
    schema = REFERENCE_SCHEMA
    cursor.execute(
        f"SELECT relname FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r'"
    )
    reference = {name for (name,) in cursor.fetchall()}
    filled = set(filled_tables(cursor))
    cursor.execute("SET lock_timeout = '5s'")
    cursor.connection.autocommit = False
    if filled:
        names = sql.SQL(", ").join(sql.Identifier(name) for name in sorted(filled | reference))
        cursor.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))
    for table in sorted(reference):
        cursor.execute(
            sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT * FROM {}").format(
                sql.Identifier(table), sql.Identifier(schema, table)
            )
        )
    cursor.connection.commit()


@pytest.fixture(scope="session")
def django_db_setup(request, django_test_environment, django_db_blocker) -> Iterator[None]:
    database = settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock():
        LOCK.parent.mkdir(parents=True, exist_ok=True)
        with LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            template = f"cctpl_{state_of_migrations()}"
            with owner_cursor("postgres") as cursor:
                ready = exists(cursor, template)
            if not ready:
                make_template(template)
            with owner_cursor("postgres") as cursor:
                drop(cursor, database)
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                        sql.Identifier(database), sql.Identifier(template)
                    )
                )
        use_role(settings.DATABASE_WEB, database)
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        if not request.config.getvalue("reuse_db"):
            with owner_cursor("postgres") as cursor:
                drop(cursor, database)


def flush_as_owner(self: TransactionTestCase) -> None:
    connections.close_all()
    empty_tables(settings.DATABASES["default"]["NAME"])


TransactionTestCase._fixture_teardown = flush_as_owner  # type: ignore[method-assign]
