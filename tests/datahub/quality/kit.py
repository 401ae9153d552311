"""Datasets and steps shared by the tests of quality."""

from datahub.declare import ColumnSpec, DatasetSpec, RuleSpec
from datahub.services import deliver, save_dataset
from tests.factories.city import CITY, OrganisationFactory, UserFactory
from tests.factories.datahub import csv_file

PROVIDER, BUREAU = "3206-market", "3206-data"
SHOPS = DatasetSpec(
    code="test.shops",
    name="测试商户",
    name_en="Test shops",
    provider=PROVIDER,
    share_type="conditional",
    key_columns=("code",),
    columns=(
        ColumnSpec(code="code", kind="text", name="统一社会信用代码", required=True),
        ColumnSpec(code="name", kind="text", name="名称", required=True),
        ColumnSpec(code="staff", kind="integer", name="人数", unit="人"),
        ColumnSpec(code="opened", kind="date", name="开业日期"),
        ColumnSpec(code="closed", kind="date", name="停业日期"),
    ),
    rules=(
        RuleSpec(code="staff_range", kind="range", column="staff", params={"min": 0, "max": 500}),
        RuleSpec(
            code="open_before_close",
            kind="compare",
            column="opened",
            params={"op": "<=", "other": "closed"},
        ),
    ),
)
PERSONS = DatasetSpec(
    code="test.workers",
    name="测试从业人员",
    provider=PROVIDER,
    privacy_class="personal",
    subject_column="id_number",
    key_columns=("number",),
    columns=(
        ColumnSpec(code="number", kind="text", name="编号", required=True),
        ColumnSpec(code="id_number", kind="text", name="证件号码", personal=True, required=True),
        ColumnSpec(code="phone", kind="text", name="电话", personal=True),
        ColumnSpec(code="age", kind="integer", name="年龄"),
    ),
    rules=(RuleSpec(code="id_valid", kind="id_number", column="id_number"),),
)


def shop(code, **over):
    return {"code": code, "name": f"店{code}", "staff": 5, "opened": "2020-01-01", "closed": "", **over}


def shops(folder, records, name="shops.csv", code=SHOPS.code, **options):
    return deliver(dataset_code=code, path=csv_file(folder, records, name), **options)


def declared(spec=SHOPS):
    return save_dataset(spec)[0]


def staff():
    """The owner's officer, one of another organisation, the steward, an analyst."""
    owner = OrganisationFactory(code=PROVIDER, function="market", area_code=CITY)
    other = OrganisationFactory(code="3206-jy", function="education", area_code=CITY)
    OrganisationFactory(code=BUREAU, function="data", area_code=CITY)
    return {
        "owner": UserFactory(roles=[("officer", CITY, owner)]),
        "other": UserFactory(roles=[("officer", CITY, other)]),
        "steward": UserFactory(may=["steward"]),
        "analyst": UserFactory(may=["analyst"]),
    }
