"""One cluster for all of these tests, and both engines side by side."""

import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from commandcenter.core import clock
from tests.spark.cluster import Cluster

HERE = Path(__file__).parent


def why_not() -> str:
    """Why these tests cannot run here; '' when they can."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "pyspark is not installed: a city with a cluster installs requirements-spark.txt (450 MB)"
    return "" if shutil.which("java") else "Spark needs Java 17 or later, and there is none"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    why = why_not()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("spark"))
            if why:
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    import pyspark

    from datahub.lake import engine_spark

    found = Cluster(tmp_path_factory.mktemp("spark"), Path(pyspark.__file__).parent)
    before = {name: os.environ.get(name) for name in found.environment}
    os.environ.update(found.environment)
    try:
        found.start()
        engine_spark.spark_engine(found.url)  # its Java starts while the workers do
        found.wait_for_workers()
        yield found
    finally:
        engine_spark.close()
        _end_gateway()
        found.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _end_gateway() -> None:
    """The driver's Java, which PySpark keeps until Python ends."""
    from pyspark import SparkContext

    gateway, SparkContext._gateway, SparkContext._jvm = SparkContext._gateway, None, None
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(20)


@dataclass
class Both:
    """The same question to both engines."""

    cluster: Cluster
    settings: Any

    @contextmanager
    def spark(self) -> Iterator[None]:
        before, self.settings.LAKE_ENGINE = self.settings.LAKE_ENGINE, self.cluster.url
        try:
            yield
        finally:
            self.settings.LAKE_ENGINE = before

    def ask(self, question: Callable[[], Any]) -> tuple[Any, Any]:
        here = question()
        with self.spark():
            return here, question()

    def same(self, question: Callable[[], pa.Table]) -> list[dict[str, Any]]:
        """Rows in any order, types and values to the last bit. Returns them."""
        here, there = self.ask(question)
        assert there.schema.equals(here.schema), (here.schema, there.schema)
        assert ordered(there) == ordered(here)
        return here.to_pylist()

    def same_in_memory(self, expression: Any) -> list[dict[str, Any]]:
        """As `same`, for rows that are here already; on the cluster all the same."""
        from datahub.lake.engine import in_process
        from datahub.lake.engine_spark import spark_engine

        here = in_process().to_arrow(expression)
        there = spark_engine(self.cluster.url).backend.to_pyarrow(expression)
        assert there.schema.equals(here.schema), (here.schema, there.schema)
        assert ordered(there) == ordered(here)
        return here.to_pylist()


def ordered(table: pa.Table) -> list[tuple[str, ...]]:
    """Rows as exact words, sorted: 0.1 + 0.2 is not 0.3, null is not nan, -0.0 is 0.0."""
    return sorted(tuple(_word(value) for value in row.values()) for row in table.to_pylist())


def _word(value: Any) -> str:
    if isinstance(value, float) and not math.isnan(value):
        return (value + 0.0).hex()
    return repr(value)


@pytest.fixture
def both(cluster: Cluster, settings: Any) -> Both:
    return Both(cluster, settings)


@pytest.fixture
def city(db: None) -> Any:
    from city.locate import forget
    from tests.factories.alerts import clean_air_city

    forget()
    return clean_air_city()


@pytest.fixture
def areas(db: None) -> None:
    """Only the ground: tests of tables need no detectors."""
    from city.locate import forget
    from tests.factories.city import AreaFactory, square

    forget()
    AreaFactory(code="3206", name="南通市", polygon=square(120.0, 31.0, 2.0))
    AreaFactory(code="320613", name="崇川区", polygon=square(120.8, 31.9, 0.2))


@pytest.fixture
def noon() -> Iterator[Any]:
    from tests.factories.alerts import NOW

    with clock.at(NOW):
        yield NOW
