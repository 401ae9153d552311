"""From application to grant: who may take which step, what each clock does, what stays when one is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from city.models import WorkDay
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, IllegalMove
from commandcenter.core.moves import next_state
from commandcenter.journal.models import AuditEntry, Event, Fact
from datahub.sharing import services
from datahub.sharing.models import Agreement, AgreementMove, ShareCall, ShareClock
from datahub.sharing.services import NotShared
from datahub.sharing.states import MOVES, AgreementState
from tests.factories.datahub import NOON
from tests.factories.sharing import (
    BUREAU,
    CLOSED,
    CONDITIONAL,
    CONSUMER,
    PERSONS,
    PROVIDER,
    UNCONDITIONAL,
    applied,
    granted,
    people,
    shared,
)

CLOSE = 9.5  # office hours end at 17:30 in Shanghai


@pytest.fixture
def who(city):
    return people()


def day(number, hour=CLOSE):
    return datetime(2026, 11, number, tzinfo=UTC) + timedelta(hours=hour)


@given(st.sampled_from(sorted(MOVES)), st.sampled_from(AgreementState.values))
def test_the_table_alone_decides(action, state):
    allowed = state in MOVES[action].start
    try:
        end = next_state(MOVES, action, state)
    except IllegalMove:
        assert not allowed
    else:
        assert allowed
        assert end in AgreementState.values


def test_a_conditional_dataset_goes_to_its_provider(who, noon, news):
    shared(rows=1)
    news.forget()
    agreement = applied(who)
    assert (agreement.state, agreement.due_at) == ("applied", day(24))  # Friday noon, 2 working days
    agreement = services.pass_check(agreement_id=agreement.pk, by=who["steward"])
    assert (agreement.state, agreement.mounted, agreement.due_at) == ("checked", True, day(27))
    agreement = services.grant(agreement_id=agreement.pk, by=who["provider"])
    assert (agreement.state, agreement.due_at) == ("granted", None)
    moves = AgreementMove.objects.filter(agreement=agreement)
    assert list(moves.values_list("action", "org_code")) == [
        ("apply", CONSUMER), ("pass_check", ""), ("grant", PROVIDER),
    ]  # fmt: skip
    assert news == ["datahub.agreement.moved"] * 3
    heard = Event.objects.filter(kind="datahub.agreement.moved").latest("pk").audiences
    assert set(heard) == {"steward", f"org:{PROVIDER}", f"org:{CONSUMER}"}


def test_without_a_resource_the_provider_has_ten_days(who, noon):
    shared()
    agreement = services.pass_check(agreement_id=applied(who).pk, by=who["steward"])
    assert (agreement.mounted, agreement.due_at) == (False, datetime(2026, 12, 4, 9, 30, tzinfo=UTC))


def test_holidays_and_a_changed_limit_move_the_clock(who, noon):
    from city import calendar

    WorkDay.objects.create(date="2026-11-23", is_work=False, source="test")
    ShareClock.objects.create(clock="check", working_days=3)
    calendar.forget()
    shared()
    assert applied(who).due_at == day(26)


def test_an_unconditional_dataset_is_granted_after_the_formal_check(who, noon):
    shared(UNCONDITIONAL)
    agreement = services.pass_check(agreement_id=applied(who, UNCONDITIONAL.code).pk, by=who["steward"])
    assert (agreement.state, agreement.expires_at) == ("granted", NOON + timedelta(days=30))
    assert agreement.moves.last().action == "grant_directly"


def test_what_is_not_shared_is_refused_with_its_basis(who, noon, news):
    shared(CLOSED)
    news.forget()
    with pytest.raises(NotShared) as refused:
        applied(who, CLOSED.code)
    assert refused.value.code == "not_shared"
    assert not Agreement.objects.filter(consumer_kind="organisation").exists()
    assert news == []
    assert AuditEntry.objects.filter(action="datahub.apply_for", result="refused").count() == 1


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"purpose": "  "}, "purpose"),
        ({"legal_basis": ""}, "legal_basis"),
        ({"columns": []}, "columns"),
        ({"columns": ["station", "salary"]}, "salary"),
        ({"until": NOON - timedelta(days=1)}, "until"),
        ({"row_filter": [{"column": "value", "op": "eq", "value": "much"}]}, "value"),
        ({"row_filter": [{"column": "value", "op": "drop table", "value": 1}]}, "value"),
        ({"row_filter": [{"column": "1=1; --", "op": "eq", "value": 1}]}, "1=1; --"),
        ({"row_filter": [{"column": "value", "op": "eq", "value": 1, "sql": "x"}]}, "value"),
    ],
)
def test_a_faulty_application_changes_nothing(who, noon, news, over, field):
    shared()
    news.forget()
    with pytest.raises(BadInput) as refused:
        applied(who, **over)
    assert field in [problem.field for problem in refused.value.problems]
    assert not Agreement.objects.filter(consumer_kind="organisation").exists()
    assert news == []


def test_one_application_at_a_time_for_one_dataset(who, noon):
    shared()
    first = applied(who)
    with pytest.raises(Conflict):
        applied(who)
    services.withdraw_application(agreement_id=first.pk, by=who["consumer"])
    assert applied(who).state == "applied"


STEPS = {
    "pass_check": lambda pk, by: services.pass_check(agreement_id=pk, by=by),
    "return": lambda pk, by: services.return_application(agreement_id=pk, by=by, note="缺用途说明"),
    "grant": lambda pk, by: services.grant(agreement_id=pk, by=by),
    "refuse": lambda pk, by: services.refuse_application(agreement_id=pk, by=by, note="依据不足"),
    "withdraw": lambda pk, by: services.withdraw_application(agreement_id=pk, by=by),
    "stop": lambda pk, by: services.stop_grant(agreement_id=pk, by=by, reason="到期前停用"),
    "token": lambda pk, by: services.issue_token(agreement_id=pk, by=by),
}


@pytest.mark.parametrize(
    ("state", "step", "person", "error"),
    [
        ("applied", "pass_check", "provider", PermissionDenied),
        ("applied", "pass_check", "consumer", PermissionDenied),
        ("applied", "pass_check", "analyst", PermissionDenied),
        ("applied", "return", "consumer", PermissionDenied),
        ("applied", "refuse", "provider", PermissionDenied),
        ("applied", "grant", "provider", IllegalMove),
        ("applied", "withdraw", "other", PermissionDenied),
        ("applied", "stop", "provider", IllegalMove),
        ("applied", "token", "consumer", IllegalMove),
        ("checked", "grant", "consumer", PermissionDenied),
        ("checked", "grant", "steward", PermissionDenied),
        ("checked", "grant", "other", PermissionDenied),
        ("checked", "refuse", "steward", PermissionDenied),
        ("checked", "return", "steward", IllegalMove),
        ("granted", "token", "provider", PermissionDenied),
        ("granted", "token", "steward", PermissionDenied),
        ("granted", "stop", "other", PermissionDenied),
        ("granted", "grant", "provider", IllegalMove),
        ("granted", "withdraw", "consumer", IllegalMove),
    ],
)
def test_refusals_change_nothing_and_say_nothing(who, noon, news, state, step, person, error):
    shared()
    agreement = applied(who)
    if state != "applied":
        services.pass_check(agreement_id=agreement.pk, by=who["steward"])
    if state == "granted":
        services.grant(agreement_id=agreement.pk, by=who["provider"])
    moves = AgreementMove.objects.count()
    news.forget()
    with pytest.raises(error):
        STEPS[step](agreement.pk, who[person])
    agreement.refresh_from_db()
    assert (agreement.state, AgreementMove.objects.count(), agreement.token_hash) == (state, moves, "")
    assert news == []


@pytest.mark.parametrize(
    "terms",
    [
        {"columns": ["station", "count"]},
        {"masking": {"station": "rot13"}},
        {"row_filter": [{"column": "nothing", "op": "eq", "value": 1}]},
        {"until": NOON - timedelta(hours=1)},
    ],
)
def test_a_grant_gives_no_more_than_was_asked(who, noon, terms):
    shared()
    agreement = services.pass_check(agreement_id=applied(who).pk, by=who["steward"])
    with pytest.raises(BadInput):
        services.grant(agreement_id=agreement.pk, by=who["provider"], **terms)
    agreement.refresh_from_db()
    assert agreement.state == "checked"


def test_a_personal_column_is_hidden_or_a_token_and_nothing_between(who, noon):
    shared(PERSONS)
    agreement = applied(who, PERSONS.code, columns=["number", "phone"])
    services.pass_check(agreement_id=agreement.pk, by=who["steward"])
    with pytest.raises(BadInput):
        services.grant(agreement_id=agreement.pk, by=who["provider"], masking={"phone": "phone"})
    services.grant(agreement_id=agreement.pk, by=who["provider"], masking={"phone": "token"})


def test_the_narrower_of_two_wishes_holds(who, noon):
    shared()
    agreement, _token = granted(
        who, quota_calls=100, row_filter=[{"column": "station", "value": "S1"}],
        terms={"quota_calls": 500, "until": NOON + timedelta(days=90), "columns": ["station"],
               "row_filter": [{"column": "value", "op": "lt", "value": 50}]},
    )  # fmt: skip
    agreement.refresh_from_db()
    assert (agreement.quota_calls, agreement.expires_at) == (100, NOON + timedelta(days=30))
    assert agreement.columns == ["station"]
    assert [rule["column"] for rule in agreement.row_filter] == ["station", "value"]


def test_a_clock_stands_still_while_the_applicant_mends(who, noon):
    shared()
    agreement = services.return_application(agreement_id=applied(who).pk, by=who["steward"], note="缺依据")
    assert agreement.due_at is None
    with clock.at(NOON + timedelta(days=30)):
        assert services.watch_agreements()["escalated"] == 0
        agreement = services.complete_application(
            agreement_id=agreement.pk,
            by=who["consumer"],
            purpose="会商",
            legal_basis="法",
            columns=["station"],
        )
    assert (agreement.state, agreement.columns) == ("applied", ["station"])
    assert agreement.due_at > NOON + timedelta(days=30)


def test_a_clock_that_runs_out_is_reported_once_per_clock(who, noon):
    shared(rows=1)
    agreement = applied(who)
    assert services.watch_agreements()["escalated"] == 0
    with clock.at(day(24) + timedelta(minutes=1)):
        assert services.watch_agreements()["escalated"] == 1
        assert services.watch_agreements()["escalated"] == 0
        services.pass_check(agreement_id=agreement.pk, by=who["steward"])
    with clock.at(day(30)):
        assert services.watch_agreements()["escalated"] == 0
    with clock.at(datetime(2026, 12, 2, tzinfo=UTC)):
        assert services.watch_agreements()["escalated"] == 1
    facts = Fact.objects.filter(kind="datahub.share_deadline").order_by("pk")
    assert list(facts.values_list("org_code", flat=True)) == [BUREAU, PROVIDER]
    told = AgreementMove.objects.filter(action="escalate").values_list("body__told", flat=True)
    assert list(told) == [BUREAU, BUREAU]


def test_an_end_is_kept_even_when_nobody_watches_and_then_recorded(who, noon):
    shared()
    agreement, _token = granted(who)
    with clock.at(NOON + timedelta(days=30)):
        assert not Agreement.objects.live(at=clock.now()).filter(pk=agreement.pk).exists()
        assert services.watch_agreements()["expired"] == 1
    agreement.refresh_from_db()
    assert (agreement.state, agreement.ended_at) == ("expired", NOON + timedelta(days=30))


def test_history_is_never_rewritten(who, noon):
    shared()
    agreement, _token = granted(who)
    services.note_call(agreement, CONDITIONAL.code, "api", "ok")
    for rows in (AgreementMove.objects, ShareCall.objects):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.all().delete()
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(at=NOON)


def test_the_database_itself_refuses_a_grant_without_end_or_purpose(who, noon):
    shared()
    agreement, _token = granted(who)
    for values in ({"expires_at": None}, {"purpose": ""}, {"state": "anything"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Agreement.objects.filter(pk=agreement.pk).update(**values)


def test_who_sees_an_agreement(who, noon):
    from tests.factories.city import RUDONG, UserFactory

    shared(CONDITIONAL.model_copy(update={"area_code": "320613"}))
    agreement = applied(who)
    seen = {
        name: Agreement.objects.visible_to(user).filter(pk=agreement.pk).exists()
        for name, user in who.items()
    }
    assert seen == {"provider": True, "consumer": True, "steward": True, "other": False, "analyst": False}
    elsewhere = UserFactory(roles=[("steward", RUDONG, None)])
    assert not Agreement.objects.visible_to(elsewhere).exists()
    with pytest.raises(PermissionDenied):
        services.pass_check(agreement_id=agreement.pk, by=elsewhere)
