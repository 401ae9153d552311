"""Where a database is, checked before anything is sent there; and what tables and columns it has.

PostgreSQL over the network, to an address of the allow-list, and SQLite files of the drop folder. The
steward picks from what is read here; names go into statements only as SQLAlchemy quotes them.
"""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import sqlalchemy as sa
from django.utils.translation import gettext as _
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from datahub import outbound

from . import folder
from .errors import SourceFailed
from .settings import DatabaseSettings

CONNECT_S = 10
SQLITE_READS = 10  # a file is read under one limit, a server's answers under one each
MAX_TABLES = 2_000
SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
HIDDEN_SCHEMAS = re.compile(r"^(pg_|information_schema$)")
OTHER = "other"  # read as text
BINARY = "binary"  # not offered
CURSOR_KINDS = frozenset({"integer", "time", "date", "text"})


@dataclass(frozen=True)
class DbColumn:
    """kind: one of the dataset's kinds, `other` or `binary`. aware: a time that knows its zone."""

    name: str
    kind: str
    type_name: str
    nullable: bool = True
    key: bool = False
    aware: bool = False


def parse_url(text: str) -> tuple[str, str]:
    """(URL without the password, the password). Raises SourceFailed for what is not taken."""
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError) as error:
        raise SourceFailed(
            _(
                "Not a database address. Examples: postgresql://user@host:5432/database, sqlite:///folder/file.db."
            ),
            code="bad_url",
        ) from error
    backend = url.drivername.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        return _postgres_url(url)
    if backend == "sqlite":
        if url.host or url.query or not url.database:
            raise SourceFailed(_("A SQLite file is named as sqlite:///folder/file.db."), code="bad_url")
        folder.inside(url.database)
        return f"sqlite:///{url.database}", ""
    raise SourceFailed(
        _("Only PostgreSQL and SQLite files in the drop folder are read, not %(name)s.") % {"name": backend},
        code="dialect",
    )


def _postgres_url(url: URL) -> tuple[str, str]:
    if not url.host or url.host.startswith(("/", "@")) or not url.database or not url.username:
        raise SourceFailed(
            _("A PostgreSQL address names user, host and database: postgresql://user@host:5432/database."),
            code="bad_url",
        )
    odd = sorted(set(url.query) - {"sslmode"})
    mode = url.query.get("sslmode", "prefer")
    if odd or mode not in SSL_MODES:
        raise SourceFailed(
            _("Of options only sslmode is taken, not %(names)s.") % {"names": ", ".join(odd) or mode},
            code="bad_url",
        )
    if any(mark in part for part in (url.host, url.database) for mark in ", ="):
        raise SourceFailed(_("One host and one database."), code="bad_url")
    plain = URL.create("postgresql", url.username, None, url.host, url.port or 5432, url.database, url.query)
    return plain.render_as_string(hide_password=False), str(url.password or "")


class Failing:
    """Errors of a driver in words; nothing of the password is in them."""

    WORDS = {
        "28P01": lambda: _("The database refuses the user or the password."),
        "28000": lambda: _("The database refuses this user from here."),
        "3D000": lambda: _("There is no such database there."),
        "42501": lambda: _("The user may not read this table."),
        "42P01": lambda: _("The table is not there any more."),
        "57014": lambda: _("The database took longer than the time limit."),
        "53300": lambda: _("The database has no connection free."),
        "25006": lambda: _("The source was asked to write, which is never done."),
    }

    @classmethod
    def of(cls, error: BaseException) -> SourceFailed:
        origin = getattr(error, "orig", None) or error
        code = getattr(origin, "pgcode", None) or ""
        said = next(iter(str(origin).strip().splitlines()), "")[:300]
        if code in cls.WORDS:
            return SourceFailed(cls.WORDS[code](), code="database")
        if "interrupted" in said:
            return SourceFailed(cls.WORDS["57014"](), code="database")
        for known, words in (("password authentication failed", "28P01"), ("does not exist", "3D000")):
            if isinstance(origin, psycopg2.OperationalError) and known in said:
                return SourceFailed(cls.WORDS[words](), code="database")
        return SourceFailed(_("The database failed: %(said)s") % {"said": said}, code="database")


@contextmanager
def connected(settings: DatabaseSettings, secret: str) -> Iterator[sa.Connection]:
    """A connection that can only read, within a time limit. Raises SourceFailed, OutboundRefused."""
    url, _password = parse_url(settings.url)
    engine = (
        _sqlite(url, settings) if url.startswith("sqlite") else _postgres(make_url(url), secret, settings)
    )
    try:
        with engine.connect() as connection:
            yield connection
    except (SQLAlchemyError, psycopg2.Error, sqlite3.Error) as error:
        raise Failing.of(error) from error
    except (OverflowError, ValueError) as error:
        raise SourceFailed(_("A value cannot be read: %(why)s") % {"why": error}, code="bad_value") from error
    finally:
        engine.dispose()


def _postgres(url: URL, secret: str, settings: DatabaseSettings) -> sa.Engine:
    host, port = str(url.host), int(url.port or 5432)
    ip = outbound.check_address(host, port)

    def connect() -> Any:
        # To the address that was checked; nothing of our own credentials, whatever lies in this home.
        link = psycopg2.connect(
            host=host, hostaddr=ip, port=port, dbname=url.database, user=url.username, password=secret or "-",
            passfile="/dev/null", sslmode=url.query.get("sslmode", "prefer"), gssencmode="disable",
            connect_timeout=CONNECT_S, application_name="city-hub", client_encoding="utf8",
            keepalives_idle=30, keepalives_interval=10, keepalives_count=3,
        )  # fmt: skip
        with link.cursor() as cursor:
            cursor.execute("SET statement_timeout = %s", [settings.timeout_s * 1000])
            cursor.execute("SET lock_timeout = 5000; SET idle_in_transaction_session_timeout = 600000")
            cursor.execute("SET timezone = 'UTC'; SET datestyle = 'ISO'")
        link.commit()
        # One picture of the table for a whole batch, and no way to write.
        link.set_session(isolation_level="REPEATABLE READ", readonly=True)
        return link

    return sa.create_engine("postgresql+psycopg2://", creator=connect, poolclass=NullPool)


def _sqlite(url: str, settings: DatabaseSettings) -> sa.Engine:
    path = folder.inside(url.removeprefix("sqlite:///"))
    with open(path, "rb") as file:
        if file.read(16) not in (b"SQLite format 3\x00", b""):
            raise SourceFailed(_("This is no SQLite file."), code="bad_file")

    def connect() -> sqlite3.Connection:
        link = sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, timeout=5.0, isolation_level=None, check_same_thread=False
        )
        # A file from elsewhere may hold views and triggers of its own: they are not trusted.
        link.execute("PRAGMA query_only = ON")
        link.execute("PRAGMA trusted_schema = OFF")
        link.execute("PRAGMA cell_size_check = ON")
        until = time.monotonic() + settings.timeout_s * SQLITE_READS
        link.set_progress_handler(lambda: int(time.monotonic() > until), 10_000)
        link.text_factory = lambda raw: raw.decode("utf-8", "replace")
        return link

    return sa.create_engine("sqlite://", creator=connect, poolclass=NullPool)


def is_sqlite(connection: sa.Connection) -> bool:
    return connection.dialect.name == "sqlite"


def tables(connection: sa.Connection) -> list[tuple[str, str]]:
    """(schema, table) that may be picked; of a SQLite file tables only, its views are code of others."""
    inspector = sa.inspect(connection)
    if is_sqlite(connection):
        return [("", name) for name in sorted(inspector.get_table_names())[:MAX_TABLES]]
    found: list[tuple[str, str]] = []
    for schema in inspector.get_schema_names():
        if HIDDEN_SCHEMAS.match(schema):
            continue
        names = {
            *inspector.get_table_names(schema=schema),
            *inspector.get_view_names(schema=schema),
            *inspector.get_materialized_view_names(schema=schema),
        }
        found += [(schema, name) for name in sorted(names)]
    return found[:MAX_TABLES]


def columns(connection: sa.Connection, settings: DatabaseSettings) -> list[DbColumn]:
    """The columns of the picked table. Raises SourceFailed where it is gone."""
    inspector = sa.inspect(connection)
    schema = settings.schema_name or None
    try:
        found = inspector.get_columns(settings.table, schema=schema)
        key = set(inspector.get_pk_constraint(settings.table, schema=schema)["constrained_columns"])
    except sa.exc.NoSuchTableError as error:
        raise SourceFailed(
            _("The table %(name)s is not there any more.") % {"name": settings.table}, code="columns_changed"
        ) from error
    return [
        DbColumn(
            name=one["name"],
            kind=kind_of(one["type"]),
            type_name=str(one["type"]) if not isinstance(one["type"], sa.types.NullType) else "",
            nullable=bool(one.get("nullable", True)),
            key=one["name"] in key,
            aware=bool(getattr(one["type"], "timezone", False)),
        )
        for one in found
    ]


def kind_of(found: Any) -> str:
    types = sa.types
    for kind, classes in (
        ("boolean", (types.Boolean,)),
        ("integer", (types.Integer,)),
        ("number", (types.Numeric, types.Float)),
        ("date", (types.Date,)),
        ("time", (types.DateTime,)),
        ("text", (types.String, types.Uuid, types.Enum)),
        (BINARY, (types.LargeBinary,)),
    ):
        if isinstance(found, classes):
            return kind if kind != "date" or not isinstance(found, types.DateTime) else "time"
    return OTHER
