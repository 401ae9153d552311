"""A register as known now and as known then, on the engine and on the page."""

from datetime import timedelta

import pytest
from django.urls import reverse

from commandcenter.core import clock
from commandcenter.core.times import shanghai_day
from datahub import selectors
from datahub.services import deliver
from tests.factories.city import UserFactory
from tests.factories.datahub import NOON, READINGS, REGISTER, make_dataset

pytestmark = pytest.mark.django_db
CODE = REGISTER.code


@pytest.fixture
def register(city, tmp_path):
    make_dataset(REGISTER)
    for day, name in ((0, "old"), (2, "new")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"id,name\nA,{name}\nB{day},{name}\n")
        with clock.at(NOON + timedelta(days=day)):
            deliver(dataset_code=CODE, path=path)


def names(table):
    return {row["id"]: row["name"] for row in selectors.engine().to_arrow(table).to_pylist()}


def test_now_and_then(register):
    assert names(selectors.register_now(CODE)) == {"A": "new", "B0": "old", "B2": "new"}
    assert names(selectors.register_as_of(CODE, NOON + timedelta(days=1))) == {"A": "old", "B0": "old"}
    assert names(selectors.register_as_of(CODE, NOON - timedelta(days=1))) == {}


def test_without_a_key_there_is_no_register(city):
    make_dataset(READINGS.model_copy(update={"key_columns": ()}))
    with pytest.raises(selectors.NoRegister):
        selectors.register_now(READINGS.code)


def test_the_panel_shows_both(register, client):
    client.force_login(UserFactory(may=["steward"]))
    page = reverse("datahub:register", args=[CODE])
    now = client.get(page).content.decode()
    assert 'data-test="register-now" data-entries="3"' in now
    assert "register-then" not in now
    both = client.get(page, {"day": shanghai_day(NOON).isoformat()}).content.decode()
    assert 'data-test="register-now" data-entries="3"' in both
    assert 'data-test="register-then" data-entries="2"' in both
    assert client.get(page, {"day": "no day"}).status_code == 200
    assert (
        'data-test="register-place"' in client.get(reverse("datahub:dataset", args=[CODE])).content.decode()
    )


def test_others_see_no_panel(register, client):
    client.force_login(UserFactory(may=["officer"]))
    assert client.get(reverse("datahub:register", args=[CODE])).status_code == 403
