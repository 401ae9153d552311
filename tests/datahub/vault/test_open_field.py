"""A personal value lies in the vault; opening it needs a right and a reason and leaves a trace."""

import pytest
from django.core.exceptions import PermissionDenied

from commandcenter.core.errors import BadInput
from commandcenter.journal.models import AuditEntry
from datahub import selectors
from datahub.models import Delivery
from datahub.services import deliver, push_rows
from datahub.services.deliveries import fold_blobs
from datahub.vault.models import VaultField, VaultSubject
from datahub.vault.services import open_fields
from tests.factories.city import UserFactory
from tests.factories.datahub import PEOPLE, csv_file, make_dataset

from .people import CLIENTS, LI, VALUES, ZHANG, clients
from .search import dump, lake_text, raw_text

pytestmark = pytest.mark.django_db
CODE = CLIENTS.code


@pytest.fixture
def delivered(city, noon, tmp_path):
    make_dataset(CLIENTS)
    return deliver(dataset_code=CODE, path=clients(tmp_path))


@pytest.fixture
def steward():
    return UserFactory(may=["steward"])


def opened(steward, delivery, rows=(1, 2), **over):
    asked = {"columns": ["phone", "name"], "reason": "回访核实", **over}
    return open_fields(dataset_code=CODE, rows=[(delivery.pk, row) for row in rows], by=steward, **asked)


def test_the_lake_holds_tokens_and_the_vault_opens_them(delivered, steward, django_assert_max_num_queries):
    in_lake = selectors.read(CODE).to_pylist()
    assert all(len(row["phone"]) == 32 for row in in_lake)
    for value in (*VALUES, *LI.values()):
        assert value not in lake_text()
    with django_assert_max_num_queries(12):
        found = opened(steward, delivered)
    assert found == {
        (delivered.pk, 1): {"phone": ZHANG["phone"], "name": ZHANG["name"]},
        (delivered.pk, 2): {"phone": LI["phone"], "name": LI["name"]},
    }
    entry = AuditEntry.objects.get(action="datahub.open_fields")
    assert (entry.actor_id, entry.result, entry.reason) == (steward.pk, "ok", "回访核实")
    assert entry.body["rows"] == [[delivered.pk, 1], [delivered.pk, 2]]


def test_free_text_of_the_row_does_not_carry_the_values(delivered):
    remarks = selectors.read(CODE, columns=["_row", "remark"]).sort_by("_row").column("remark").to_pylist()
    assert remarks == ["***来电 ***，要求回访", "无"]


@pytest.mark.parametrize("role", ["analyst", "leader", "officer"])
def test_others_are_refused_and_that_is_written_down(delivered, role):
    with pytest.raises(PermissionDenied):
        opened(UserFactory(may=[role]), delivered)
    assert AuditEntry.objects.get(action="datahub.open_fields").result == "refused"


@pytest.mark.parametrize(
    "over", [{"reason": " "}, {"reason": "x"}, {"columns": ["age"]}, {"columns": []}, {"rows": ()}]
)
def test_without_a_reason_or_for_another_column_nothing_opens(delivered, steward, over):
    with pytest.raises(BadInput):
        opened(steward, delivered, **over)
    assert not AuditEntry.objects.filter(action="datahub.open_fields", result="ok").exists()


def test_rows_of_another_dataset_are_not_opened_through_this_one(delivered, steward, tmp_path):
    make_dataset(PEOPLE)
    other = deliver(
        dataset_code=PEOPLE.code,
        path=csv_file(tmp_path, [{"number": "1", "phone": "13700000000", "age": 1}], "p.csv"),
    )
    assert opened(steward, other, rows=(1,)) == {}


def test_the_same_again_adds_nothing_and_everything_is_sealed(delivered, tmp_path):
    before = VaultField.objects.count(), VaultSubject.objects.count()
    assert before == (6, 2)
    deliver(dataset_code=CODE, path=clients(tmp_path, "again.csv"), period="next")
    push_rows(CODE, [{**ZHANG, "remark": "x", "age": 36}])
    fold_blobs()
    assert (VaultField.objects.count(), VaultSubject.objects.count()) == before
    text = dump() + raw_text()
    assert CODE in text or "test.clients" in text
    for value in VALUES:
        assert value not in text


test_the_same_again_adds_nothing_and_everything_is_sealed = pytest.mark.django_db(transaction=True)(
    test_the_same_again_adds_nothing_and_everything_is_sealed
)


def test_a_delivery_that_fails_leaves_nothing_in_the_vault(city, noon, tmp_path, monkeypatch):
    from datahub.lake import staging

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device", "/somewhere/张晓明")

    make_dataset(CLIENTS)
    monkeypatch.setattr(staging.pq, "ParquetWriter", full)
    delivery = deliver(dataset_code=CODE, path=clients(tmp_path))
    assert (delivery.state, delivery.detail) == ("refused", "No space left on device")
    assert not VaultField.objects.exists()
    assert not VaultSubject.objects.exists()
    assert Delivery.objects.count() == 1


def test_a_seal_moved_to_another_person_does_not_open(delivered, steward):
    one, other = VaultField.objects.filter(column="phone").order_by("pk")
    VaultField.objects.filter(pk=one.pk).update(sealed=other.sealed)
    found = opened(steward, delivered)
    assert found[(delivered.pk, 1)]["phone"] is None
    assert found[(delivered.pk, 2)]["phone"] == LI["phone"]
