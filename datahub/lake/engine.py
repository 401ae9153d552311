"""The query engine behind Ibis: DuckDB in process over the files of pinned versions, or a Spark cluster.

DuckDB never opens Delta itself: it is given the list of Parquet files and the catalogue's schema.
Every connection has limits for memory and threads and a folder to spill to.
LAKE_ENGINE chooses: `duckdb`, or `spark://host:port` of a standalone master (engine_spark.py).
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from datahub.checks.coerce import TYPES
from datahub.declare import DatasetSpec

from .tables import DAY, SYSTEM_COLUMNS, Pinned, schema_mark

KEEP_VIEWS = 64
_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
    pa.date32(): "DATE",
}


class Engine(Protocol):
    """What the platform asks of an engine: a dataset as an Ibis table."""

    backend: Any

    def table(
        self, spec: DatasetSpec, pinned: Pinned, days: tuple[date, date] | None = None, key: object = None
    ) -> Any: ...

    def to_arrow(self, expression: Any) -> pa.Table: ...

    def within(self, seconds: float) -> AbstractContextManager[None]: ...


class DuckEngine:
    """One connection; belongs to the thread that made it."""

    def __init__(self) -> None:
        import ibis

        spill = Path(getattr(settings, "LAKE_SPILL_DIR", "") or settings.VAR_DIR / "spill")
        spill.mkdir(parents=True, exist_ok=True)
        self.backend = ibis.duckdb.connect(
            ":memory:",
            memory_limit=getattr(settings, "LAKE_MEMORY", "2GB"),
            threads=getattr(settings, "LAKE_THREADS", 0) or os.cpu_count() or 2,
            temp_directory=str(spill),
        )
        self.backend.raw_sql("SET TimeZone = 'UTC'")
        # Ibis would keep a note per batch until the process ends; to_arrow tidies up at once.
        self.backend._make_memtable_finalizer = lambda _name: None
        self._views: OrderedDict[tuple[Any, ...], str] = OrderedDict()
        self._count = 0

    def table(
        self, spec: DatasetSpec, pinned: Pinned, days: tuple[date, date] | None = None, key: object = None
    ) -> Any:
        """The dataset at the pinned version; `days` leaves out files of other days.

        key tells apart selections of files that share a version.
        """
        key = (key, pinned.root, pinned.version, days, tuple((c.code, c.kind) for c in spec.columns))
        name = self._views.get(key)
        if name is None:
            self._count += 1
            name = f"{spec.code.replace('.', '_')}_{self._count}"
            self.backend.raw_sql(f'CREATE TEMP VIEW "{name}" AS {_select(spec, pinned.paths(days))}')
            self._views[key] = name
            while len(self._views) > KEEP_VIEWS:
                _, old = self._views.popitem(last=False)
                self.backend.raw_sql(f'DROP VIEW "{old}"')
        self._views.move_to_end(key)
        return self.backend.table(name)

    def to_arrow(self, expression: Any) -> pa.Table:
        """Run it. Batches from memory are let go afterwards: Ibis itself holds them for good."""
        import ibis.expr.operations as ibis_ops

        try:
            return self.backend.to_pyarrow(expression)
        finally:
            for op in expression.op().find(ibis_ops.InMemoryTable):
                self.backend.con.unregister(op.name)
                self.backend._memtables.discard(op)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Questions of this thread inside are given up after so long, with a TimeoutError."""
        import duckdb

        over = threading.Event()

        def stop() -> None:
            over.set()
            self.backend.con.interrupt()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        except duckdb.InterruptException as error:
            if not over.is_set():
                raise
            raise TimeoutError(f"no answer within {seconds:g} s") from error
        finally:
            timer.cancel()


def _select(spec: DatasetSpec, paths: list[str]) -> str:
    columns = (
        {column.code: TYPES[column.kind] for column in spec.columns} | SYSTEM_COLUMNS | {DAY: pa.date32()}
    )
    if not paths:
        nothing = ", ".join(f'CAST(NULL AS {_SQL_TYPES[kind]}) AS "{name}"' for name, kind in columns.items())
        return f"SELECT {nothing} WHERE false"
    files = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    chosen = ", ".join(f'"{name}"' for name in columns)
    # Files written before a column was added lack it; reading by name fills it with nulls. An empty
    # relation with the whole schema makes sure that every column is known even if no file has it.
    shape = ", ".join(f'CAST(NULL AS {_SQL_TYPES[kind]}) AS "{name}"' for name, kind in columns.items())
    read = f"read_parquet([{files}], hive_partitioning = true, hive_types = {{'{DAY}': DATE}}"
    mark = f"-{schema_mark(spec)}"
    # Names are the catalogue's, checked when it was written; paths are the table's own.
    if all(mark in path.rsplit("/", 1)[-1] for path in paths):
        return f"SELECT {chosen} FROM {read})"  # noqa: S608
    widened = f"SELECT {shape} WHERE false UNION ALL BY NAME SELECT * FROM {read}, union_by_name = true)"  # noqa: S608
    return f"SELECT {chosen} FROM ({widened})"  # noqa: S608


_mine = threading.local()


def lake_engine() -> Engine:
    """This thread's engine, of the kind that LAKE_ENGINE names."""
    chosen = getattr(_mine, "chosen", None) or settings.LAKE_ENGINE
    if chosen == "duckdb":
        return in_process()
    if not chosen.startswith("spark://"):
        raise ImproperlyConfigured(f"LAKE_ENGINE={chosen}: duckdb or spark://host:port")
    try:
        from .engine_spark import spark_engine
    except ImportError as error:
        raise ImproperlyConfigured(f"LAKE_ENGINE={chosen} needs requirements-spark.txt: {error}") from error
    return spark_engine(chosen)


@contextmanager
def asking(chosen: str) -> Iterator[None]:
    """Inside, this thread asks another engine than the setting names: to compare the two."""
    before, _mine.chosen = getattr(_mine, "chosen", None), chosen
    try:
        yield
    finally:
        _mine.chosen = before


def in_process() -> DuckEngine:
    """This thread's DuckDB, opened at first use."""
    found = getattr(_mine, "engine", None)
    if found is None or _mine.pid != os.getpid():
        found = _mine.engine = DuckEngine()
        _mine.pid = os.getpid()
    return found


def in_memory_only(expression: Any) -> bool:
    """Whether an expression reads no dataset, only rows that are here already, as a batch on arrival does."""
    import ibis.expr.operations as ibis_ops

    return not expression.op().find((ibis_ops.DatabaseTable, ibis_ops.SQLQueryResult))
