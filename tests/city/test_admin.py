"""Three administrators, three different sets of pages; business staff have none."""

import pytest
from django.test import Client

from city.models import RoleGrant, User, WorkDay
from city.roles import BUSINESS_ROLES, Role
from commandcenter.journal.models import AuditEntry
from tests.factories.city import CITY, AreaFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
AREAS = "/admin/city/area/"
ORGS, DAYS = "/admin/city/organisation/", "/admin/city/workday/"
USERS, GRANTS, DEPUTIES = "/admin/city/user/", "/admin/city/rolegrant/", "/admin/city/deputy/"
AUDIT, ATTEMPTS = "/admin/journal/auditentry/", "/admin/axes/accessattempt/"
ALL = {AREAS, ORGS, DAYS, USERS, GRANTS, DEPUTIES, AUDIT, ATTEMPTS}


def client_of(*roles: Role, **values) -> Client:
    client = Client()
    client.force_login(UserFactory(may=roles, **values), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (Role.SYSTEM_ADMIN, {AREAS, ORGS, DAYS}),
        (Role.SECURITY_ADMIN, {USERS, GRANTS, DEPUTIES, ATTEMPTS}),
        (Role.AUDIT_ADMIN, {USERS, GRANTS, DEPUTIES, AUDIT, ATTEMPTS}),
    ],
)
def test_each_administrator_sees_his_own_pages(role, sees):
    client = client_of(role)
    index = client.get("/admin/")
    assert index.status_code == 200
    assert {path for path in ALL if client.get(path).status_code == 200} == sees
    assert {path for path in ALL if f'href="{path}"' in index.content.decode()} == sees


@pytest.mark.parametrize("role", sorted(BUSINESS_ROLES))
def test_business_staff_have_no_admin_pages(role):
    client = client_of(role)
    for path in ("/admin/", *ALL):
        assert client.get(path).status_code in (302, 403)


def test_the_admin_pages_have_no_login_of_their_own(client):
    assert client.get("/admin/login/")["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", [AREAS, AUDIT])
@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
def test_areas_and_audit_are_written_by_nobody(role, path):
    area = AreaFactory()
    AuditEntry.objects.create(at=area.generation.at, actor="x", action="x")
    target = area.pk if path == AREAS else AuditEntry.objects.get().pk
    client = client_of(role)
    assert client.post(f"{path}add/", {}).status_code == 403
    assert client.post(f"{path}{target}/change/", {}).status_code in (302, 403)
    assert client.post(f"{path}{target}/delete/", {"post": "yes"}).status_code in (302, 403)
    area.refresh_from_db()
    assert AuditEntry.objects.filter(action="x").count() == 1


def test_the_security_administrator_makes_accounts_and_roles():
    client = client_of(Role.SECURITY_ADMIN)
    AreaFactory(code=CITY)
    org = OrganisationFactory()
    form = {"username": "wang", "display_name": "王", "organisation": org.pk, "area_code": CITY,
            "phone": "13800000000", "new_password": "Bright-Sky-43"}  # fmt: skip
    assert client.post(f"{USERS}add/", form).status_code == 302
    wang = User.objects.get(username="wang")
    assert wang.check_password("Bright-Sky-43")
    assert wang.must_change_password
    form = {
        "user": wang.pk,
        "role": "officer",
        "organisation": org.pk,
        "area_code": CITY,
        "until_0": "",
        "until_1": "",
    }
    assert client.post(f"{GRANTS}add/", form).status_code == 302
    assert wang.has_role(Role.OFFICER)
    grant = wang.grants.get()
    client.post(GRANTS, {"action": "revoke", "_selected_action": [grant.pk]})
    assert not wang.grants.active().exists()
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"city.create_user", "city.grant_role", "city.revoke_role"} <= actions


def test_an_exclusive_role_is_refused_with_a_message_and_nothing_is_saved():
    client = client_of(Role.SECURITY_ADMIN)
    AreaFactory(code=CITY)
    leader = UserFactory(may=[Role.LEADER])
    form = {"user": leader.pk, "role": "audit_admin", "area_code": CITY, "until_0": "", "until_1": ""}
    answer = client.post(f"{GRANTS}add/", form, follow=True)
    assert answer.status_code == 200
    assert any(message.level_tag == "error" for message in answer.context["messages"])
    assert [grant.role for grant in leader.grants.all()] == [Role.LEADER]


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN])
def test_the_other_administrators_change_no_rights(role):
    client = client_of(role)
    leader = UserFactory(may=[Role.LEADER])
    before = RoleGrant.objects.count()
    form = {"user": leader.pk, "role": "analyst", "area_code": CITY, "until_0": "", "until_1": ""}
    assert client.post(f"{GRANTS}add/", form).status_code == 403
    client.post(GRANTS, {"action": "revoke", "_selected_action": [leader.grants.get().pk]})
    client.post(USERS, {"action": "disable", "_selected_action": [leader.pk]})
    leader.refresh_from_db()
    assert (RoleGrant.objects.count(), leader.grants.active().count(), leader.is_active) == (before, 1, True)


def test_disabling_and_enabling_accounts():
    client = client_of(Role.SECURITY_ADMIN)
    user = UserFactory(may=[Role.LEADER])
    client.post(USERS, {"action": "disable", "_selected_action": [user.pk]})
    user.refresh_from_db()
    assert not user.is_active
    client.post(USERS, {"action": "enable", "_selected_action": [user.pk]})
    user.refresh_from_db()
    assert user.is_active


def test_the_system_administrator_edits_the_calendar(news):
    client = client_of(Role.SYSTEM_ADMIN)
    assert client.post(f"{DAYS}add/", {"date": "2026-11-24"}).status_code == 302
    assert not WorkDay.objects.get(date="2026-11-24").is_work
    assert news == ["city.calendar.changed"]


def test_office_hours_are_edited_without_overlap():
    from city.models import WorkSpan

    client = client_of(Role.SYSTEM_ADMIN)
    assert client.post("/admin/city/workspan/add/", {"starts": "08:30", "ends": "12:00"}).status_code == 302
    assert client.post("/admin/city/workspan/add/", {"starts": "11:00", "ends": "15:00"}).status_code in (
        200,
        302,
    )
    assert WorkSpan.objects.count() == 1


@pytest.mark.parametrize("rows", [1, 20])
def test_lists_cost_the_same_for_one_row_and_twenty(rows, query_budget):
    client = client_of(Role.SECURITY_ADMIN)
    for _ in range(rows):
        UserFactory(may=[Role.ANALYST], organisation=OrganisationFactory())
    with query_budget("city.admin_users"):
        client.get(USERS)
    with query_budget("city.admin_grants"):
        client.get(GRANTS)
