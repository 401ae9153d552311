"""A table of another database: every row once, whatever its owner does to it meanwhile."""

import sqlite3
from datetime import timedelta

import pytest

from commandcenter.core import clock
from commandcenter.core.errors import BadInput
from datahub import outbound, selectors
from datahub.connectors import database, table
from datahub.connectors.errors import SourceFailed
from datahub.connectors.models import Source
from datahub.connectors.services import accept_columns, run_source, save_source
from datahub.connectors.settings import DatabaseSettings
from datahub.models import Delivery
from datahub.quality.models import Incident
from tests.factories.datahub import NOON, REGISTER, make_dataset

from .conftest import CODE, stations

pytestmark = pytest.mark.django_db
TABLE = """CREATE TABLE rows (id bigserial PRIMARY KEY, station text, at timestamptz NOT NULL,
  value double precision, count int, changed timestamptz, note jsonb)"""
COLUMNS = {"station": "station", "at": "at", "value": "value", "count": "count"}


def insert(elsewhere, first, n, changed="'2026-11-20 03:00+00'"):
    elsewhere.do(
        f"INSERT INTO rows (station, at, value, count, changed) SELECT 'S' || lpad(g::text, 5, '0'),"
        f" timestamptz '2026-11-20 00:00+00' + g * interval '1 s', g % 100, g % 50, {changed}"
        f" FROM generate_series({first}, {first + n - 1}) g"
    )


def named(*numbers):
    return [f"S{n:05d}" for n in numbers]


@pytest.fixture
def pg(elsewhere, noon):
    elsewhere.do(TABLE)
    return elsewhere


@pytest.fixture
def source(pg, connect):
    def made(cursor="id", **more):
        settings = {
            "url": pg.url,
            "schema_name": "public",
            "table": "rows",
            "columns": COLUMNS,
            "cursor": cursor,
        }
        return connect("database", {**settings, **more}, secret=pg.password)

    return made


def test_new_rows_come_and_old_ones_do_not_come_again(pg, source, run):
    insert(pg, 1, 120)
    one = source()
    first = run(one)
    assert (first.outcome, first.rows, first.reason) == ("delivered", 120, "")
    assert run(one).outcome == "nothing"
    insert(pg, 121, 5)
    assert (run(one).rows, stations()) == (5, named(*range(1, 126)))
    one.refresh_from_db()
    assert (one.cursor["value"], one.rows, one.failures) == (125, 125, 0)
    assert selectors.read(CODE, columns=["value"]).column("value").null_count == 0
    assert Delivery.objects.filter(source="database").count() == 2


def test_many_batches_of_one_run_are_one_row_each(pg, source, run, monkeypatch):
    monkeypatch.setattr(table, "BATCH_ROWS", 100)
    monkeypatch.setattr(table, "CHUNK_ROWS", 30)
    insert(pg, 1, 450)
    ended = run(source())
    assert (ended.rows, ended.batches) == (450, 5)
    assert stations() == named(*range(1, 451))


def test_rows_that_share_a_cursor_value_with_the_last_one_are_neither_lost_nor_doubled(
    pg, source, run, monkeypatch
):
    monkeypatch.setattr(table, "BATCH_ROWS", 7)
    insert(pg, 1, 30)  # one and the same time of change, over several batches
    one = source("changed", overlap=0)
    assert (run(one).rows, stations()) == (30, named(*range(1, 31)))
    insert(pg, 31, 4)  # written later, with the same time
    assert (run(one).rows, run(one).rows) == (4, 0)
    insert(pg, 35, 2, changed="'2026-11-20 03:05+00'")
    insert(pg, 37, 1)  # both are newer than what was newest, or as new
    assert run(one).rows == 3
    insert(pg, 38, 1)
    assert run(one).rows == 0, "without an overlap nobody looks behind the newest value"
    assert stations() == named(*range(1, 38))


def test_a_row_that_becomes_visible_late_is_found_within_the_overlap(pg, source, run):
    insert(pg, 1, 10, changed="'2026-11-20 03:10+00'")
    one = source("changed", overlap=600)
    run(one)
    insert(pg, 11, 3, changed="'2026-11-20 03:02+00'")
    insert(pg, 14, 1, changed="'2026-11-20 03:20+00'")
    assert run(one).rows == 4
    assert run(one).outcome == "nothing"
    assert stations() == named(*range(1, 15))


def test_equal_rows_of_a_table_without_a_key_are_as_many_here_as_there(elsewhere, noon, connect, run):
    elsewhere.do(
        "CREATE TABLE log (station text, at timestamptz, value int)",
        "INSERT INTO log SELECT 'SAME', '2026-11-20 03:00+00', 5 FROM generate_series(1, 3)",
    )
    one = connect(
        "database",
        {"url": elsewhere.url, "schema_name": "public", "table": "log", "cursor": "at",
         "columns": {"station": "station", "at": "at", "value": "value"}},
        secret=elsewhere.password,
    )  # fmt: skip
    first = run(one)  # the dataset's key rejects the repeats: what is pulled is counted
    assert (first.rows, first.rejected) == (1, 2)
    elsewhere.do("INSERT INTO log VALUES ('SAME', '2026-11-20 03:00+00', 5)")
    again = run(one)
    assert (again.outcome, again.rows + again.rejected) == ("delivered", 1)
    assert run(one).outcome == "nothing"


def test_rows_without_a_cursor_value_or_from_the_future_are_said_and_do_not_block(pg, source, run):
    insert(pg, 1, 5)
    insert(pg, 6, 2, changed="NULL")
    insert(pg, 8, 1, changed="'2099-01-01'")
    insert(pg, 9, 1, changed="'infinity'")
    one = source("changed")
    ended = run(one)
    assert (ended.rows, ended.outcome) == (5, "delivered")
    assert ended.reason.count("2") >= 2
    assert len(ended.reason.splitlines()) == 2
    insert(pg, 10, 1, changed="'2026-11-20 03:30+00'")
    assert run(one).rows == 1


def test_a_whole_table_without_a_cursor_is_unchanged_until_it_changes(pg, noon, connect, run):
    make_dataset(REGISTER)
    pg.do(
        "CREATE TABLE names (id int PRIMARY KEY, name text)", "INSERT INTO names VALUES (2, '乙'), (1, '甲')"
    )
    settings = {
        "url": pg.url,
        "schema_name": "public",
        "table": "names",
        "columns": {"id": "id", "name": "name"},
    }
    one = connect("database", settings, dataset_code=REGISTER.code, secret=pg.password)
    assert run(one).rows == 2
    assert run(one).outcome == "unchanged"
    pg.do("UPDATE names SET name = '丙' WHERE id = 2")
    assert run(one).outcome == "delivered"
    pg.do("UPDATE names SET name = '乙' WHERE id = 2")
    assert run(one).outcome == "delivered", "back to what it was is a change too"
    assert run(one).outcome == "unchanged"


# ---------------------------------------------------------------- columns that change overnight


@pytest.mark.parametrize(
    ("change", "name"),
    [
        pytest.param("ALTER TABLE rows RENAME COLUMN value TO pm25", "value", id="renamed"),
        pytest.param("ALTER TABLE rows DROP COLUMN count", "count", id="gone"),
        pytest.param("ALTER TABLE rows ALTER COLUMN value TYPE text USING value::text", "value", id="retyped"),
        pytest.param("ALTER TABLE rows RENAME COLUMN id TO number", "id", id="the cursor itself"),
        pytest.param("DROP TABLE rows", "rows", id="the table"),
    ],
)  # fmt: skip
def test_columns_that_change_overnight_fail_the_run_and_take_nothing(pg, source, run, change, name):
    insert(pg, 1, 10)
    one = source()
    run(one)
    insert(pg, 11, 10)
    pg.do(change)
    for _ in range(3):
        ended = run(one)
        assert (ended.outcome, ended.code) == ("failed", "columns_changed")
        assert name in ended.reason
    one.refresh_from_db()
    assert (one.cursor["value"], one.failures, len(stations())) == (10, 3, 10)
    assert not one.batches.filter(state="fetched").exists()
    incident = Incident.objects.get()
    assert (incident.kind, incident.times, incident.state) == ("columns_changed", 3, "open")
    assert name in incident.detail


def test_a_new_column_is_only_noted_and_mended_columns_go_on(pg, source, run):
    insert(pg, 1, 3)
    one = source()
    run(one)
    pg.do("ALTER TABLE rows ADD COLUMN extra int", "ALTER TABLE rows RENAME COLUMN value TO pm25")
    insert_more = "INSERT INTO rows (station, at, pm25, count) VALUES ('S00004', '2026-11-20 03:00+00', 1, 1)"
    pg.do(insert_more)
    assert run(one).outcome == "failed"
    columns = {"station": "station", "at": "at", "pm25": "value", "count": "count"}
    save_source(
        by=None, source_id=one.pk, dataset_code=CODE, name=one.name, kind="database",
        settings={**one.settings, "columns": columns}, ready=True,
    )  # fmt: skip
    assert (run(one).rows, stations()) == (1, named(1, 2, 3, 4))
    assert Incident.objects.get().state == "closed"
    pg.do("ALTER TABLE rows ADD COLUMN more int")
    insert_more = insert_more.replace("S00004", "S00005")
    pg.do(insert_more)
    ended = run(one)
    assert (ended.outcome, "more" in ended.reason) == ("delivered", True)
    accept_columns(source_id=one.pk, by=None)
    one.refresh_from_db()
    assert "more" in one.shape


def test_a_table_that_is_filled_with_yesterday_again_adds_nothing(pg, source, run):
    insert(pg, 1, 40)
    one = source("changed")
    run(one)
    pg.do("CREATE TABLE keep AS TABLE rows", "TRUNCATE rows", "INSERT INTO rows SELECT * FROM keep")
    assert run(one).outcome == "nothing"
    assert len(stations()) == 40


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("mysql://u:p@127.0.0.1/x", "dialect", id="another dialect"),
        pytest.param("oracle+oracledb://u@h/x", "dialect", id="oracle"),
        pytest.param("duckdb:////etc/passwd", "dialect", id="duckdb"),
        pytest.param("postgresql:///x?host=/var/run/postgresql", "bad_url", id="a socket of this machine"),
        pytest.param("postgresql://u@127.0.0.1/x?options=-c%20a", "bad_url", id="options of the driver"),
        pytest.param("postgresql://u@127.0.0.1/x?sslmode=never", "bad_url", id="no such mode"),
        pytest.param("postgresql://u@a,b/x", "bad_url", id="two hosts"),
        pytest.param("sqlite://", "bad_url", id="no file"),
        pytest.param("sqlite:////etc/passwd", "outside", id="outside the drop folder"),
        pytest.param("sqlite:///a/../../x.db", "outside", id="out by dots"),
        pytest.param("sqlite:///file.db", "outside", id="not in a folder of its own"),
        pytest.param("nonsense", "bad_url", id="no address"),
    ],
)
def test_addresses_that_are_refused(db, readings, url, code):
    with pytest.raises(SourceFailed) as refused:
        save_source(by=None, dataset_code=CODE, name="x", kind="database", settings={"url": url})
    assert refused.value.code == code
    assert not Source.objects.exists()


@pytest.mark.parametrize("host", ["10.0.0.5", "169.254.169.254", "192.168.1.1", "[::1]", "0.0.0.0"])
def test_a_database_at_an_address_that_is_not_listed_is_refused(db, readings, host):
    with pytest.raises(outbound.OutboundRefused):
        save_source(
            by=None,
            dataset_code=CODE,
            name="x",
            kind="database",
            settings={"url": f"postgresql://u@{host}/x"},
        )
    assert not Source.objects.exists()


def test_the_address_that_was_checked_is_the_one_that_is_called(pg, source, run, settings, monkeypatch):
    """A name that answers differently the second time leads nowhere."""
    insert(pg, 1, 2)
    one = source()
    asked = []

    def resolve(host, port):
        asked.append(host)
        return [outbound.ipaddress.ip_address("127.0.0.1" if len(asked) == 1 else "10.9.9.9")]

    monkeypatch.setattr(outbound, "resolve", resolve)
    Source.objects.filter(pk=one.pk).update(
        settings={**one.settings, "url": one.settings["url"].replace("127.0.0.1", "db.department.example")}
    )
    assert (run(one).rows, asked) == (2, ["db.department.example"])
    assert (run(one).code, asked) == ("outbound_refused", ["db.department.example"] * 2)


def test_nothing_can_be_written_there(pg, source):
    insert(pg, 1, 1)
    one = source()
    settings = DatabaseSettings.model_validate(one.settings)
    with pytest.raises(SourceFailed), database.connected(settings, pg.password) as connection:
        connection.execute(table.sa.text("DELETE FROM rows"))
    assert pg.do("SELECT count(*) FROM rows") == [(1,)]


def test_a_slow_answer_ends_at_the_time_limit(pg, source, run):
    pg.do("CREATE VIEW slow AS SELECT id, station, at, value, count FROM rows, pg_sleep(30)")
    insert(pg, 1, 1)
    one = source(timeout_s=1, table="slow")
    ended = run(one)
    assert (ended.outcome, ended.code) == ("failed", "database")


def test_rows_that_take_too_long_to_count_are_not_counted(pg, source, run, monkeypatch):
    insert(pg, 1, 5)
    insert(pg, 6, 1, changed="NULL")
    one = source("changed")
    monkeypatch.setattr(table, "COUNT_MS", 50)
    monkeypatch.setattr(
        table,
        "_count",
        lambda connection, *_: connection.execute(table.sa.text("SELECT pg_sleep(5)")) and "1",
    )
    ended = run(one)
    assert (ended.outcome, ended.rows, ended.reason) == ("delivered", 5, "")


def test_a_wrong_password_is_said_in_plain_words_and_is_not_repeated(pg, source, run):
    insert(pg, 1, 1)
    one = source()
    assert pg.password not in str(one.settings)
    pg.do("ALTER TABLE rows RENAME TO elsewhere_rows")
    ended = run(one)
    assert ended.outcome == "failed"
    assert pg.password not in ended.reason + Incident.objects.get().detail


# ---------------------------------------------------------------- SQLite files


@pytest.fixture
def file(drop, noon):
    (drop / "dept").mkdir(parents=True)
    path = drop / "dept" / "data.db"
    with sqlite3.connect(path) as link:
        link.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, station TEXT, at TEXT, value REAL)")
        link.executemany(
            "INSERT INTO rows (station, at, value) VALUES (?, ?, ?)",
            [(f"S{n:05d}", (NOON - timedelta(minutes=n)).isoformat(), n / 2) for n in range(1, 41)],
        )
    return path


LITE = {"station": "station", "at": "at", "value": "value"}


def lite(connect, **more):
    return connect(
        "database",
        {"url": "sqlite:///dept/data.db", "table": "rows", "columns": LITE, "cursor": "id", **more},
    )


def test_a_sqlite_file_in_the_drop_folder_is_pulled_row_by_row(file, connect, run):
    one = lite(connect)
    assert (run(one).rows, run(one).outcome) == (40, "nothing")
    with sqlite3.connect(file) as link:
        link.execute("INSERT INTO rows (station, at, value) VALUES ('S00041', ?, 'many')", [NOON.isoformat()])
        link.execute("INSERT INTO rows (station, at, value) VALUES ('S00042', ?, 7)", [NOON.isoformat()])
    ended = run(one)
    assert (ended.rows, ended.rejected) == (1, 1)
    with sqlite3.connect(file) as link:
        link.execute("ALTER TABLE rows RENAME COLUMN value TO pm25")
    ended = run(one)
    assert (ended.code, "value" in ended.reason) == ("columns_changed", True)


def test_text_as_a_cursor_keeps_its_order_and_its_ties(file, connect, run, monkeypatch):
    monkeypatch.setattr(table, "BATCH_ROWS", 9)
    one = lite(connect, cursor="at")
    assert run(one).rows == 40
    with sqlite3.connect(file) as link:
        last = link.execute("SELECT max(at) FROM rows").fetchone()[0]
        link.execute("INSERT INTO rows (station, at, value) VALUES ('TIE', ?, 1)", [last])
    assert (run(one).rows, run(one).rows) == (1, 0)
    assert len(stations()) == 41


def test_a_cursor_of_several_kinds_fails(file, connect, run):
    with sqlite3.connect(file) as link:
        link.execute("CREATE TABLE odd (n, station, at)")
        link.executemany("INSERT INTO odd VALUES (?, 'X', '2026-11-20')", [(1,), ("two",)])
    ended = run(lite(connect, table="odd", columns={"station": "station", "at": "at"}, cursor="n"))
    assert (ended.outcome, ended.code) == ("failed", "bad_cursor")


@pytest.mark.parametrize("what", ["symlink", "hardlink", "folder link", "not sqlite"])
def test_a_sqlite_file_that_leads_elsewhere_is_refused(file, connect, tmp_path, drop, what):
    if what == "not sqlite":
        file.write_text("just text, and long enough to be looked at")
    elif what == "folder link":
        (drop / "dept").rename(tmp_path / "elsewhere")
        (drop / "dept").symlink_to(tmp_path / "elsewhere")
    else:
        file.rename(tmp_path / "elsewhere.db")
        (file.symlink_to if what == "symlink" else file.hardlink_to)(tmp_path / "elsewhere.db")
    with pytest.raises(SourceFailed):
        lite(connect)
    assert not Source.objects.filter(ready=True).exists()


def test_the_file_of_somebody_else_may_hold_a_query_without_end(file, connect, run):
    with sqlite3.connect(file) as link:
        link.execute(
            "CREATE TABLE gen (id INTEGER PRIMARY KEY, station TEXT, at TEXT, value AS (id / 0) VIRTUAL)"
        )
        link.execute(
            "CREATE VIEW bomb AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r"
        )
    settings = DatabaseSettings(url="sqlite:///dept/data.db")
    with database.connected(settings, "") as connection:
        assert ("", "bomb") not in database.tables(connection)
    with pytest.raises(BadInput):
        lite(connect, columns={"station": "nowhere"})
    assert run_source(lite(connect, table="rows").pk).outcome == "delivered"
    assert clock.now() == NOON
