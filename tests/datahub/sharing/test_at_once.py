"""Many calls at the same moment: a quota is never overdrawn, one decision counts, a stop is seen at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from city.models import User
from commandcenter.core.errors import DomainError
from datahub.sharing import services
from datahub.sharing.models import Agreement, AgreementMove, ShareCount
from datahub.sharing.selectors import recount
from datahub.sharing.services import Asked, Denied
from tests.factories.city import CITY, AreaFactory, square
from tests.factories.sharing import CONDITIONAL, applied, granted, people, shared

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def who():
    AreaFactory(code=CITY, name="南通市", polygon=square(120.0, 31.0, 2.0))
    return people()


def together(work, n):
    def one(number):
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))


def test_the_last_call_of_a_day_is_given_once(who):
    shared(rows=2)
    agreement, token = granted(who, quota_calls=5)

    def call(_number):
        try:
            services.answer(Asked(dataset_code=CONDITIONAL.code, token=token, limit=10))
            return "ok"
        except Denied as denied:
            return denied.code

    answers = [answer for _round in range(3) for answer in together(call, 4)]
    assert (answers.count("ok"), answers.count("quota")) == (5, 7)
    assert recount(agreement) == {"calls": 5, "rows": 10, "refused": 7}
    count = ShareCount.objects.get(agreement=agreement, way="api")
    assert (count.calls, count.rows, count.refused) == (5, 10, 7)


def test_four_officers_grant_and_one_of_them_did(who):
    shared()
    agreement = services.pass_check(agreement_id=applied(who).pk, by=who["steward"])
    provider = who["provider"].pk

    def decide(_number):
        try:
            services.grant(agreement_id=agreement.pk, by=User.objects.get(pk=provider))
            return "granted"
        except DomainError as error:
            return error.code

    assert sorted(together(decide, 4)) == ["granted", "illegal_move", "illegal_move", "illegal_move"]
    assert AgreementMove.objects.filter(action="grant").count() == 1


def test_one_application_though_sent_four_times(who):
    shared()
    consumer = who["consumer"].pk

    def send(_number):
        try:
            applied({"consumer": User.objects.get(pk=consumer)})
            return "sent"
        except DomainError as error:
            return error.code

    assert sorted(together(send, 4)) == ["conflict", "conflict", "conflict", "sent"]
    assert Agreement.objects.filter(consumer_kind="organisation").count() == 1
