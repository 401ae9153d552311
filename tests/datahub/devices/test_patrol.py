"""From heartbeats to faults: one outage is one fault, whatever comes in which order."""

from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from commandcenter.core import clock
from commandcenter.core.moves import next_state
from commandcenter.journal.models import AuditEntry, Fact
from datahub.devices import services
from datahub.devices.models import Availability, Device, DeviceSpell, Fault, FaultMember, PatrolSetting
from datahub.devices.services import counting
from datahub.devices.states import DEVICE_MOVES, FAULT_MOVES, STANDING, DeviceState, FaultState
from datahub.quality.models import Incident
from tests.factories.datahub import NOON
from tests.factories.devices import OWNER, City, camera, owners, register

ONE = camera(1)


def spells(code: str = ONE) -> list[tuple[str, int, int | None]]:
    """(state, from minute, until minute) since noon."""
    found = DeviceSpell.objects.filter(device__code=code).order_by("since", "pk")
    return [
        (
            s.state,
            round((s.since - NOON).total_seconds() / 60),
            s.until and round((s.until - NOON).total_seconds() / 60),
        )
        for s in found
    ]


def state(code: str = ONE) -> str:
    return Device.objects.get(code=code).state


def test_a_device_never_heard_is_offline_and_charged_to_nobody(life):
    register(1)
    life.walk(200)
    assert (state(), Fault.objects.count(), spells()) == ("offline", 0, [])


def test_silence_beyond_the_limit_is_offline_and_a_long_one_a_fault(life, news):
    register(1)
    life.walk(5, ONE)
    assert (state(), spells()) == ("online", [("online", 1, None)])
    life.walk(3)
    assert state() == "online"
    life.walk(1)
    assert (state(), spells()) == ("offline", [("online", 1, 5), ("offline", 5, None)])
    life.walk(28)
    assert Fault.objects.count() == 0
    life.walk(2)
    fault = Fault.objects.get()
    assert (state(), fault.state, fault.cause, fault.owner_code) == ("fault", "open", "outage", OWNER)
    assert fault.number.startswith("GZ-2026-")
    assert fault.due_at > fault.opened_at
    assert "datahub.fault.moved" in news
    incident = Incident.objects.get(kind="device_fault")
    assert (incident.key, incident.org_code, incident.state) == (OWNER, OWNER, "open")


def test_a_heartbeat_confirms_and_steadiness_closes(life):
    register(1)
    life.walk(2, ONE)
    life.walk(40)
    life.walk(1, ONE)
    fault = Fault.objects.get()
    assert (fault.state, state()) == ("confirmed", "online")
    life.walk(9, ONE)
    assert Fault.objects.get().state == "confirmed"
    life.walk(3, ONE)
    fault.refresh_from_db()
    assert (fault.state, FaultMember.objects.filter(until=None).count()) == ("closed", 0)
    assert [one.action for one in fault.moves.all()] == ["open", "confirm", "close"]
    fact = Fact.objects.get(kind="datahub.device_fault")
    assert (fact.outcome, fact.org_code) == ("on_time", OWNER)
    assert Incident.objects.get(kind="device_fault").state == "closed"


def test_a_flapping_device_keeps_one_fault(life):
    register(1)
    life.walk(2, ONE)
    for _ in range(12):
        life.walk(40)
        life.walk(15, ONE)
    fault = Fault.objects.get()
    assert fault.reopened >= 5
    assert fault.members.count() == 1
    assert fault.cause == "flapping"  # and from then on it waits for two quiet hours, not for ten minutes


def test_many_short_outages_are_a_fault_of_their_own_kind(life):
    register(1)
    life.walk(2, ONE)
    for _ in range(7):
        life.walk(6)
        life.walk(3, ONE)
    fault = Fault.objects.get()
    assert (fault.cause, fault.state) == ("flapping", "open")
    life.walk(100, ONE)
    assert Fault.objects.get().state == "open"
    life.walk(45, ONE)
    assert Fault.objects.get().state == "closed"


def test_what_the_device_says_of_itself_is_a_fault(life):
    register(1)
    life.walk(2, ONE)
    life.beat(ONE, trouble="video_loss")
    life.patrol()
    fault = Fault.objects.get()
    assert (fault.cause, state()) == ("reported", "fault")
    life.walk(12, ONE)
    assert (Fault.objects.get().state, state()) == ("closed", "online")


def test_a_whole_owner_silent_at_once_is_one_fault(life, news):
    codes = [one.code for one in register(40)]
    life.walk(3, *codes)
    before = list(news).count("datahub.fault.moved")
    life.walk(6, *codes[:20])
    fault = Fault.objects.get()
    assert (fault.is_group, fault.devices, fault.members.count(), fault.area_code) == (True, 20, 20, "320613")
    assert Device.objects.filter(state="fault").count() == 20
    assert list(news).count("datahub.fault.moved") == before + 1
    life.walk(60, *codes[:20])
    assert Fault.objects.count() == 1
    life.walk(1, *codes)
    assert Fault.objects.get().state == "confirmed"
    life.walk(12, *codes)
    assert Fault.objects.get().state == "closed"


def test_stragglers_of_a_group_become_faults_of_their_own(life):
    codes = [one.code for one in register(40)]
    life.walk(3, *codes)
    life.walk(10)
    life.walk(60, *codes[:39])
    group = Fault.objects.get(is_group=True)
    assert group.state == "closed"
    single = Fault.objects.get(is_group=False)
    assert single.members.get().device.code == codes[39]


def test_those_noticed_later_join_the_group(life):
    cameras = [one.code for one in register(30)]
    gas = [one.code for one in register(6, first=100, kind="gas")]
    life.walk(3, *cameras, *gas)
    life.walk(40)
    fault = Fault.objects.get()
    assert fault.devices == 36
    assert fault.moves.filter(action="join").exists()


def test_a_few_of_many_stay_single(life):
    codes = [one.code for one in register(60)]
    life.walk(3, *codes)
    life.walk(40, *codes[:50])
    assert Fault.objects.filter(is_group=False).count() == 10
    assert Fault.objects.filter(is_group=True).count() == 0
    assert Incident.objects.filter(kind="device_fault").count() == 1


def test_the_share_of_a_group_is_a_setting(life):
    PatrolSetting.objects.create(name="group_share", value=10)
    codes = [one.code for one in register(60)]
    life.walk(3, *codes)
    life.walk(10, *codes[:50])
    assert Fault.objects.get().devices == 10


def test_announced_maintenance_is_no_outage(life, who):
    register(1)
    life.walk(3, ONE)
    with clock.at(life.now):
        services.announce_maintenance(
            owner_code=OWNER, starts_at=life.now, ends_at=life.now + timedelta(hours=2), reason="换电源",
            by=who["officer"],
        )  # fmt: skip
    life.walk(110)
    assert (Fault.objects.count(), spells()[-1][0]) == (0, "planned")
    life.walk(10)
    assert spells()[-1][0] == "offline"
    life.walk(40)
    assert Fault.objects.count() == 1


def test_maintenance_takes_a_standing_fault_away(life, who):
    register(1)
    life.walk(2, ONE)
    life.walk(40)
    with clock.at(life.now):
        services.announce_maintenance(
            owner_code=OWNER, starts_at=life.now, ends_at=life.now + timedelta(hours=2), reason="道路施工",
            by=who["officer"], area_code="320613", kind="camera",
        )  # fmt: skip
    life.walk(1)
    assert (Fault.objects.get().state, spells()[-1][0], state()) == ("closed", "planned", "offline")


def test_after_a_break_of_the_patrol_nobody_is_judged_by_it(life):
    codes = [one.code for one in register(20)]
    life.walk(3, *codes)
    life.now += timedelta(hours=3)  # the platform was down: neither heartbeats nor patrol
    life.patrol()
    assert Device.objects.filter(state="online").count() == 20
    life.walk(2, *codes[:19])
    assert Device.objects.filter(state="online").count() == 20
    life.walk(3, *codes[:19])
    assert Device.objects.filter(state="offline").count() == 1
    assert spells(codes[19])[-1] == ("offline", 183, None)


def test_who_was_silent_before_the_break_stays_silent_after_it(life):
    register(1)
    life.walk(3, ONE)
    life.walk(10)
    life.now += timedelta(hours=3)
    life.patrol()
    assert (state(), spells()[-1]) == ("fault", ("offline", 3, None))
    life.walk(1, ONE)
    assert state() == "online"


def test_a_gap_between_two_rounds_is_found_in_the_pulse(life):
    register(1)
    life.walk(3, ONE)
    life.now += timedelta(minutes=4)
    life.beat(ONE)
    life.patrol()
    assert spells() == [("online", 1, 3), ("offline", 3, 7), ("online", 7, None)]


def test_a_round_may_come_twice(life):
    register(30)
    codes = [camera(n) for n in range(1, 31)]
    life.walk(3, *codes)
    life.walk(10)
    before = (list(DeviceSpell.objects.values_list()), list(FaultMember.objects.values_list()))
    life.patrol()
    life.patrol()
    assert before == (list(DeviceSpell.objects.values_list()), list(FaultMember.objects.values_list()))


def test_the_owner_acknowledges_and_repairs_and_the_patrol_contradicts(life, who):
    register(1)
    life.walk(2, ONE)
    life.walk(40)
    fault = Fault.objects.get()
    with clock.at(life.now):
        services.acknowledge_fault(fault_id=fault.pk, by=who["officer"])
        services.repair_fault(fault_id=fault.pk, by=who["officer"], note="换了电源")
    life.walk(70)
    fault.refresh_from_db()
    assert [one.action for one in fault.moves.all()] == ["open", "acknowledge", "repair", "contradict"]
    assert AuditEntry.objects.filter(action="datahub.repair_fault").count() == 1


@pytest.mark.parametrize("person", ["other", "dispatcher", "analyst", "far"])
def test_nobody_else_moves_a_fault(life, who, person, news):
    from django.core.exceptions import PermissionDenied

    register(1)
    life.walk(2, ONE)
    life.walk(40)
    fault = Fault.objects.get()
    before = list(news)
    with pytest.raises(PermissionDenied):
        services.acknowledge_fault(fault_id=fault.pk, by=who[person])
    fault.refresh_from_db()
    assert (fault.state, fault.moves.count(), list(news)) == ("open", 1, before)


def test_the_order_moves_the_fault(life):
    register(1)
    life.walk(2, ONE)
    life.walk(40)
    fault = Fault.objects.get()
    order = {"case_ref": fault.ref, "order_id": 7, "number": "20261120000007", "role": "lead"}
    for action, expected in [
        ("open", "open"),
        ("sign", "acknowledged"),
        ("sign", "acknowledged"),
        ("handle", "repaired"),
        ("redo", "open"),
    ]:
        services.follow_order(payload={**order, "action": action})
        fault.refresh_from_db()
        assert fault.state == expected
    services.follow_order(payload={**order, "order_id": 8, "action": "handle"})
    fault.refresh_from_db()
    assert (fault.state, fault.order_number) == ("open", "20261120000007")


def test_availability_is_heard_time_over_duty(life):
    register(2)
    two = camera(2)
    life.walk(60, ONE, two)
    life.walk(60, two)
    with clock.at(life.now):
        assert counting.count_availability(force=True)
    found = Availability.objects.get()
    assert (found.devices, found.should_s) == (2, 2 * 119 * 60)
    assert found.online_s == (119 + 59) * 60
    assert found.intact_s == found.online_s
    life.now += timedelta(days=1)
    with clock.at(life.now):
        counting.count_availability(force=True)
    fact = Fact.objects.get(kind="datahub.device_availability")
    assert fact.org_code == OWNER
    assert float(fact.value) == pytest.approx(fact.body["online_s"] / fact.body["should_s"], abs=1e-4)


def test_suspended_and_retired_devices_are_left_alone(life):
    register(1)
    life.walk(3, ONE)
    life.walk(40)
    with clock.at(life.now):
        register(1, status="suspended")
    life.walk(60)
    assert (state(), Fault.objects.get().state, spells()[-1][0]) == ("suspended", "closed", "suspended")
    with clock.at(life.now):
        register(1, status="retired")
    assert life.beat(ONE).unknown == [ONE]
    with clock.at(life.now):
        register(1, maker="乙")
    life.walk(2, ONE)
    assert state() == "online"


# ---------------------------------------------------------------- properties


@given(st.lists(st.sampled_from(sorted(FAULT_MOVES)), max_size=12))
def test_a_fault_walks_its_table_only(actions):
    """Whatever is asked for, a fault is closed only after it was confirmed or taken out of duty."""
    now, done = FaultState.OPEN, []
    for action in actions:
        try:
            now = next_state(FAULT_MOVES, action, now)
        except Exception:
            continue
        done.append(action)
    if now == FaultState.CLOSED:
        assert done[-1] in ("close", "withdraw")
        if done[-1] == "close":
            assert "confirm" in done


def test_every_state_can_be_left_and_reached():
    for moves, states in ((FAULT_MOVES, FaultState), (DEVICE_MOVES, DeviceState)):
        assert {str(m.to) for m in moves.values()} == {str(s) for s in states}
        assert set().union(*(m.start for m in moves.values())) == set(states)


STEPS = st.lists(
    st.tuples(
        st.integers(1, 45),  # minutes until then
        st.sampled_from(["beat", "beat", "patrol", "patrol", "late", "trouble", "both", "suspend", "use"]),
        st.integers(0, 2),  # which device
        st.integers(0, 120),  # how old a late heartbeat is, in minutes
    ),
    min_size=1,
    max_size=25,
)


@limits(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking so many steps takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_whatever_the_order_of_heartbeats_a_device_has_one_fault_and_whole_spells(
    steps, transactional_db_free_city
):
    life, codes = transactional_db_free_city()
    for minutes, what, which, age in steps:
        life.now += timedelta(minutes=minutes)
        code = codes[which]
        if what in ("beat", "both"):
            life.beat(code)
        if what == "late":
            life.beat(code, age=timedelta(minutes=age))
        if what == "trouble":
            life.beat(code, trouble="x")
        if what in ("suspend", "use"):
            with clock.at(life.now):
                register(
                    1,
                    first=which + 1,
                    status="suspended" if what == "suspend" else "in_use",
                    maker=str(life.now),
                )
        if what in ("patrol", "both"):
            life.patrol()
    life.patrol()
    for code in codes:
        rows = list(DeviceSpell.objects.filter(device__code=code).order_by("since", "pk"))
        assert sum(one.until is None for one in rows) <= 1
        for before, after in zip(rows, rows[1:], strict=False):
            assert before.until is not None
            assert before.until <= after.since
        standing = Fault.objects.filter(state__in=STANDING, members__device__code=code, members__until=None)
        assert standing.count() <= 1
    assert not Fault.objects.filter(state="closed", members__until=None).exists()


@pytest.fixture
def transactional_db_free_city(who):
    """A fresh set of devices for every example: what the last one left is rolled back."""
    from django.db import transaction

    made = []

    def build():
        if made:
            transaction.savepoint_rollback(made.pop())
        made.append(transaction.savepoint())
        life = City(NOON)
        with clock.at(NOON):
            codes = [one.code for one in register(3)]
        return life, codes

    assert connection.in_atomic_block
    assert owners
    return build


def test_limits_of_the_administration_hold_at_once(life, client):
    from city.roles import Role
    from tests.factories.city import UserFactory

    register(1)
    client.force_login(UserFactory(may=[Role.SYSTEM_ADMIN]))
    values = {"kind": "camera", "silent_s": 600, "fault_s": 60, "repair_minutes": 60, "source": "试点"}
    answer = client.post("/admin/datahub/devicelimit/add/", values)
    assert answer.status_code == 302, answer.context["errors"]
    life.walk(3, ONE)
    life.walk(10)
    assert state() == "online"
    life.walk(3)
    assert Fault.objects.count() == 1
