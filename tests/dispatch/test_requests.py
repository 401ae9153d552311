"""退单, 延期, 挂起: what a unit asks and the centre decides."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from city.calendar import add_working_days
from commandcenter.core import clock
from commandcenter.journal.models import Event
from dispatch import services
from dispatch.models import Order, UnitRequest
from tests.dispatch.helpers import DomainError, IllegalMove, PermissionDenied, refused
from tests.factories.dispatch import MORNING, OrderFactory, dispatcher_of, officer_of, unit

pytestmark = pytest.mark.django_db


def later(**kwargs):
    return clock.at(MORNING + timedelta(**kwargs))


def ask_return(order, officer, **at):
    with later(**(at or {"hours": 1})):
        services.request_return(order_id=order.pk, by=officer, reason="The road is the county's")


class TestReturn:
    def test_asking_signs_first_and_leaves_the_clock_running(self):
        order = OrderFactory()
        ask_return(order, officer_of(order.org))
        due = order.due_at
        order.refresh_from_db()
        assert (order.state, order.due_at) == ("return_review", due)
        assert list(order.moves.values_list("action", flat=True)) == ["open", "sign", "request_return"]

    def test_only_within_the_window(self):
        order = OrderFactory()
        officer = officer_of(order.org)
        with refused(DomainError, "return_window"):
            ask_return(order, officer, hours=30)

    def test_needs_a_reason(self):
        order = OrderFactory(state="signed")
        officer = officer_of(order.org)
        with refused(DomainError, "reason_missing"), later(hours=1):
            services.request_return(order_id=order.pk, by=officer, reason=" ")

    def test_accepted_it_is_over_for_the_unit(self):
        order = OrderFactory(state="return_review")
        services.rule_return(order_id=order.pk, by=dispatcher_of(), accepted=True, note="Right")
        order.refresh_from_db()
        assert order.state == "returned"

    def test_refused_it_is_fixed_by_ruling_and_cannot_return_again(self):
        order = OrderFactory(state="return_review")
        officer = officer_of(order.org)
        services.rule_return(order_id=order.pk, by=dispatcher_of(), accepted=False, note="It is yours")
        order.refresh_from_db()
        assert (order.state, order.ruled) == ("signed", True)
        with refused(DomainError, "ruled"):
            ask_return(order, officer)

    def test_the_database_itself_keeps_a_ruled_unit_from_returning(self):
        order = OrderFactory(state="signed")
        Order.objects.filter(pk=order.pk).update(ruled=True)
        with pytest.raises(IntegrityError), transaction.atomic():
            Order.objects.filter(pk=order.pk).update(state="return_review")

    def test_a_ruling_may_name_another_unit_which_cannot_return_it(self):
        order = OrderFactory(state="return_review")
        other = unit()
        services.rule_return(
            order_id=order.pk, by=dispatcher_of(), accepted=True, note="Theirs", to_org_id=other.pk
        )
        new = Order.objects.get(org=other)
        assert (new.case_ref, new.ruled, new.state) == (order.case_ref, True, "dispatched")
        told = Event.objects.latest("pk").body
        assert (told["action"], told["order_id"], told["successor_id"]) == ("return", order.pk, new.pk)

    def test_a_case_that_comes_back_to_the_same_unit_is_fixed(self):
        order = OrderFactory(state="returned")
        again = OrderFactory(org=order.org)
        assert again.ruled

    def test_a_report_needs_the_other_unit_at_once(self):
        order = OrderFactory(state="return_review", kind="report", case_ref="grid.report:1")
        commander, other = dispatcher_of(), unit()
        with refused(DomainError, "unit_missing"):
            services.rule_return(order_id=order.pk, by=commander, accepted=True, note="Theirs")
        services.rule_return(
            order_id=order.pk, by=commander, accepted=True, note="Theirs", to_org_id=other.pk
        )
        assert Order.objects.filter(org=other, case_ref="grid.report:1").exists()

    def test_only_the_centre_rules(self):
        order = OrderFactory(state="return_review")
        officer = officer_of(order.org)
        for user in (officer, dispatcher_of("320623")):
            with refused(PermissionDenied):
                services.rule_return(order_id=order.pk, by=user, accepted=True, note="x")

    def test_a_ruling_never_names_the_accused(self):
        accused = unit()
        order = OrderFactory(state="return_review", accused_org_id=accused.pk, confidential=True)
        commander = dispatcher_of()
        with refused(DomainError, "accused_unit"):
            services.rule_return(
                order_id=order.pk, by=commander, accepted=True, note="x", to_org_id=accused.pk
            )


class TestExtension:
    def ask(self, order, officer, days=3, **at):
        with later(**(at or {"hours": 1})):
            return services.request_extension(order_id=order.pk, by=officer, days=days, reason="Spare part")

    def test_granted_days_are_working_days_after_the_old_deadline(self):
        order = OrderFactory(state="signed")
        self.ask(order, officer_of(order.org))
        services.decide_extension(order_id=order.pk, by=dispatcher_of(), granted=True)
        before = order.due_at
        order.refresh_from_db()
        assert order.due_at == add_working_days(before, 3)
        assert order.moves.latest("pk").due_at == order.due_at
        assert UnitRequest.objects.get().state == "granted"

    def test_refused_needs_a_reason_and_leaves_the_deadline(self):
        order = OrderFactory(state="signed")
        self.ask(order, officer_of(order.org))
        commander = dispatcher_of()
        with refused(DomainError, "reason_missing"):
            services.decide_extension(order_id=order.pk, by=commander, granted=False)
        services.decide_extension(order_id=order.pk, by=commander, granted=False, note="Enough time")
        due = order.due_at
        order.refresh_from_db()
        assert order.due_at == due

    def test_at_most_two_and_ten_days_in_all(self):
        order = OrderFactory(state="signed")
        officer, commander = officer_of(order.org), dispatcher_of()
        with refused(DomainError, "too_long"):
            self.ask(order, officer, days=11)
        for days in (3, 4):
            self.ask(order, officer, days=days)
            services.decide_extension(order_id=order.pk, by=commander, granted=True)
        with refused(DomainError, "too_long"):
            self.ask(order, officer, days=4)
        with refused(DomainError, "too_often"):
            self.ask(order, officer, days=3)

    def test_not_twice_at_once_and_not_after_the_deadline(self):
        order = OrderFactory(state="signed")
        officer = officer_of(order.org)
        with refused(DomainError, "overdue"):
            self._late(order, officer)
        self.ask(order, officer)
        with refused(DomainError, "already_asked"):
            self.ask(order, officer)

    def _late(self, order, officer):
        with clock.at(order.due_at + timedelta(minutes=1)):
            services.request_extension(order_id=order.pk, by=officer, days=1, reason="x")

    def test_a_request_lapses_when_the_order_is_handled(self):
        order = OrderFactory(state="signed")
        officer = officer_of(order.org)
        self.ask(order, officer)
        services.handle_order(order_id=order.pk, by=officer, result="Done")
        commander = dispatcher_of()
        assert UnitRequest.objects.get().state == "withdrawn"
        with refused(DomainError, "nothing_asked"):
            services.decide_extension(order_id=order.pk, by=commander, granted=True)


class TestHold:
    def ask(self, order, officer, **kwargs):
        given = {"reason": "Frost", "release_condition": "Thaw", "review_on": date(2026, 7, 1)} | kwargs
        with later(hours=1):
            return services.request_hold(order_id=order.pk, by=officer, **given)

    def test_the_clock_stands_from_the_approval_and_runs_on_with_what_was_left(self):
        order = OrderFactory(state="signed", urgency="urgent")  # 24 hours round the clock
        officer, commander = officer_of(order.org), dispatcher_of()
        self.ask(order, officer)
        with later(hours=4):
            services.decide_hold(order_id=order.pk, by=commander, granted=True)
        with later(hours=54):
            services.release_order(order_id=order.pk, by=officer, note="Thawed")
        order.refresh_from_db()
        assert order.held_at is None
        assert order.due_at == MORNING + timedelta(hours=24 + 50)
        with later(hours=70):
            services.handle_order(order_id=order.pk, by=officer, result="Done")
        assert order.moves.get(action="handle").on_time is True

    def test_while_held_nothing_is_handled_returned_or_extended(self):
        order = OrderFactory(state="held")
        officer = officer_of(order.org)
        for act, extra in (
            ("handle_order", {"result": "x"}),
            ("request_return", {"reason": "x"}),
            ("request_extension", {"reason": "x", "days": 1}),
        ):
            with refused(DomainError, "held"):
                getattr(services, act)(order_id=order.pk, by=officer, **extra)

    def test_needs_a_condition_and_a_day_ahead(self):
        order = OrderFactory(state="signed")
        officer = officer_of(order.org)
        with refused(DomainError, "reason_missing"):
            self.ask(order, officer, release_condition="")
        with refused(DomainError, "review_past"):
            self.ask(order, officer, review_on=date(2026, 6, 10))

    def test_a_hold_that_nobody_asked_for_cannot_be_granted_nor_a_running_clock_released(self):
        order = OrderFactory(state="signed")
        commander = dispatcher_of()
        with refused(DomainError, "nothing_asked"):
            services.decide_hold(order_id=order.pk, by=commander, granted=True)
        with refused(DomainError, "not_held"):
            services.release_order(order_id=order.pk, by=commander)

    def test_the_unit_does_not_approve_its_own_hold(self):
        order = OrderFactory(state="signed")
        officer = officer_of(order.org)
        self.ask(order, officer)
        with refused(PermissionDenied):
            services.decide_hold(order_id=order.pk, by=officer, granted=True)

    def test_a_dispatched_order_cannot_be_held(self):
        order = OrderFactory()
        officer = officer_of(order.org)
        with refused(IllegalMove):
            self.ask(order, officer)
