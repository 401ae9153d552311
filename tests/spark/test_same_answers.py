"""The same questions to the same lake, answered by DuckDB in process and by the cluster."""

from datetime import UTC, date, datetime, timedelta

import ibis
import pyarrow as pa
import pytest
from django.core.exceptions import ImproperlyConfigured

from alerts.patterns import ops
from commandcenter.core import clock
from datahub import selectors
from datahub.declare import ColumnSpec
from datahub.lake.engine import DuckEngine, in_memory_only, lake_engine
from datahub.services import deliver, save_dataset
from tests.factories.datahub import NOON, READINGS, REGISTER, csv_file, make_dataset

engine_spark = pytest.importorskip(
    "datahub.lake.engine_spark", reason="needs requirements-spark.txt", exc_type=ModuleNotFoundError
)
pytestmark = pytest.mark.django_db
CODE = READINGS.code
MIDNIGHT = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)  # in Shanghai


def take(table):
    found = deliver(dataset_code=CODE, table=table)
    assert (found.state, found.rows_rejected) == ("committed", 0), found.detail
    return found


def readings_table(times, values, **more):
    size = len(times)
    return pa.table(
        {
            "station": [f"S{int(at.timestamp()) // 1200 % 3}" for at in times],
            "at": pa.array(times, pa.timestamp("us", "UTC")),
            "value": pa.array(values, pa.float64()),
            "count": pa.array([None if n % 4 == 0 else n % 90 for n in range(size)], pa.int64()),
            "lon": pa.array([None if n % 5 == 0 else 120.9 for n in range(size)], pa.float64()),
            "lat": pa.array([None if n % 5 == 0 else 32.0 for n in range(size)], pa.float64()),
            **more,
        }
    )


@pytest.fixture
def lake(areas, noon):
    """Three deliveries around a midnight: nulls, tenths, repeats, a column that came later."""
    make_dataset()
    edges = [MIDNIGHT + timedelta(microseconds=us) for us in (-1_000_000, -1, 0, 1, 1_000_000)]
    hours = [MIDNIGHT + timedelta(minutes=20 * n + 7) for n in range(-54, 36)]
    take(readings_table(edges + hours, [None if n % 7 == 0 else n % 50 / 10 for n in range(95)]))
    take(readings_table(hours[:30], [1.1] * 30))
    wider = (*READINGS.columns, ColumnSpec(code="humidity", kind="number", name="湿度"))
    save_dataset(READINGS.model_copy(update={"columns": wider}))
    take(readings_table(hours[60:70], [0.0] * 10, humidity=[n / 7 for n in range(10)]))


def test_the_tables_are_the_same_row_by_row(both, lake):
    whole = both.same(lambda: selectors.read(CODE))
    assert len(whole) == 135
    assert sum(row["humidity"] is None for row in whole) == 125
    assert sum(row["value"] is None for row in whole) == 14


def test_days_begin_at_midnight_in_shanghai(both, lake):
    def of_day(day):
        return lambda: selectors.read(CODE, days=(day, day), columns=["station", "at", "day", "_row"])

    assert len(both.same(of_day(date(2026, 11, 19)))) == 2 + 54 + 30
    first = both.same(of_day(date(2026, 11, 20)))
    assert min(row["at"] for row in first) == MIDNIGHT

    def told_and_counted():
        table = selectors.engine().table(CODE)
        at = ops.seconds(table["at"])
        asked = table.select("day", "at", counted=ops.shanghai_day(at), hour=ops.shanghai_hour(at))
        return selectors.engine().to_arrow(asked)

    for row in both.same(told_and_counted):
        assert row["counted"] == (row["day"] - date(1970, 1, 1)).days


def test_counts_nulls_and_extremes_by_group(both, lake):
    def question():
        t = selectors.engine().table(CODE)
        asked = t.group_by("station", "day").aggregate(
            rows=t.count(),
            values=t["value"].count(),
            gaps=t["value"].isnull().sum(),
            low=t["value"].min(),
            high=t["value"].max(),
            counted=t["count"].sum(),
            first=t["at"].min(),
            last=t["_known_from"].max(),
            places=t["_area"].nunique(),
        )
        return selectors.engine().to_arrow(asked)

    assert sum(row["rows"] for row in both.same(question)) == 135


def test_windows_and_hour_differences(both, lake):
    def question():
        t = selectors.engine().table(CODE)
        t = t.mutate(t=ops.seconds(t["at"]), value=ops.number(t["value"]))
        t = ops.latest_per(t, ["station", "t"], ["_delivery", "_row"])
        window = {"of": "station", "at": "t", "window_s": 3 * ops.HOUR}
        asked = t.mutate(
            mean=ops.trailing_mean(t["value"], **window),
            held=ops.trailing_count(t["value"], **window),
            hours=ops.hours_between(ops.previous(t["t"], of="station", at="t"), t["t"]),
            ratio=ops.divide(t["value"], t["count"]),
        )
        return selectors.engine().to_arrow(asked)

    got = both.same(question)
    assert {row["hours"] for row in got} >= {None, 1.0}
    assert any(row["count"] == 0 and row["ratio"] is None for row in got)


def test_versions_moments_and_refs(both, lake):
    old = selectors.pinned(CODE, 1).version
    assert len(both.same(lambda: selectors.read(CODE, version=old))) == 95
    row = selectors.read(CODE, columns=["_delivery", "_row"]).to_pylist()[0]
    here, there = both.ask(lambda: selectors.row_by_ref(f"datahub.row:{row['_delivery']}:{row['_row']}"))
    assert here == there
    here, there = both.ask(lambda: selectors.sample(CODE, limit=15))
    assert here == there


def test_a_register_as_known_now_and_then(both, areas, tmp_path):
    make_dataset(REGISTER)
    for day, name in ((0, "旧"), (2, "新")):
        with clock.at(NOON + timedelta(days=day)):
            records = [{"id": "A", "name": name}, {"id": f"B{day}", "name": ""}]
            deliver(dataset_code=REGISTER.code, path=csv_file(tmp_path, records, f"{day}.csv"))

    def known(**when):
        got = both.same(lambda: selectors.engine().to_arrow(selectors.latest(REGISTER.code, **when)))
        return {row["id"]: row["name"] for row in got}

    assert known() == {"A": "新", "B0": None, "B2": None}
    assert known(as_of=NOON + timedelta(days=1)) == {"A": "旧", "B0": None}
    assert len(both.same(lambda: selectors.read(REGISTER.code, as_of=NOON))) == 2


def test_a_dataset_without_rows_has_all_its_columns(both, areas):
    make_dataset()
    assert both.same(lambda: selectors.read(CODE)) == []


def test_a_batch_joined_with_the_lake_leaves_nothing_behind(both, lake):
    """As judging looks up the readings behind a mean: what was sent along is dropped afterwards."""

    def question():
        t = selectors.engine().table(CODE)
        wanted = ops.from_arrow(pa.table({"station": ["S1", None], "upto": [3, 9]}))
        return selectors.engine().to_arrow(
            t.join(wanted, [t.station == wanted.station, t["count"] <= wanted.upto]).select(
                "station", "count", "upto"
            )
        )

    got = both.same(question)
    assert {row["station"] for row in got} == {"S1"}
    with both.spark():
        names = lake_engine().session.catalog.listTables()
        assert not [table.name for table in names if "memtable" in table.name]
    views = (
        selectors.engine()
        .backend.raw_sql("SELECT view_name FROM duckdb_views() WHERE NOT internal")
        .fetchall()
    )
    assert not [name for (name,) in views if "memtable" in name]


def test_both_workers_work(both, lake):
    with both.spark():
        selectors.read(CODE)
        context = lake_engine().session.sparkContext
        assert context.master.startswith("spark://127.0.0.1:")
        assert len(context._jsc.sc().statusTracker().getExecutorInfos()) == 3  # the driver and two


def test_a_batch_from_memory_is_judged_here_not_on_the_cluster(both, settings, monkeypatch):
    batch = ops.from_arrow(pa.table({"v": [1.0]}))
    assert in_memory_only(batch.select(n=ops.number(batch.v)))
    with both.spark():
        engine = lake_engine()
        monkeypatch.setattr(engine.backend, "to_pyarrow", None)
        assert engine.to_arrow(batch.select(n=ops.number(batch.v))).to_pylist() == [{"n": 1.0}]


def test_a_file_that_is_gone_is_an_error_not_fewer_rows(both, lake, settings):
    from pathlib import Path

    gone = selectors.pinned(CODE).paths()[0]
    Path(gone).unlink()
    with both.spark(), pytest.raises(Exception, match=r"(?i)not.*exist|not.*found"):
        selectors.read(CODE)


def test_a_question_that_takes_too_long_is_given_up(both, lake, monkeypatch):
    monkeypatch.setattr(engine_spark, "MOST_SECONDS", 0.2)
    with both.spark():
        engine = lake_engine()
        t = selectors.engine().table(CODE)
        many = t.select(a="value")
        for name, rows in (("b", 135), ("c", 135), ("d", 12)):
            many = many.cross_join(t.select(**{name: "value"}).limit(rows))
        with pytest.raises(TimeoutError, match="0.2 s"):
            engine.to_arrow(many.aggregate(n=(ibis._.a * ibis._.b * ibis._.c * ibis._.d).cos().sum()))
        monkeypatch.undo()
        assert selectors.read(CODE).num_rows == 135


def test_the_setting_chooses_and_nonsense_is_refused(both, settings):
    assert isinstance(lake_engine(), DuckEngine)
    for wrong in ("spark", "local[2]", "sparks://x", ""):
        settings.LAKE_ENGINE = wrong
        with pytest.raises(ImproperlyConfigured, match="spark://host:port"):
            lake_engine()
    settings.LAKE_ENGINE = "spark://127.0.0.1:1"
    with pytest.raises(ImproperlyConfigured, match="already"):
        lake_engine()
