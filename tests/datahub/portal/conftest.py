import pytest
from django.core.cache import cache

from datahub.declare import ColumnSpec, DatasetSpec
from datahub.models import Dataset
from datahub.services import deliver, save_dataset
from tests.factories.city import CITY, OrganisationFactory
from tests.factories.datahub import READINGS, csv_file, rows

OPEN = READINGS.model_copy(
    update={
        "code": "test.open_air",
        "name": "空气读数",
        "name_en": "Air readings",
        "summary": "各站点逐分钟读数。",
        "domain": "生态环境",
        "theme": "环境保护",
        "tags": ("空气", "监测"),
        "provider": "3206-hj",
        "privacy_class": "none",
        "share_type": "unconditional",
        "open_type": "open",
        "columns": (
            *READINGS.columns,
            ColumnSpec(code="reporter_phone", kind="text", name="上报人电话", personal=True),
            ColumnSpec(code="inner_note", kind="text", name="内部备注", grade="L3"),
        ),
    }
)
REGISTER = DatasetSpec(
    code="test.open_stations",
    name="公开站点名录",
    open_type="open",
    share_type="unconditional",
    licence="cc-by-4.0",
    key_columns=("id",),
    columns=(
        ColumnSpec(code="id", kind="text", name="编号", required=True),
        ColumnSpec(code="name", kind="text", name="名称"),
    ),
)
# One per reason to stay closed; every one has the word 机密 that a search must not find.
CLOSED = {
    "not_open": {"open_type": "closed"},
    "on_conditions": {"open_type": "conditional"},
    "not_shared": {"share_type": "none"},
    "personal": {"privacy_class": "personal"},
    "sensitive": {"privacy_class": "sensitive"},
}


def closed_spec(name: str) -> DatasetSpec:
    changed = {
        "code": f"test.closed_{name}",
        "name": f"机密数据 {name}",
        "tags": ("机密",),
        "theme": "机密主题",
        "provider": "3206-secret",
    }
    return OPEN.model_copy(update={**changed, **CLOSED[name]})


@pytest.fixture(autouse=True)
def no_counted_calls(fresh_cache):
    cache.clear()


@pytest.fixture
def department(db):
    OrganisationFactory(code="3206-secret", name="机密局", area_code=CITY)
    return OrganisationFactory(code="3206-hj", name="市生态环境局", area_code=CITY)


@pytest.fixture
def open_air(city, department, noon, tmp_path):
    """An open dataset with twelve rows, whose hidden columns are filled."""
    found = save_dataset(OPEN)[0]
    records = rows(12, reporter_phone="13812345678", inner_note="勿外传")
    deliver(dataset_code=found.code, path=csv_file(tmp_path, records))
    return Dataset.objects.get(pk=found.pk)


@pytest.fixture
def closed(city, department, noon, tmp_path):
    """Datasets that are not open, each with rows, and one that was never published."""
    found = []
    for name in CLOSED:
        found.append(save_dataset(closed_spec(name))[0])
        deliver(
            dataset_code=found[-1].code, path=csv_file(tmp_path, rows(3, reporter_phone="1", inner_note="x"))
        )
    draft = OPEN.model_copy(update={"code": "test.closed_draft", "name": "机密草稿", "tags": ("机密",)})
    found.append(save_dataset(draft, status="draft")[0])
    return found
