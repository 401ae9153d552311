"""Several at the same moment: one incident, one acknowledgement, each row sent once, one decision."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from city.models import User
from commandcenter.core.errors import DomainError
from datahub.quality.models import CorrectionMove, Incident, IncidentMove, Replay
from datahub.quality.services import act_on_incident, clear_incident, corrections, mending, raise_incident
from datahub.selectors import read
from datahub.services import work_dataset
from tests.factories.city import CITY, AreaFactory, square

from .kit import SHOPS, declared, shop, shops, staff

pytestmark = pytest.mark.django_db(transaction=True)
CODE = "test.shops_at_once"  # the lake outlives a test with real transactions


@pytest.fixture
def who():
    AreaFactory(code=CITY, name="南通市", polygon=square(120.0, 31.0, 2.0))
    return staff()


@pytest.fixture
def dataset(who):
    return declared(SHOPS.model_copy(update={"code": CODE}))


def together(work, n=4):
    def one(number):
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))


def outcome(work):
    try:
        work()
        return "done"
    except DomainError as error:
        return error.code


def test_four_raise_and_there_is_one(dataset):
    made = together(lambda _n: raise_incident(kind="late", key="source", dataset=dataset, reason="late").pk)
    assert len(set(made)) == 1
    assert (Incident.objects.get().times, IncidentMove.objects.count()) == (4, 1)
    cleared = together(lambda _n: clear_incident(kind="late", key="source", dataset=dataset))
    assert sum(one is not None for one in cleared) == 1


def test_four_acknowledge_and_one_did(dataset, who):
    found = raise_incident(kind="late", key="source", dataset=dataset, reason="late")
    owner = who["owner"].pk

    def acknowledge(_n):
        by = User.objects.get(pk=owner)
        return outcome(lambda: act_on_incident(incident_id=found.pk, action="acknowledge", by=by))

    assert sorted(together(acknowledge)) == ["done", "illegal_move", "illegal_move", "illegal_move"]
    assert IncidentMove.objects.filter(action="acknowledge").count() == 1


def test_four_send_and_each_row_goes_once(dataset, who, tmp_path):
    bad = shops(tmp_path, [shop("A"), shop("B", staff="x"), shop("C", staff="y")], code=CODE)
    changes = {one.pk: {"staff": "1"} for one in bad.rejects.all()}
    mending.mend_rows(delivery_id=bad.pk, changes=changes, by=who["steward"])
    steward = who["steward"].pk

    def send(_n):
        by = User.objects.get(pk=steward)
        return outcome(lambda: mending.replay(delivery_id=bad.pk, by=by))

    assert sorted(together(send)) == ["conflict", "conflict", "conflict", "done"]
    work_dataset(CODE)
    assert sorted(read(CODE, columns=["code"]).column("code").to_pylist()) == ["A", "B", "C"]
    assert Replay.objects.get().rows == 2


def test_four_decide_and_one_did(dataset, who, tmp_path):
    good = shops(tmp_path, [shop("Z")], "z.csv", code=CODE)
    made = corrections.ask_correction(
        row_ref=f"datahub.row:{good.pk}:1",
        column="name",
        proposed="新名",
        evidence="营业执照",
        by=who["steward"],
    )
    owner = who["owner"].pk

    def decide(n):
        by = User.objects.get(pk=owner)
        if n % 2:
            return outcome(lambda: corrections.accept_correction(correction_id=made.pk, by=by))
        return outcome(lambda: corrections.refuse_correction(correction_id=made.pk, by=by, note="not so"))

    assert sorted(together(decide)) == ["done", "illegal_move", "illegal_move", "illegal_move"]
    assert CorrectionMove.objects.count() == 2
