"""Suggestions with reasons; a model that is trusted only when it is ours."""

import io
import json

import pytest
from django.core.management import call_command

from commandcenter.core.errors import BadInput
from hotline.classify import store, suggest
from hotline.classify.classes import TIPDM_CLASSES
from hotline.classify.rules import tree
from hotline.models import Category, ClassifierVersion
from hotline.selectors import find_knowledge
from hotline.services.categories import load_categories, load_knowledge, read_categories
from hotline.services.training import train_classifier
from tests.factories.hotline import (
    CHONGCHUAN,
    CITY,
    CONTENT,
    MORNING,
    RUDONG,
    TITLE,
    TicketFactory,
    load_tree,
    make_city,
    unit_of,
)

pytestmark = pytest.mark.django_db

SAMPLES = {
    "环境保护": [
        "河水发黑发臭",
        "工厂排放废气很臭",
        "烟囱冒黑烟污染空气",
        "污水直接排进河道",
        "垃圾焚烧有异味",
    ],
    "教育文体": ["学校乱收补课费", "孩子上学学区划分", "老师体罚学生", "幼儿园学费太高", "中学操场不开放"],
    "交通运输": ["公交车经常脱班", "出租车司机拒载", "客运站没有班车", "道路坑洼没人修", "网约车绕路多收费"],
}


@pytest.fixture
def labelled(tmp_path):
    path = tmp_path / "labelled.csv"
    lines = ["留言主题,留言详情,一级标签"]
    for label, texts in SAMPLES.items():
        lines += [f"{text}{n},请有关部门处理{text}谢谢,{label}" for text in texts for n in range(4)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_categories_load_twice_and_stay_the_same():
    assert load_categories()["made"] == 180
    assert load_categories() == {"made": 0, "changed": 0, "switched_off": 0, "declared": 180}
    Category.objects.filter(code="0101").update(name="x")
    Category.objects.create(code="9901", name="old")
    assert load_categories() == {"made": 0, "changed": 1, "switched_off": 1, "declared": 180}
    assert load_knowledge()["made"] > 30
    assert load_knowledge()["made"] == 0


def test_the_command_is_a_dry_run_unless_told_otherwise():
    call_command("load_categories", stdout=io.StringIO())
    assert not Category.objects.exists()
    call_command("load_categories", "--commit", stdout=io.StringIO())
    assert Category.objects.count() == 180


def test_twenty_by_eight_with_known_functions():
    from city.functions import Function

    lines = read_categories()
    tops = [line for line in lines if len(line.code) == 2]
    leaves = [line for line in lines if len(line.code) == 4]
    assert (len(tops), len(leaves)) == (20, 160)
    assert {line.function for line in leaves} <= set(Function.values)
    assert all(line.keywords for line in leaves)
    codes = {line.code for line in tops}
    assert all(one.first in codes and one.within <= codes for one in TIPDM_CLASSES.values())


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("烧烤店夜里油烟很大", "0706"),
        ("小区电梯困人停运", "0605"),
        ("工地夜间施工打桩", "0901"),
        ("健身卡店跑路了", "0303"),
        ("老板拖欠工资", "0201"),
    ],
)
def test_keyword_rules_answer_without_a_model(title, code):
    load_tree()
    best = suggest.guess_categories(title, "")[0]
    assert (best.code, best.by) == (code, "rules")
    assert best.reason


def test_chips_name_area_category_and_unit_with_reasons():
    make_city()
    load_tree()
    unit = unit_of(CHONGCHUAN, "urban_mgmt")
    unit_of(CITY, "urban_mgmt")
    found = suggest.chips(
        title=TITLE, content=CONTENT, address="崇川区人民路1号", area_code="", category_code=""
    )
    values = {chip.target: chip.value for chip in reversed(found)}
    assert values == {"area": CHONGCHUAN, "category": "0706", "org": str(unit.pk)}
    assert all(chip.reason for chip in found)


def test_nothing_is_suggested_for_nothing():
    load_tree()
    assert suggest.chips(title="", content="喂", address="", area_code="", category_code="") == []
    assert find_knowledge("") == []


def test_knowledge_answers_as_one_types():
    load_tree()
    assert find_knowledge("身份证丢了")[0].code == "id-card-lost"
    assert find_knowledge("家里突然停水")[0].code == "water-off"


def test_alike_finds_the_same_matter_nearby_and_never_a_sealed_one():
    twin = TicketFactory(title="烧烤店油烟扰民", content="人民路烧烤店油烟扰民，夜里油烟很大")
    TicketFactory(title="烧烤店油烟扰民", content="人民路烧烤店油烟扰民，夜里油烟很大", confidential=True)
    TicketFactory(title="烧烤店油烟扰民", content="人民路烧烤店油烟扰民", area_code=RUDONG)
    TicketFactory(title="公交车脱班", content="公交站等了一小时没有车")
    found = suggest.alike(
        title=TITLE, content=CONTENT, area_code=CHONGCHUAN, category_code="0706", at=MORNING
    )
    assert [one["ticket"].pk for one in found] == [twin.pk]
    assert 0 < found[0]["share"] <= 100


def test_training_stores_a_signed_model_that_is_used(labelled):
    load_tree()
    out = io.StringIO()
    call_command("train_classifier", str(labelled), stdout=out)
    told = json.loads(out.getvalue().splitlines()[-1])
    assert told["classes"] == 3
    assert told["rows"] == 60
    assert 0.8 < told["macro_f1"] <= 1
    model = store.active_model()
    assert model.version == told["version"] == 1
    from hotline.classify.predict import read

    reading = read(model, "河道污水发臭")
    assert reading.best == "环境保护"
    assert sum(reading.share.values()) == pytest.approx(1)
    assert reading.terms["环境保护"]
    best = suggest.guess_categories("河道污水发臭", "污水直接排进河道")[0]
    assert best.code[:2] in TIPDM_CLASSES["环境保护"].within
    assert best.by == "model 1"


def test_a_second_training_takes_over(labelled):
    assert train_classifier(path=labelled).version.version == 1
    assert train_classifier(path=labelled).version.version == 2
    assert list(ClassifierVersion.objects.filter(active=True).values_list("version", flat=True)) == [2]


def test_a_changed_model_file_is_never_opened(labelled, monkeypatch):
    load_tree()
    row = train_classifier(path=labelled).version
    path = store.models_dir() / row.file_name
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    opened = []
    monkeypatch.setattr(store.joblib, "load", lambda *args: opened.append(args))
    store._loaded.cache_clear()
    with pytest.raises(store.UntrustedModel):
        store.load(row)
    assert store.active_model() is None
    assert opened == []
    assert suggest.guess_categories("烧烤店夜里油烟很大", "")[0].by == "rules"


def test_a_missing_model_file_falls_back_on_rules(labelled):
    load_tree()
    row = train_classifier(path=labelled).version
    (store.models_dir() / row.file_name).unlink()
    store._loaded.cache_clear()
    assert suggest.guess_categories("烧烤店夜里油烟很大", "")[0].by == "rules"


@pytest.mark.parametrize(
    "text",
    ["留言主题,留言详情,一级标签\na,b,x\n", "留言主题,留言详情\na,b\n", "留言主题,留言详情,一级标签\n"],
    ids=["one class", "no label", "no rows"],
)
def test_a_table_one_cannot_learn_from_is_refused(tmp_path, text):
    path = tmp_path / "few.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput):
        train_classifier(path=path)
    assert not ClassifierVersion.objects.exists()


def test_every_leaf_is_known_to_the_rules():
    load_tree()
    assert len(tree().leaves) == 160
