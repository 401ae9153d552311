"""A ruling hands a case to another unit: ticket, report and alert follow the new order."""

import pytest

from commandcenter.core import clock
from dispatch import services
from dispatch.models import Order
from hotline.models import Ticket
from tests.factories.dispatch import MORNING, dispatcher_of, officer_of, unit
from tests.factories.hotline import TicketFactory, hear

pytestmark = pytest.mark.django_db


def test_a_ticket_follows_the_order_of_the_other_unit_and_comes_back_without_one():
    with clock.at(MORNING):
        ticket = TicketFactory(state="dispatched")
        first = Order.objects.get(pk=ticket.order_id)
        other = unit()
        services.request_return(order_id=first.pk, by=officer_of(first.org), reason="Not ours")
        services.rule_return(
            order_id=first.pk, by=dispatcher_of(), accepted=True, note="Theirs", to_org_id=other.pk
        )
        hear(ticket)
        hear(ticket)  # news may come twice
        ticket = Ticket.objects.get(pk=ticket.pk)
        second = Order.objects.get(org=other)
        assert (ticket.state, ticket.order_id, ticket.org_id) == ("dispatched", second.pk, other.pk)
        officer = officer_of(other)
        services.sign_order(order_id=second.pk, by=officer)
        services.handle_order(order_id=second.pk, by=officer, result="Done")
        services.check_order(order_id=second.pk, by=dispatcher_of(), passed=True)
        hear(ticket)
        ticket.refresh_from_db()
        assert ticket.state == "awaiting_callback"
