"""Roles, deputies and the three administrators that exclude each other."""

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from city.models import RoleGrant, User
from city.roles import ADMIN_ROLES, BUSINESS_ROLES, Role, role_class
from city.services import (
    appoint_deputy,
    create_user,
    end_deputy,
    grant_role,
    revoke_role,
    set_active,
)
from commandcenter.core import clock
from commandcenter.core.errors import Conflict, DomainError
from commandcenter.journal import live
from commandcenter.journal.models import AuditEntry
from tests.factories.city import CHONGCHUAN, CITY, RUDONG, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(monkeypatch) -> list[int]:
    """Users whose sockets were closed during the test."""
    seen: list[int] = []
    for module in ("city.services.people", "city.accounts", "city.middleware"):
        monkeypatch.setattr(f"{module}.close_sockets_of", lambda user_id, **_: seen.append(user_id))
    assert live
    return seen


@pytest.fixture
def secadmin() -> User:
    return UserFactory(may=[Role.SECURITY_ADMIN])


def test_a_grant_is_audited_and_closes_the_persons_sockets(secadmin, closed):
    user, org = UserFactory(), OrganisationFactory()
    grant = grant_role(user_id=user.pk, role=Role.OFFICER, area_code=CHONGCHUAN, org_id=org.pk, by=secadmin)
    fresh = User.objects.get(pk=user.pk)
    assert fresh.has_role(Role.OFFICER)
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.actor_id, entry.target_ref) == (
        "city.grant_role",
        secadmin.pk,
        f"city.user:{user.pk}",
    )
    assert closed == [user.pk]
    revoke_role(grant_id=grant.pk, by=secadmin)
    assert not User.objects.get(pk=user.pk).has_role(Role.OFFICER)
    assert AuditEntry.objects.latest("pk").action == "city.revoke_role"
    assert closed == [user.pk, user.pk]
    assert RoleGrant.objects.filter(pk=grant.pk, until__isnull=False).exists()


def test_the_same_grant_twice_is_one(secadmin):
    user = UserFactory()
    first = grant_role(user_id=user.pk, role=Role.ANALYST, area_code=CITY, by=secadmin)
    assert grant_role(user_id=user.pk, role=Role.ANALYST, area_code=CITY, by=secadmin) == first


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.SECURITY_ADMIN}))
def test_nobody_but_the_security_administrator_grants(role, closed):
    by, user = UserFactory(may=[role]), UserFactory()
    with pytest.raises(PermissionDenied):
        grant_role(user_id=user.pk, role=Role.LEADER, area_code=CITY, by=by)
    assert (user.grants.count(), AuditEntry.objects.count(), closed) == (0, 0, [])


def test_nobody_grants_to_or_revokes_from_himself(secadmin, closed):
    with pytest.raises(PermissionDenied):
        grant_role(user_id=secadmin.pk, role=Role.SECURITY_ADMIN, area_code=CHONGCHUAN, by=secadmin)
    with pytest.raises(PermissionDenied):
        revoke_role(grant_id=secadmin.grants.get().pk, by=secadmin)
    assert (secadmin.grants.count(), secadmin.grants.active().count(), closed) == (1, 1, [])


def test_an_officer_needs_an_organisation(secadmin):
    with pytest.raises(DomainError):
        grant_role(user_id=UserFactory().pk, role=Role.OFFICER, area_code=CITY, by=secadmin)
    assert RoleGrant.objects.filter(role=Role.OFFICER).count() == 0


PAIRS = [(a, b) for a in Role for b in Role if role_class(a) != role_class(b)]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_administrators_exclude_each_other_and_all_business(first, second, secadmin, closed):
    user, org = UserFactory(may=[first]), OrganisationFactory()
    before = AuditEntry.objects.count()
    with pytest.raises(Conflict) as caught:
        grant_role(user_id=user.pk, role=second, area_code=CITY, org_id=org.pk, by=secadmin)
    assert caught.value.code == "exclusive_roles"
    assert ([g.role for g in user.grants.all()], AuditEntry.objects.count(), closed) == ([first], before, [])


@pytest.mark.parametrize(("first", "second"), [("system_admin", "audit_admin"), ("leader", "security_admin")])
def test_the_database_itself_refuses_an_exclusive_pair(first, second):
    user, at = UserFactory(may=[first]), clock.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleGrant.objects.create(user=user, role=second, area_code=CITY, since=at)
    with pytest.raises(IntegrityError), transaction.atomic():
        # A lie about the class does not help either.
        RoleGrant.objects.bulk_create(
            [RoleGrant(user=user, role=second, role_class=role_class(first), area_code=CITY, since=at)]
        )
    assert user.grants.count() == 1


def test_a_former_administrator_may_work_again(secadmin):
    user = UserFactory(may=[Role.AUDIT_ADMIN])
    revoke_role(grant_id=user.grants.get().pk, by=secadmin)
    grant_role(user_id=user.pk, role=Role.LEADER, area_code=CITY, by=secadmin)
    fresh = User.objects.get(pk=user.pk)
    assert (fresh.has_role(Role.LEADER), fresh.has_role(Role.AUDIT_ADMIN), fresh.is_staff) == (
        True,
        False,
        False,
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(list(Role))), max_size=12))
def test_whatever_is_granted_and_revoked_classes_never_mix(db, steps):
    with transaction.atomic():
        user, org = UserFactory(), OrganisationFactory()
        for give, role in steps:
            if give:
                try:
                    grant_role(user_id=user.pk, role=role, area_code=CITY, org_id=org.pk)
                except Conflict:
                    continue
            else:
                for grant in user.grants.active().filter(role=role):
                    revoke_role(grant_id=grant.pk)
            active = User.objects.get(pk=user.pk).grants.active()
            assert len({role_class(grant.role) for grant in active}) <= 1
            assert User.objects.get(pk=user.pk).is_staff == any(g.role in ADMIN_ROLES for g in active)
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_granting_at_once_cannot_mix_classes():
    user = UserFactory()
    results: list[str] = []
    start = threading.Barrier(2)

    def give(role: Role) -> None:
        start.wait()
        try:
            grant_role(user_id=user.pk, role=role, area_code=CITY)
            results.append("granted")
        except Conflict:
            results.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=(role,)) for role in (Role.AUDIT_ADMIN, Role.SYSTEM_ADMIN)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["granted", "refused"]
    assert user.grants.count() == 1


def test_a_deputy_has_the_absent_ones_roles_for_the_time(closed):
    org, at = OrganisationFactory(), clock.now()
    absent = UserFactory(roles=[(Role.OFFICER, CHONGCHUAN, org)])
    deputy = UserFactory(roles=[(Role.ANALYST, RUDONG)])
    row = appoint_deputy(
        absent_id=absent.pk, deputy_id=deputy.pk, since=at, until=at + timedelta(days=3), by=absent
    )
    standing = User.objects.get(pk=deputy.pk)
    assert standing.has_role(Role.OFFICER)
    assert standing.has_role(Role.ANALYST)
    assert closed == [deputy.pk]
    with clock.at(at + timedelta(days=4)):
        assert not User.objects.get(pk=deputy.pk).has_role(Role.OFFICER)
    end_deputy(deputy_row_id=row.pk, by=absent)
    assert not User.objects.get(pk=deputy.pk).has_role(Role.OFFICER)
    assert closed == [deputy.pk, deputy.pk]


def test_deputyships_do_not_chain():
    at, later = clock.now(), clock.now() + timedelta(days=3)
    one, two, three = UserFactory(may=[Role.LEADER]), UserFactory(), UserFactory()
    appoint_deputy(absent_id=one.pk, deputy_id=two.pk, since=at, until=later)
    appoint_deputy(absent_id=two.pk, deputy_id=three.pk, since=at, until=later)
    assert User.objects.get(pk=two.pk).has_role(Role.LEADER)
    assert not User.objects.get(pk=three.pk).has_role(Role.LEADER)


def test_a_disabled_persons_deputy_has_nothing_of_his():
    at = clock.now()
    one, two = UserFactory(may=[Role.LEADER]), UserFactory()
    appoint_deputy(absent_id=one.pk, deputy_id=two.pk, since=at, until=at + timedelta(days=3))
    set_active(user_id=one.pk, active=False)
    assert not User.objects.get(pk=two.pk).has_role(Role.LEADER)


@pytest.mark.parametrize("role", sorted(ADMIN_ROLES))
def test_administrators_neither_deputise_nor_are_deputised_for(role):
    at, later = clock.now(), clock.now() + timedelta(days=3)
    admin, other = UserFactory(may=[role]), UserFactory(may=[Role.LEADER])
    for absent, deputy in ((admin, other), (other, admin)):
        with pytest.raises(Conflict):
            appoint_deputy(absent_id=absent.pk, deputy_id=deputy.pk, since=at, until=later)
    assert (admin.deputies.count(), admin.deputising.count()) == (0, 0)


def test_a_deputy_does_not_become_an_administrator(secadmin):
    at = clock.now()
    leader, deputy = UserFactory(may=[Role.LEADER]), UserFactory()
    appoint_deputy(absent_id=leader.pk, deputy_id=deputy.pk, since=at, until=at + timedelta(days=3))
    with pytest.raises(Conflict):
        grant_role(user_id=deputy.pk, role=Role.AUDIT_ADMIN, area_code=CITY, by=secadmin)
    assert deputy.grants.count() == 0


@pytest.mark.parametrize("role", sorted(BUSINESS_ROLES))
def test_nobody_appoints_a_deputy_for_somebody_else(role, closed):
    at = clock.now()
    by, absent = UserFactory(may=[role]), UserFactory(may=[Role.LEADER])
    with pytest.raises(PermissionDenied):
        appoint_deputy(absent_id=absent.pk, deputy_id=by.pk, since=at, until=at + timedelta(days=1), by=by)
    assert (absent.deputies.count(), closed) == (0, [])


def test_a_user_name_is_taken_once(secadmin):
    create_user(username="wang", display_name="王", by=secadmin)
    with pytest.raises(Conflict):
        create_user(username="wang", display_name="王二", by=secadmin)
    assert User.objects.filter(username="wang").count() == 1


def test_set_up_ends_only_when_the_three_administrators_are_there():
    root = UserFactory(is_superuser=True, is_staff=True)
    UserFactory(may=[Role.SYSTEM_ADMIN])
    UserFactory(may=[Role.SECURITY_ADMIN])
    with pytest.raises(CommandError):
        call_command("finish_setup")
    root.refresh_from_db()
    assert (root.is_active, root.is_superuser) == (True, True)
    UserFactory(may=[Role.AUDIT_ADMIN])
    call_command("finish_setup")
    root.refresh_from_db()
    assert (root.is_active, root.is_superuser, root.is_staff) == (False, False, False)
    assert AuditEntry.objects.filter(action="city.disable_superuser").count() == 1
