"""A declaration may grow; what rows have is not taken from them."""

import io

import pytest
from django.core.management import CommandError, call_command

from datahub import selectors
from datahub.declare import ColumnSpec
from datahub.lake.schema import SchemaRefused
from datahub.services import deliver, save_dataset
from datahub.services.catalogue import add_column
from datahub.services.upkeep import compact_lake
from tests.factories.datahub import PEOPLE, READINGS, csv_file, make_dataset, rows

pytestmark = pytest.mark.django_db
CODE = READINGS.code


@pytest.fixture
def delivered(readings, noon, tmp_path):
    return deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(3)))


def changed(**columns):
    """READINGS with columns replaced (None: removed)."""
    found = [columns.get(c.code, c) for c in READINGS.columns]
    return READINGS.model_copy(update={"columns": tuple(c for c in found if c is not None)})


def test_an_added_column_is_null_in_older_rows(delivered, tmp_path):
    before = make_dataset().revision
    out = io.StringIO()
    call_command("add_column", CODE, "humidity", "number", "--name", "湿度", "--unit", "%", stdout=out)
    assert out.getvalue().strip() == f"{CODE}: revision {before + 1}"
    assert selectors.read(CODE, columns=["humidity"]).column(0).null_count == 3
    deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(2, humidity=55), "wider.csv"))
    assert selectors.read(CODE, columns=["humidity"]).column(0).null_count == 3
    for n in range(8):
        deliver(dataset_code=CODE, path=csv_file(tmp_path, rows(1, station=f"Q{n}", humidity=1), f"{n}.csv"))
    assert compact_lake() > 0
    assert selectors.read(CODE, columns=["humidity"]).column(0).null_count == 3


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        pytest.param({"count": None}, "count", id="removed"),
        pytest.param({"value": ColumnSpec(code="value", kind="integer", name="读数", unit="μg/m³")}, "value", id="type"),
        pytest.param({"value": ColumnSpec(code="value", kind="number", name="读数", unit="mg/m³")}, "value", id="unit"),
        pytest.param({"station": ColumnSpec(code="station", kind="text", name="站", personal=True)}, "station", id="personal"),
    ],
)  # fmt: skip
def test_narrowing_is_refused_with_the_reason(delivered, columns, field):
    spec = changed(**columns).model_copy(update={"rules": ()})
    before = make_dataset().revision
    with pytest.raises(SchemaRefused) as refused:
        save_dataset(spec)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert refused.value.problems[0].reason
    assert make_dataset().revision == before
    assert selectors.read(CODE).num_rows == 3


def test_before_the_first_row_everything_may_change(readings):
    spec = changed(count=None).model_copy(update={"rules": ()})
    assert save_dataset(spec)[1]


def test_a_personal_column_stays_personal(noon, city, tmp_path):
    make_dataset(PEOPLE)
    deliver(
        dataset_code=PEOPLE.code, path=csv_file(tmp_path, [{"number": "1", "phone": "13800138000", "age": 3}])
    )
    clear = [c.model_copy(update={"personal": False}) for c in PEOPLE.columns]
    with pytest.raises(SchemaRefused):
        save_dataset(PEOPLE.model_copy(update={"columns": tuple(clear)}))


@pytest.mark.parametrize("column", ["value", "Bad Name"])
def test_a_column_that_cannot_be_added(delivered, column):
    with pytest.raises(CommandError):
        call_command("add_column", CODE, column, "number")


def test_a_packs_dataset_grows_in_its_pack(delivered):
    save_dataset(READINGS, pack="test")
    with pytest.raises(SchemaRefused):
        add_column(CODE, ColumnSpec(code="humidity", kind="number", name="湿度"))
