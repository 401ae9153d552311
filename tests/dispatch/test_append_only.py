"""The database refuses every change to a move, and what a row must never be."""

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from dispatch.models import Order, OrderMove
from tests.factories.dispatch import OrderFactory, unit

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE dispatch_ordermove SET on_time = true",
        "DELETE FROM dispatch_ordermove",
        "TRUNCATE dispatch_ordermove",
    ],
)
def test_a_move_is_never_changed_or_deleted(sql):
    order = OrderFactory()
    before = list(OrderMove.objects.values())
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert list(order.moves.values()) == before


@pytest.mark.parametrize(
    "values",
    [
        {"state": "lost"},
        {"state": "signed", "signed_at": None},
        {"state": "closed"},
        {"due_at": None},
        {"level": 5},
        {"role": "assist"},
    ],
)
def test_an_impossible_order_is_refused_by_the_database(values):
    order = OrderFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**values)


def test_the_database_keeps_an_order_from_its_accused_unit():
    order = OrderFactory(accused_org_id=unit().pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(org=order.accused_org)
