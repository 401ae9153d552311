"""Tickets reach the lake as a dataset, once each."""

import pytest

from commandcenter.core import clock
from datahub.models import Dataset, DeliveryBlob
from datahub.packs.hotline import TICKETS
from datahub.services import load_packs
from hotline.models import Ticket
from hotline.services.publishing import BATCH, as_row, publish_tickets
from tests.factories.hotline import TicketFactory, category

pytestmark = pytest.mark.django_db


def test_a_row_has_exactly_the_declared_columns():
    row = as_row(TicketFactory(category_code=category().code, location=(120.9, 32.0)))
    assert list(row) == [column.code for column in TICKETS.columns]


def test_new_tickets_are_pushed_once_and_marked():
    load_packs()
    assert Dataset.objects.filter(code="hotline.tickets").exists()
    for _n in range(3):
        TicketFactory(at=clock.now())
    TicketFactory(at=clock.now(), confidential=True)
    assert publish_tickets() == 3
    assert publish_tickets() == 0
    assert DeliveryBlob.objects.get().rows == 3 <= BATCH
    assert Ticket.objects.filter(published_at=None).count() == 1


def test_without_the_dataset_nothing_is_marked_as_published():
    TicketFactory()
    assert publish_tickets() == 0
    assert Ticket.objects.filter(published_at=None).count() == 1
    assert not DeliveryBlob.objects.exists()


def test_a_push_that_fails_leaves_the_tickets_for_later(monkeypatch):
    def fails(*args, **kwargs):
        raise OSError("no room")

    load_packs()
    monkeypatch.setattr("datahub.services.push_rows", fails)
    TicketFactory()
    with pytest.raises(OSError, match="no room"):
        publish_tickets()
    assert Ticket.objects.filter(published_at=None).count() == 1
