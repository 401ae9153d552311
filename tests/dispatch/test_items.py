"""Accountability items against cases computed by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city.roles import Role
from commandcenter.core import clock
from commandcenter.journal.models import AuditEntry
from commandcenter.journal.services import record_fact
from dispatch import services
from dispatch.items.reading import Period
from dispatch.items.rules import ITEMS, FloorLinear, Linear
from dispatch.models import Order
from dispatch.selectors import score_item, score_items, unit_scores
from tests.dispatch.helpers import DomainError, PermissionDenied, refused
from tests.factories.city import CITY, UserFactory
from tests.factories.dispatch import MORNING, OrderFactory, dispatcher_of, officer_of, unit

JUNE = Period(2026, 6)
END = datetime(2026, 7, 20, tzinfo=UTC)


@pytest.fixture
def org(db):
    return unit()


@pytest.fixture
def officer(org):
    return officer_of(org)


def item(org, code, period=JUNE, as_of=END):
    return score_item(org.code, code, period, as_of)


def sign(order, officer, **later):
    with clock.at(order.dispatched_at + timedelta(**later)):
        return services.sign_order(order_id=order.pk, by=officer)


def handle(order, officer, **later):
    with clock.at(order.dispatched_at + timedelta(**later)):
        return services.handle_order(order_id=order.pk, by=officer, result="Done")


def test_01_counts_signed_late_and_missing_and_leaves_out_alerts_history_and_duplicates(org, officer):
    for _ in range(3):
        sign(OrderFactory(org=org), officer, hours=1)
    sign(OrderFactory(org=org), officer, days=2)  # late
    OrderFactory(org=org)  # never signed, its time has passed
    OrderFactory(org=org, state="cancelled")  # sent twice
    OrderFactory(org=org, history=True)
    OrderFactory(org=org, kind="alert", level=1)
    OrderFactory()  # another unit's
    found = item(org, "XW-01")
    assert (found.numerator, found.denominator, found.value) == (3, 5, 60)
    assert found.score == 0  # below 85%
    assert sorted(row.why for row in found.rows) == ["in_time", "in_time", "in_time", "late", "missing"]


def test_01_an_order_whose_time_runs_still_is_not_counted(org):
    OrderFactory(org=org)
    assert item(org, "XW-01", as_of=MORNING + timedelta(hours=1)).denominator == 0


def test_01_belongs_to_the_month_of_dispatch_in_shanghai(org, officer):
    # 30 June 16:30 UTC is 1 July in Shanghai.
    sign(OrderFactory(org=org, at=datetime(2026, 6, 30, 16, 30, tzinfo=UTC)), officer, hours=1)
    assert item(org, "XW-01").denominator == 0
    assert item(org, "XW-01", Period(2026, 7)).denominator == 1


def test_02_is_the_median_of_working_hours_of_normal_orders(org, officer):
    # From 10:00: 60, 120 and 150 minutes lie before and after the lunch break (12:00-13:30).
    for minutes in (60, 90, 120, 210, 24 * 60):
        sign(OrderFactory(org=org), officer, minutes=minutes)
    sign(OrderFactory(org=org, urgency="urgent"), officer, minutes=5)
    found = item(org, "XW-02")
    # Working minutes: 60, 90, 120, 120 (13:30 is reached at 210), and a whole day of 420.
    assert (found.denominator, found.value) == (5, 2.0)
    assert found.score == 1


def test_07_counts_the_last_hand_in_of_each_round(org, officer):
    commander = dispatcher_of()
    in_time = OrderFactory(org=org, state="signed", officer=officer)
    handle(in_time, officer, days=1)
    late = OrderFactory(org=org, state="signed", officer=officer)
    handle(late, officer, days=10)
    OrderFactory(org=org, state="signed", officer=officer)  # never handled
    sent_back = OrderFactory(org=org, state="signed", officer=officer)
    handle(sent_back, officer, days=1)
    services.check_order(order_id=sent_back.pk, by=commander, passed=False, note="No photo")
    handle(sent_back, officer, days=10)  # on time first, late in the end
    found = item(org, "XW-07")
    assert (found.numerator, found.denominator) == (1, 4)
    assert {row.order_id for row in found.rows if row.share} == {in_time.pk}


def test_07_an_extension_counts_a_hold_stands_and_a_return_is_out(org, officer):
    commander = dispatcher_of()
    extended = OrderFactory(org=org, state="signed", officer=officer)
    with clock.at(MORNING + timedelta(days=1)):
        services.request_extension(order_id=extended.pk, by=officer, days=3, reason="Spare part")
        services.decide_extension(order_id=extended.pk, by=commander, granted=True)
    handle(extended, officer, days=9)  # after the old deadline of 17 June, before the new of 22 June
    OrderFactory(org=org, state="held", officer=officer)
    OrderFactory(org=org, state="returned", officer=officer)
    OrderFactory(org=org, state="cancelled", officer=officer)
    found = item(org, "XW-07")
    assert [(row.order_id, row.share) for row in found.rows] == [(extended.pk, 1)]


def test_07_belongs_to_the_month_of_the_deadline_and_a_redo_is_a_second_duty(org, officer):
    order = OrderFactory(org=org, state="closed", officer=officer, at=datetime(2026, 6, 26, 2, tzinfo=UTC))
    with clock.at(datetime(2026, 7, 6, 2, tzinfo=UTC)):
        services.redo_order(order_id=order.pk, by=None, reason="Still dark")
    assert item(org, "XW-07").denominator == 0  # due on 3 July
    july = item(org, "XW-07", Period(2026, 7), as_of=datetime(2026, 8, 1, tzinfo=UTC))
    assert sorted(row.why for row in july.rows) == ["in_time", "missing"]


def test_10_counts_first_contacts_and_excuses_the_unreachable(org, officer):
    def order():
        return OrderFactory(org=org, state="signed", officer=officer, contact_needed=True)

    def call(order, outcome, **later):
        with clock.at(MORNING + timedelta(**later)):
            services.contact_caller(order_id=order.pk, by=officer, outcome=outcome)

    reached, late, tried, declined, twice = (order() for _ in range(5))
    call(reached, "reached", hours=2)
    call(late, "reached", hours=25)
    for hour in (1, 2, 3):
        call(tried, "no_answer", hours=hour)
    call(declined, "declined", hours=1)
    call(twice, "no_answer", hours=1)
    call(twice, "no_answer", hours=2)
    OrderFactory(org=org, state="signed", officer=officer)  # nobody to be contacted
    found = item(org, "XW-10")
    assert sorted((row.order_id, row.why) for row in found.rows) == [
        (reached.pk, "in_time"), (late.pk, "late"), (twice.pk, "missing"),
    ]  # fmt: skip


def call_back(order: Order, at=MORNING, **body):
    with clock.at(at):
        return record_fact(
            kind="hotline.call_back", subject_ref=order.ref, org_code=order.org.code,
            area_code=order.area_code, happened_at=at, body=body,
        )  # fmt: skip


def test_17_counts_half_for_partly_and_leaves_out_enquiries(org):
    for solved in ("yes", "yes", "yes", "partly", "no"):
        call_back(OrderFactory(org=org, request_type="help"), solved=solved)
    call_back(OrderFactory(org=org, request_type="consult"), solved="no")
    call_back(OrderFactory(org=org, request_type="help"), solved="")  # nobody answered
    found = item(org, "XW-17")
    assert (found.numerator, found.denominator, found.value) == (3.5, 5, 70)
    assert found.score == pytest.approx(4 * (70 - 60) / 30, abs=1e-3)


def test_18_weighs_basically_satisfied_and_never_falls_below_half(org):
    for satisfied in ("satisfied", "satisfied", "satisfied", "basically", "dissatisfied"):
        call_back(OrderFactory(org=org), satisfied=satisfied)
    found = item(org, "XW-18")
    assert found.value == pytest.approx(76)
    assert found.score == pytest.approx(4 * (1 - 0.02 * 19))
    for _ in range(20):
        call_back(OrderFactory(org=org), satisfied="dissatisfied")
    assert item(org, "XW-18").score == 2


def test_25_counts_alert_orders_only(org, officer):
    for minutes in (1, 4, 5, 6):
        sign(OrderFactory(org=org, kind="alert", level=1), officer, minutes=minutes)
    sign(OrderFactory(org=org, kind="alert", level=3), officer, minutes=119)
    sign(OrderFactory(org=org), officer, minutes=1)
    found = item(org, "XW-25")
    assert (found.numerator, found.denominator) == (4, 5)


def test_too_small_a_sample_is_not_scored_and_its_weight_is_not_counted(org, officer):
    for _ in range(4):
        sign(OrderFactory(org=org, kind="alert", level=1), officer, minutes=1)
    for _ in range(5):
        sign(OrderFactory(org=org), officer, minutes=60)
    found = {score.code: score for score in score_items([org.code], JUNE, END)[org.code]}
    assert list(found) == list(ITEMS)
    assert (found["XW-25"].enough, found["XW-25"].score, found["XW-25"].value) == (False, None, 100)
    assert (found["XW-17"].denominator, found["XW-17"].value) == (0, None)
    (total,) = unit_scores([org.code], JUNE, END)
    # XW-01 2.5 of 2.5, XW-02 1 of 1, XW-07 0 of 4 (five never handled).
    assert total.total == pytest.approx(100 * 3.5 / 7.5)


def test_a_recorded_review_takes_an_order_out_of_the_named_items_only(org):
    order = OrderFactory(org=org, request_type="help")
    call_back(order, solved="no", satisfied="dissatisfied")
    record_fact(
        kind="dispatch.exclusion", subject_ref=order.ref, org_code=org.code, happened_at=MORNING,
        body={"items": ["XW-17"], "reason": "beyond duty"},
    )  # fmt: skip
    assert item(org, "XW-17").denominator == 0
    assert item(org, "XW-18").denominator == 1


def test_a_supervisor_takes_an_order_out_and_nobody_else_does(org, officer):
    order = OrderFactory(org=org, request_type="help")
    call_back(order, solved="no")
    own = UserFactory(roles=[(Role.SUPERVISOR, CITY)], organisation=org)
    for user in (officer, dispatcher_of(), own):
        with refused(PermissionDenied):
            services.exclude_order(order_id=order.pk, by=user, items=["XW-17"], reason="Beyond duty")
    supervisor = UserFactory(roles=[(Role.SUPERVISOR, CITY)])
    with refused(DomainError, "unknown_item"):
        services.exclude_order(order_id=order.pk, by=supervisor, items=["XW-99"], reason="Beyond duty")
    services.exclude_order(order_id=order.pk, by=supervisor, items=["XW-17"], reason="Beyond duty")
    assert item(org, "XW-17").denominator == 0
    assert AuditEntry.objects.filter(action="dispatch.exclude_order", actor_id=supervisor.pk).exists()


def test_scores_hold_when_the_order_row_is_tampered_with(org, officer):
    order = OrderFactory(org=org)
    sign(order, officer, days=2)
    before = item(org, "XW-01")
    Order.objects.filter(pk=order.pk).update(
        sign_due_at=order.sign_due_at + timedelta(days=30), due_at=order.due_at + timedelta(days=90)
    )
    assert item(org, "XW-01").rows == before.rows


@given(st.floats(0, 100))
def test_a_score_lies_between_nothing_and_everything(value):
    for each in ITEMS.values():
        assert 0 <= each.rule.share(value) <= 1


@given(st.floats(0, 100), st.floats(0, 100))
def test_more_is_never_worth_less(a, b):
    low, high = sorted((a, b))
    for each in ITEMS.values():
        better, worse = (low, high) if each.unit == "h" else (high, low)
        assert each.rule.share(better) >= each.rule.share(worse)


@pytest.mark.parametrize(
    ("rule", "value", "share"),
    [
        (Linear(96, 85), 96, 1),
        (Linear(96, 85), 85, 0),
        (Linear(96, 85), 90.5, 0.5),
        (Linear(2, 8), 2, 1),
        (Linear(2, 8), 5, 0.5),
        (Linear(2, 8), 9, 0),
        (FloorLinear(95, 0.02, 0.5), 95, 1),
        (FloorLinear(95, 0.02, 0.5), 94, 0.98),
        (FloorLinear(95, 0.02, 0.5), 10, 0.5),
    ],
)
def test_rules(rule, value, share):
    assert rule.share(value) == pytest.approx(share)


def test_periods_follow_each_other():
    assert str(Period(2026, 12).next()) == "2027-01"
    assert str(Period(2027, 1).previous()) == "2026-12"
    assert Period.parse("2026-06") == JUNE
    for nonsense in ("2026-13", "june", "2026"):
        with pytest.raises(ValueError):
            Period.parse(nonsense)
