"""The packs that come with the hub: enough, whole, and numbered."""

import re

import pytest

from city.functions import Function
from datahub.catalogue.numbers import DOMAINS
from datahub.catalogue.short import column
from datahub.models import Column, Dataset
from datahub.packs import declared
from datahub.services import load_packs

ALL = [spec for pack in declared().values() for spec in pack]


def test_the_detectors_find_at_least_sixty_datasets():
    assert len(ALL) >= 60


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.code)
def test_a_declaration_is_whole(spec):
    assert spec.name
    assert spec.name_en
    assert spec.domain in DOMAINS
    assert spec.key_columns
    area, _, function = spec.provider.partition("-")
    assert area == "3206"
    assert function in Function.values
    assert spec.share_type == "unconditional" or spec.share_basis
    assert spec.open_type == "closed" or spec.privacy_class == "none"
    personal = [one for one in spec.columns if one.personal]
    assert not personal or spec.privacy_class in ("personal", "sensitive")
    assert all(one.grade in ("L3", "L4") for one in personal)
    assert all(one.name and one.name_en for one in spec.columns)


@pytest.mark.django_db
def test_every_dataset_gets_a_number_of_its_own_and_keeps_it():
    load_packs()
    numbers = dict(Dataset.objects.values_list("code", "catalogue_number"))
    assert len(set(numbers.values())) == len(ALL)
    assert all(re.fullmatch(r"\d{7}/\d{6}", number) for number in numbers.values())
    assert numbers["env.air_quality"].startswith("310001")
    assert load_packs()["changed"] == 0
    assert dict(Dataset.objects.values_list("code", "catalogue_number")) == numbers
    assert Dataset.objects.exclude(published_at=None).count() == len(ALL)
    assert Column.objects.filter(dataset__code="chem.hazard_unit", proposed=True).exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("level_m:n 液位 | Level [m]", ("level_m", "number", "液位", "Level", "m", False, False, "L1")),
        ("plate 车牌号 | Plate L2", ("plate", "text", "车牌号", "Plate", "", False, False, "L2")),
        ("who_token 人员 | Person * !", ("who_token", "text", "人员", "Person", "", True, True, "L3")),
    ],
)
def test_the_short_hand_of_packs(line, said):
    one = column(line)
    read = (one.code, one.kind, one.name, one.name_en, one.unit, one.personal, one.required, one.grade)
    assert read == said


@pytest.mark.parametrize("line", ["", "Level", "level:x 液位 | Level", "level 液位"])
def test_a_line_that_is_no_column_is_refused(line):
    with pytest.raises(ValueError, match="not a column"):
        column(line)
