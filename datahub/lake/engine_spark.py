"""The other engine behind Ibis: a Spark cluster that the city has already (docs/scale-out.md).

Spark gets what DuckDB gets: the Parquet files of a pinned version and the catalogue's schema, so it needs
no extension for Delta. The driver runs in this process, one application per process; what belongs to the
cluster (memory, cores, addresses, keys) stands in the city's own spark-defaults.conf.

Values go from Spark to Arrow and back without pandas, where a null and not-a-number are the same.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from typing import Any

import ibis
import ibis.expr.operations as ibis_ops
import pyarrow as pa
from django.core.exceptions import ImproperlyConfigured
from ibis.backends.pyspark import Backend
from pyspark.sql import SparkSession

from datahub.declare import DatasetSpec

from .engine import KEEP_VIEWS, in_memory_only, in_process
from .tables import DAY, Pinned, lake_schema

MOST_SECONDS = 600  # a question that takes longer, or that finds no workers, is given up
CANCEL_AGAIN_S = 0.5
# What makes the answers equal to DuckDB's; spark-defaults.conf cannot change these.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # A cast that does not fit is an error on both engines; a division by zero is ops.divide's business.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    # Our files count days as everyone has since 1582; nothing is shifted.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    # A file that is gone or torn is an error, never fewer rows.
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
}
# The driver's own pages would show questions and settings to anyone who can reach the machine.
AT_START = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
_TYPES = {
    pa.string(): "STRING",
    pa.int64(): "BIGINT",
    pa.int32(): "INT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us", "UTC"): "TIMESTAMP",
    pa.date32(): "DATE",
}
_names = itertools.count(1)
_lock = threading.Lock()
_mine = threading.local()
_session: SparkSession | None = None
_opened_by: int | None = None

_ = ibis.pyspark  # naming it has Ibis register the backend's options, which its compiler reads
logging.getLogger("py4j").setLevel(logging.WARNING)  # it reports every connection that it closes
# Ibis loads its pandas road too; we do not take it.
warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)


class ArrowSpark(Backend):
    """Ibis' backend, with tables from memory and results as Arrow all the way."""

    def _register_in_memory_table(self, op: ibis_ops.InMemoryTable) -> None:
        rows = op.data.to_pyarrow(op.schema).cast(op.schema.to_pyarrow())
        self._session.createDataFrame(rows).createOrReplaceTempView(op.name)

    def to_pyarrow(
        self, expr: Any, /, *, params: Any = None, limit: int | str | None = None, **kwargs: Any
    ) -> Any:
        table = expr.as_table()
        held = table.op().find(ibis_ops.InMemoryTable)
        self._run_pre_execute_hooks(table)
        try:
            with _within(self._session, MOST_SECONDS):
                found = self._session.sql(self.compile(table, params=params, limit=limit, **kwargs)).toArrow()
        finally:
            for op in held:  # or every batch would stay in the driver for good
                self._session.catalog.dropTempView(op.name)
                self._memtables.discard(op)
        return expr.__pyarrow_result__(found.cast(table.schema().to_pyarrow()))


@contextmanager
def _within(session: SparkSession, seconds: float) -> Iterator[None]:
    """Cancel what this thread asks when it takes too long. Raises TimeoutError then."""
    context = session.sparkContext
    tag = f"commandcenter-{os.getpid()}-{next(_names)}"
    done, over = threading.Event(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            over.set()
            with suppress(Exception):
                # A session's own tags do not reach a question that answers in Arrow; and again, because
                # a job that was being planned is not yet one that can be cancelled.
                context.cancelJobsWithTag(tag)
            wait = CANCEL_AGAIN_S

    context.addJobTag(tag)
    context.setInterruptOnCancel(True)
    threading.Thread(target=watch, name=tag, daemon=True).start()
    try:
        yield
    except Exception as error:
        if over.is_set():
            raise TimeoutError(f"Spark gave no answer within {seconds:g} s") from error
        raise
    finally:
        done.set()
        context.removeJobTag(tag)


class SparkEngine:
    """One session of the process's application, with its own views; belongs to the thread that made it."""

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        for name, value in SETTINGS.items():
            session.conf.set(name, value)
        self.backend = ArrowSpark().connect(session)
        self._views: OrderedDict[tuple[Any, ...], str] = OrderedDict()

    def table(
        self, spec: DatasetSpec, pinned: Pinned, days: tuple[date, date] | None = None, key: object = None
    ) -> Any:
        """The dataset at the pinned version; `days` leaves out files of other days. See DuckEngine.table."""
        key = (key, pinned.root, pinned.version, days, tuple((c.code, c.kind) for c in spec.columns))
        name = self._views.get(key)
        schema = lake_schema(spec)
        if name is None:
            name = f"{spec.code.replace('.', '_')}_{next(_names)}"
            self._frame(schema, pinned, days).createOrReplaceTempView(name)
            self._views[key] = name
            while len(self._views) > KEEP_VIEWS:
                _, old = self._views.popitem(last=False)
                self.session.catalog.dropTempView(old)
        self._views.move_to_end(key)
        # Told rather than asked: Spark has one timestamp type, and the catalogue says that it is UTC.
        types = ibis.Schema.from_pyarrow(schema)
        return ibis_ops.DatabaseTable(name, schema=types, source=self.backend).to_expr()

    def to_arrow(self, expression: Any) -> pa.Table:
        """Run it on the cluster; what touches no dataset is sooner done here than sent there."""
        if in_memory_only(expression):
            return in_process().to_arrow(expression)
        return self.backend.to_pyarrow(expression)

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Questions of this thread inside are given up after so long, with a TimeoutError."""
        return _within(self.session, seconds)

    def _frame(self, schema: pa.Schema, pinned: Pinned, days: tuple[date, date] | None) -> Any:
        paths = [address(path) for path in pinned.paths(days)]
        if not paths:
            return self.session.createDataFrame(schema.empty_table())
        wanted = ", ".join(f"`{field.name}` {_TYPES[field.type]}" for field in schema)
        reader = self.session.read.schema(wanted).option("basePath", address(pinned.root))
        # Columns go by name, so a file from before a column was added gives nulls; the day is in the path.
        frame = reader.parquet(*paths)
        return frame.select(*(f"`{name}`" for name in (*schema.names[:-1], DAY)))


def address(path: str) -> str:
    """A path of the lake as Hadoop names it."""
    if "://" not in path:
        return f"file://{os.path.abspath(path)}"
    scheme, _, rest = path.partition("://")
    return f"s3a://{rest}" if scheme == "s3" else path


def spark_engine(master: str) -> SparkEngine:
    """This thread's engine on the application of this process, which is started at first use."""
    session = _application(master)
    found = getattr(_mine, "engine", None)
    if found is None or _mine.application is not session:
        found = _mine.engine = SparkEngine(session.newSession())
        _mine.application = session
    return found


def _application(master: str) -> SparkSession:
    """The process's application; a new one after the cluster ended the last. One master per process."""
    global _session, _opened_by
    with _lock:
        if _opened_by not in (None, os.getpid()):
            raise RuntimeError("Spark was used before this process was forked; run thread or solo workers")
        if _session is not None and not _stopped(_session):
            if _session.sparkContext.master != master:
                raise ImproperlyConfigured(f"this process uses {_session.sparkContext.master} already")
            return _session
        _opened_by = os.getpid()
        builder = SparkSession.builder.master(master).appName(f"commandcenter-{os.getpid()}")
        for name, value in (SETTINGS | AT_START).items():
            builder = builder.config(name, value)
        _session = builder.getOrCreate()
        return _session


def _stopped(session: SparkSession) -> bool:
    try:
        return bool(session.sparkContext._jsc.sc().isStopped())
    except Exception:  # stopped from Python, or its Java process is gone
        return True


def close() -> None:
    """End this process's application and give its workers back."""
    global _session
    with _lock:
        if _session is not None:
            with suppress(Exception):
                _session.stop()
        _session = None
