"""Finding data: in Chinese, by name, department, theme, tag and column; each within his rights."""

import pytest
from django.urls import reverse

from city.roles import Role
from datahub.catalogue import selectors
from datahub.catalogue.duplicates import Asked, find_repeats
from datahub.catalogue.models import RepeatAnswer
from datahub.catalogue.words import fold, meaning_of, unit_in
from datahub.models import Dataset
from datahub.packs import chemicals, environment, housing
from datahub.services import save_dataset
from tests.factories.city import RUDONG, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(city):
    OrganisationFactory(
        code="3206-emergency", name="南通市应急管理局", function="emergency", area_code="3206"
    )
    for spec in (*chemicals.DATASETS[:6], *environment.DATASETS, *housing.DATASETS[:4]):
        save_dataset(spec, pack="test")


def codes(user, **question):
    return [one.code for one in selectors.search(user, **question)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("空气质量小时", ["env.air_quality"], id="name"),
        pytest.param("臭氧", ["env.air_quality"], id="column"),
        pytest.param("pm2_5", ["env.air_quality"], id="column code"),
        pytest.param("PM2.5", ["env.air_quality"], id="tag"),
        pytest.param("租赁", ["housing.lease"], id="two characters"),
        pytest.param("应急管理局 临界量", ["chem.critical_quantity"], id="department and name"),
        pytest.param("Leases on file", ["housing.lease"], id="English"),
        pytest.param("没有这样的数据", [], id="nothing"),
        pytest.param("%", [], id="no wildcard"),
    ],
)
def test_datasets_are_found(held, text, expected):
    assert codes(UserFactory(may=["analyst"]), text=text) == expected


def test_what_is_called_so_comes_before_what_has_such_a_column(held):
    assert codes(UserFactory(may=["analyst"]), text="站点")[0] == "env.air_station"


def test_filters_and_tags_cut_the_list(held):
    user = UserFactory(may=["analyst"])
    assert set(codes(user, provider="3206-police")) == {"housing.residents"}
    assert set(codes(user, tag="重大危险源")) == {"chem.hazard_unit", "chem.unit_stock"}
    assert set(codes(user, domain="群租房", origin="sensed")) == {"housing.water_use", "housing.power_use"}
    offered = selectors.choices(user)
    assert {choice.value for choice in offered["domain"]} == {"危化品全流程", "生态环境", "群租房"}
    assert sum(choice.count for choice in offered["domain"]) == 12


@pytest.mark.parametrize("role", ["officer", "dispatcher", "operator", "analyst", "leader", "steward"])
def test_the_staff_reads_the_catalogue(client, held, role):
    client.force_login(UserFactory(may=[role]))
    html = client.get(reverse("datahub:catalogue"), {"q": "空气"}).content.decode()
    assert 'data-dataset="env.air_quality"' in html
    page = client.get(reverse("datahub:entry", args=["env.air_quality"]))
    assert page.status_code == 200
    assert b'data-test="catalogue-number"' in page.content


@pytest.mark.parametrize("role", ["grid_worker", "system_admin"])
def test_others_do_not(client, held, role):
    client.force_login(UserFactory(may=[role]))
    assert client.get(reverse("datahub:catalogue")).status_code == 403
    assert client.get(reverse("datahub:entry", args=["env.air_quality"])).status_code == 403
    assert client.get(reverse("datahub:guard")).status_code == 403


def test_drafts_and_other_counties_data_stay_out_of_sight(client, held):
    Dataset.objects.filter(code="env.air_quality").update(status="draft")
    Dataset.objects.filter(code="env.air_station").update(area_code="320613")
    analyst = UserFactory(may=["analyst"])
    assert "env.air_quality" not in codes(analyst)
    assert "env.air_quality" in codes(UserFactory(may=["steward"]))
    rudong = UserFactory(roles=[(Role.ANALYST, RUDONG, None)])
    assert "env.air_station" not in codes(rudong)
    client.force_login(rudong)
    assert client.get(reverse("datahub:entry", args=["env.air_station"])).status_code == 404


# ---------------------------------------------------------------- the duplicate guard


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("统一社会信用代码", "uscc"),
        ("PM2.5(μg/m³)", "细颗粒物"),
        ("联系电话", "Mobile"),
        ("经度", "lng"),
        ("ComplaintType", "complaint type"),
        ("液位", "level_m"),
    ],
)
def test_different_headers_that_mean_the_same(one, other):
    assert meaning_of(one) == meaning_of(other)


def test_units_are_read_out_of_headers():
    assert (unit_in("流量(m³/h)"), unit_in("altitude_ft"), unit_in("X (State Plane)")) == ("m³/h", "ft", "")
    assert fold("  PM2.5 ") == fold("pm2_5")


def test_a_form_that_asks_for_what_the_city_holds_is_told_so(held):
    asked = [Asked(name, (name,)) for name in ("单元名称", "信用代码", "备案等级", "备案日期", "备注")]
    first = find_repeats(asked)[0]
    assert first.dataset.code == "chem.hazard_unit"
    assert len(first.pairs) == 4


def test_columns_that_stand_everywhere_are_no_repeat(held):
    assert find_repeats([Asked(name, (name,)) for name in ("编号", "名称", "时间", "经度", "纬度")]) == []
    assert find_repeats([Asked("完全不同", ("完全不同",)), Asked("另一列", ("另一列",))]) == []


def test_a_clerk_checks_a_form_and_takes_what_is_there(client, held):
    client.force_login(UserFactory(may=["officer"]))
    ask = {"title": "企业隐患表", "columns": "单元名称，信用代码\n备案等级,备案日期", "subject": ""}
    page = client.post(reverse("datahub:guard"), ask)
    assert b'data-dataset="chem.hazard_unit"' in page.content
    assert not RepeatAnswer.objects.exists()
    client.post(reverse("datahub:guard"), {**ask, "answer": "go_on"})
    assert not RepeatAnswer.objects.exists()
    client.post(reverse("datahub:guard"), {**ask, "answer": "reuse"})
    [answer] = RepeatAnswer.objects.all()
    assert (answer.decision, answer.columns_saved, answer.hours_saved) == ("reuse", 4, 8)
