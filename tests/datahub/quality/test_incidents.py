"""One incident per fault: raised, moved by its owner, closed by itself, escalated, reopened."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.utils import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, IllegalMove
from commandcenter.core.moves import next_state
from commandcenter.journal.models import AuditEntry, Event, Fact
from datahub.models import Dataset
from datahub.quality.models import Incident, IncidentMove
from datahub.quality.services import act_on_incident, clear_incident, raise_incident, watch_incidents
from datahub.quality.services.watching import watch_timeliness
from datahub.quality.states import ALIVE, INCIDENT_MOVES, RUNNING, IncidentState
from datahub.services import deliver
from tests.factories.datahub import NOON, READINGS, csv_file, make_dataset, table_of_rows

from .kit import BUREAU, PROVIDER, SHOPS, declared, shop, shops, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(city):
    return staff()


@pytest.fixture
def dataset(who):
    return declared()


def raised(dataset, **over):
    values = {"kind": "source_failing", "key": "s1", "dataset": dataset, "reason": "connection"}
    return raise_incident(**{**values, **over})


def test_an_incident_has_owner_deadline_number_move_audit_and_news(dataset):
    with clock.at(NOON):
        found = raised(dataset, detail="host is down")
    assert (found.state, found.org_code, found.severity, found.times) == ("open", PROVIDER, "high", 1)
    assert found.number == f"YC-2026-{found.pk:06d}"
    assert found.due_at > NOON  # seven working hours on
    assert [m.action for m in found.moves.all()] == ["raise"]
    assert AuditEntry.objects.filter(action="datahub.incident_raise", target_ref=found.home).exists()
    event = Event.objects.get(kind="datahub.incident.moved")
    assert event.audiences == ["steward", f"org:{PROVIDER}"]
    assert (event.body["action"], event.body["to_state"]) == ("raise", "open")


def test_a_repeat_only_counts_up(dataset):
    first = raised(dataset)
    again = raised(dataset, detail="still down")
    assert (again.pk, again.times, again.detail) == (first.pk, 2, "still down")
    assert (Incident.objects.count(), IncidentMove.objects.count(), Event.objects.count()) == (1, 1, 1)
    assert raised(dataset, key="s2").pk != first.pk
    assert raise_incident(kind="source_failing", key="s1", reason="x", org_code="o").pk != first.pk


def test_two_of_a_kind_cannot_be_alive_even_without_a_dataset(dataset):
    first = raise_incident(kind="device_fault", key="cam-1", reason="offline", org_code=PROVIDER)
    with pytest.raises(DatabaseError), transaction.atomic():
        Incident.objects.create(
            number="x", kind="device_fault", key="cam-1", severity="low", reason="offline",
            opened_at=NOON, last_at=NOON, due_at=NOON,
        )  # fmt: skip
    assert Incident.objects.get() == first


def test_it_closes_by_itself_and_comes_back_as_the_same_one(dataset):
    found = raised(dataset)
    cleared = clear_incident(kind="source_failing", key="s1", dataset=dataset)
    assert (cleared.pk, cleared.state, cleared.because) == (found.pk, "closed", "mended")
    assert clear_incident(kind="source_failing", key="s1", dataset=dataset) is None
    back = raised(dataset)
    assert (back.pk, back.state, back.times, back.closed_at) == (found.pk, "open", 2, None)
    assert [m.action for m in found.moves.all()] == ["raise", "clear", "reopen"]


def test_long_after_it_is_a_new_one(dataset):
    found = raised(dataset)
    clear_incident(kind="source_failing", key="s1", dataset=dataset)
    assert raised(dataset, at=clock.now() + timedelta(days=8)).pk != found.pk


def test_a_false_alarm_is_not_reopened(dataset, who):
    found = raised(dataset)
    act_on_incident(
        incident_id=found.pk, action="close", by=who["steward"], note="maintenance", because="false_alarm"
    )
    assert raised(dataset).pk != found.pk


def test_the_owner_works_it_off(dataset, who):
    found = raised(dataset)
    for action, state in [
        ("acknowledge", "acknowledged"),
        ("start_mending", "mending"),
        ("resolve", "resolved"),
    ]:
        act_on_incident(incident_id=found.pk, action=action, by=who["owner"], note="cable mended")
        found.refresh_from_db()
        assert found.state == state
    assert Fact.objects.get(kind="datahub.incident_deadline").outcome == "in_time"
    clear_incident(kind="source_failing", key="s1", dataset=dataset)
    assert Fact.objects.count() == 1  # once per clock


@pytest.mark.parametrize(
    ("person", "action", "note", "error"),
    [
        pytest.param("other", "acknowledge", "", PermissionDenied, id="another organisation"),
        pytest.param("analyst", "acknowledge", "", PermissionDenied, id="an analyst"),
        pytest.param("owner", "close", "fine as it is", PermissionDenied, id="the owner closes"),
        pytest.param("owner", "resolve", " ", BadInput, id="without saying what was done"),
        pytest.param("steward", "close", "x", BadInput, id="without a cause"),
        pytest.param("steward", "escalate", "x", PermissionDenied, id="not a person's step"),
        pytest.param("steward", "reopen", "x", PermissionDenied, id="nor this"),
    ],
)
def test_refusals_change_nothing(dataset, who, person, action, note, error):
    found = raised(dataset)
    with pytest.raises(error):
        act_on_incident(incident_id=found.pk, action=action, by=who[person], note=note)
    found.refresh_from_db()
    assert (found.state, found.moves.count(), Event.objects.count()) == ("open", 1, 1)


def test_a_deadline_that_runs_out_is_told_once_and_counted(dataset):
    found = raised(dataset, at=NOON)
    with clock.at(NOON + timedelta(days=10)):
        assert (watch_incidents(), watch_incidents()) == (1, 0)
    found.refresh_from_db()
    assert found.escalated_at is not None
    assert found.moves.last().body["told"] == BUREAU
    fact = Fact.objects.get()
    assert (fact.outcome, fact.org_code, fact.subject_ref) == ("late", PROVIDER, found.home)


def test_only_the_owner_and_stewards_see_it(dataset, who):
    found = raised(dataset)
    seen = {
        name: Incident.objects.visible_to(user).filter(pk=found.pk).exists() for name, user in who.items()
    }
    assert seen == {"owner": True, "other": False, "steward": True, "analyst": False}


def test_moves_are_append_only(dataset):
    raised(dataset)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE datahub_incidentmove SET note = 'changed'")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM datahub_incidentmove")


@given(st.lists(st.sampled_from(sorted(INCIDENT_MOVES)), max_size=12))
def test_any_walk_through_the_table_stays_inside_it(actions):
    state = IncidentState.OPEN
    for action in actions:
        before = state
        try:
            state = next_state(INCIDENT_MOVES, action, state)
        except IllegalMove:
            assert state not in INCIDENT_MOVES[action].start
            continue
        assert state in IncidentState.values
        assert before != IncidentState.CLOSED or action == "reopen"  # nothing else leaves the end


def test_the_states_whose_clock_runs_are_those_that_may_escalate():
    assert INCIDENT_MOVES["escalate"].start == RUNNING
    assert {
        s for s in IncidentState if "clear" in INCIDENT_MOVES and s in INCIDENT_MOVES["clear"].start
    } == ALIVE


# ---------------------------------------------------------------- what raises them


def only(**over):
    return Incident.objects.get(**over)


def test_a_rule_that_fails_beyond_its_tolerance_opens_one_and_the_next_good_delivery_closes_it(
    dataset, tmp_path
):
    bad = shops(tmp_path, [shop("A"), shop("B", staff=900), shop("C", staff=901)])
    found = only()
    assert (found.kind, found.key, found.reason, found.delivery) == (
        "rule_failed",
        "staff_range",
        "out_of_range",
        bad,
    )
    assert (found.detail, found.severity) == ("2 / 3", "high")
    shops(tmp_path, [shop("D", staff=900), shop("E")], "again.csv")
    assert (only().times, only().state) == (2, "open")
    good = shops(tmp_path, [shop("F"), shop("G")], "good.csv")
    found.refresh_from_db()
    assert (found.state, found.moves.last().note) == ("closed", good.ref)


def test_within_the_tolerance_nothing_happens(dataset, tmp_path):
    from datahub.quality.services.rules import save_rule

    rule = SHOPS.rules[0].model_copy(update={"tolerance": 0.5})
    save_rule(dataset_code=SHOPS.code, rule=rule, by=staff_steward())
    shops(tmp_path, [shop("A"), shop("B", staff=900)])
    assert not Incident.objects.exists()


def staff_steward():
    from tests.factories.city import UserFactory

    return UserFactory(may=["steward"])


def test_checks_that_every_dataset_has_open_one_too(dataset, tmp_path):
    shops(tmp_path, [shop("A"), shop("B", staff="many"), shop("A")])
    assert set(Incident.objects.values_list("key", "reason")) == {
        ("=type", "type"),
        ("=key", "duplicate_key"),
    }


def test_a_refused_delivery_opens_one_and_the_next_taken_closes_it(dataset, tmp_path):
    path = tmp_path / "broken.csv"
    path.write_bytes(b"")
    deliver(dataset_code=SHOPS.code, path=path)
    found = only()
    assert (found.kind, found.reason, found.severity) == ("delivery_refused", "empty", "high")
    shops(tmp_path, [shop("A")])
    found.refresh_from_db()
    assert found.state == "closed"


def test_columns_that_change_overnight_open_one(dataset, tmp_path):
    shops(tmp_path, [shop("A")])
    deliver(dataset_code=SHOPS.code, path=csv_file(tmp_path, [{"id": "B", "label": "b"}], "other.csv"))
    found = only()
    assert (found.kind, found.reason) == ("columns_changed", "missing_columns")
    shops(tmp_path, [shop("C")], "back.csv")
    found.refresh_from_db()
    assert found.state == "closed"


def test_an_extra_column_is_taken_and_said(dataset, tmp_path):
    shops(tmp_path, [shop("A")])
    extra = [{**shop("B"), "owner_phone": "1"}]
    deliver(dataset_code=SHOPS.code, path=csv_file(tmp_path, extra, "extra.csv"))
    assert (only().kind, only().severity, only().reason) == ("columns_changed", "normal", "extra_columns")


def test_history_starts_no_clock(dataset, tmp_path):
    shops(tmp_path, [shop("A"), shop("B", staff=900)], history=True)
    assert not Incident.objects.exists()


def test_a_source_that_falls_silent_is_late_until_it_is_heard(city):
    staff()
    make_dataset(READINGS.model_copy(update={"provider": PROVIDER}))
    with clock.at(NOON):
        deliver(dataset_code=READINGS.code, table=table_of_rows(3))
        assert watch_timeliness(NOON) == {"late": 0, "back": 0}
    later = NOON + timedelta(hours=3)
    assert watch_timeliness(later) == {"late": 1, "back": 0}
    assert watch_timeliness(later + timedelta(minutes=1)) == {"late": 0, "back": 0}
    found = only()
    assert (found.kind, found.org_code, found.times) == ("late", PROVIDER, 1)
    with clock.at(later):
        deliver(dataset_code=READINGS.code, table=table_of_rows(3, at=later), period="later")
    found.refresh_from_db()
    assert found.state == "closed"


def test_a_stream_does_not_flap_from_second_to_second(city):
    """Pushed batches are judged by the day's sums: one bad row in a small batch opens nothing."""
    staff()
    make_dataset()
    with clock.at(NOON):
        for n in range(4):
            table = table_of_rows(3, value=-1 if n == 1 else n)
            from datahub.services import fold_blobs, push_rows

            push_rows(READINGS.code, table, key=f"b{n}")
            fold_blobs()
    assert not Incident.objects.exists()


def test_a_rule_that_was_switched_off_takes_its_incident_along(dataset, tmp_path):
    from datahub.quality.services.rules import switch_rule

    shops(tmp_path, [shop("A"), shop("B", staff=900)])
    switch_rule(dataset_code=SHOPS.code, code="staff_range", active=False, by=staff_steward())
    shops(tmp_path, [shop("C", staff=900)], "next.csv")
    assert only().state == "closed"
    assert Dataset.objects.get(code=SHOPS.code).deliveries.first().rows_rejected == 0


def test_an_application_whose_clock_ran_out_opens_one_for_whoever_is_late(city):
    from datahub.sharing import services
    from tests.factories.sharing import applied, people, shared

    who = people()
    with clock.at(NOON):
        shared()
        agreement = applied(who)
    with clock.at(NOON + timedelta(days=20)):
        services.watch_agreements()
    found = only()
    assert (found.kind, found.key, found.org_code) == ("clock_over", agreement.number, BUREAU)
    with clock.at(NOON + timedelta(days=20)):
        services.pass_check(agreement_id=agreement.pk, by=who["steward"])
    found.refresh_from_db()
    assert found.state == "closed"


def test_raising_costs_the_same_with_many_incidents(dataset, django_assert_max_num_queries):
    for n in range(20):
        raised(dataset, key=f"k{n}")
    with django_assert_max_num_queries(6):
        raised(dataset, key="k3")
