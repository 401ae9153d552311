"""Login and what guards it: lock-out, passwords, second factor, idle time, sockets."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from city.models import PasswordHistory, User
from city.passwords import classes_in
from city.roles import Role
from city.services import unlock_login
from city.sessions import ACTIVE_AT
from commandcenter.core import clock
from commandcenter.journal.models import AuditEntry
from tests.factories.city import PASSWORD, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
LOGIN, CHANGE = "/accounts/login/", "/accounts/password/change/"


@pytest.fixture
def closed(monkeypatch) -> list[tuple[int, str | None]]:
    seen: list[tuple[int, str | None]] = []

    def close(user_id: int, *, session_key: str | None = None) -> None:
        seen.append((user_id, session_key))

    for module in ("city.services.people", "city.accounts", "city.middleware"):
        monkeypatch.setattr(f"{module}.close_sockets_of", close)
    return seen


@pytest.fixture
def later(time_machine):
    """The clock, which tests move on."""
    time_machine.move_to(datetime.now(UTC))
    return time_machine


def log_in(client: Client, user: User, password: str = PASSWORD):
    return client.post(LOGIN, {"login": user.username, "password": password})


def logged_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_stranger_finds_the_login_page_at_the_root(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert b'data-test="login-form"' in answer.content
    assert b'data-test="demo-logins"' not in answer.content


@pytest.mark.parametrize("path", ["/profile/", "/accounts/password/change/", "/accounts/2fa/"])
def test_strangers_are_sent_to_login(client, path):
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith(LOGIN)


HOMES = [
    (Role.OPERATOR, "/hotline/intake/"), (Role.OFFICER, "/orders/"), (Role.DISPATCHER, "/orders/review/"),
    (Role.GRID_WORKER, "/grid/"), (Role.ANALYST, "/alerts/"), (Role.STEWARD, "/data/"),
    (Role.LEADER, "/cockpit/"), (Role.SUPERVISOR, "/cockpit/"), (Role.SYSTEM_ADMIN, "/admin/"),
    (Role.SECURITY_ADMIN, "/admin/"), (Role.AUDIT_ADMIN, "/admin/"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "path"), HOMES)
def test_login_leads_to_the_work_of_the_first_role(client, role, path):
    user = UserFactory(may=[role])
    answer = log_in(client, user)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/")["Location"] == path
    assert AuditEntry.objects.filter(action="city.login", actor_id=user.pk, result="ok").count() == 1


def test_without_a_role_one_comes_to_ones_own_page(client):
    log_in(client, UserFactory())
    assert client.get("/")["Location"] == "/profile/"


def test_a_wrong_password_is_refused_and_audited(client):
    user = UserFactory()
    answer = log_in(client, user, "wrong")
    assert answer.status_code == 200
    assert b'data-test="login-error"' in answer.content
    assert not logged_in(client)
    entry = AuditEntry.objects.get(action="city.login")
    assert (entry.result, entry.target_ref) == ("refused", f"city.login:{user.username}")


def test_a_disabled_account_stays_outside(client):
    log_in(client, UserFactory(is_active=False))
    assert not logged_in(client)


def test_five_failures_lock_the_account_for_half_an_hour(client, later):
    user = UserFactory()
    for _ in range(5):
        answer = log_in(client, user, "wrong")
    assert answer.status_code == 429
    assert b'data-test="locked-out"' in answer.content
    assert log_in(client, user).status_code == 429
    assert log_in(Client(REMOTE_ADDR="10.9.8.7"), user).status_code == 429  # another address does not help
    assert not logged_in(client)
    later.shift(timedelta(minutes=31))
    log_in(client, user)
    assert logged_in(client)


def test_the_lock_counts_a_name_however_it_is_written(client):
    user = UserFactory(username="wang")
    for name in ("wang", "WANG", " wang", "Wang ", "wanG"):
        client.post(LOGIN, {"login": name, "password": "wrong"})
    assert log_in(client, user).status_code == 429


def test_other_people_are_not_locked_out_with_one(client):
    user, other = UserFactory(), UserFactory()
    for _ in range(5):
        log_in(client, user, "wrong")
    log_in(client, other)
    assert logged_in(client)


def test_the_security_administrator_unlocks(client):
    user = UserFactory()
    for _ in range(5):
        log_in(client, user, "wrong")
    assert unlock_login(username=user.username, by=UserFactory(may=[Role.SECURITY_ADMIN])) > 0
    log_in(client, user)
    assert logged_in(client)


def test_logout_closes_the_sockets_of_that_session_only(client, closed):
    user = UserFactory()
    log_in(client, user)
    key = client.session.session_key
    client.post("/accounts/logout/")
    assert not logged_in(client)
    assert closed == [(user.pk, key)]
    assert AuditEntry.objects.filter(action="city.logout", actor_id=user.pk).count() == 1


def test_a_session_that_rests_ends_and_closes_its_sockets(client, closed, later):
    user = UserFactory()
    log_in(client, user)
    key = client.session.session_key
    later.shift(timedelta(minutes=29))
    assert client.get("/profile/").status_code == 200
    later.shift(timedelta(minutes=29))
    assert client.get("/profile/").status_code == 200
    later.shift(timedelta(minutes=31))
    answer = client.get("/profile/")
    assert answer["Location"] == "/accounts/login/?idle=1&next=%2Fprofile%2F"
    assert not logged_in(client)
    assert closed == [(user.pk, key)]


def test_what_a_page_asks_by_itself_keeps_nobody_awake(client, later):
    log_in(client, UserFactory())
    for _ in range(4):
        later.shift(timedelta(minutes=9))
        answer = client.get("/profile/", headers={"X-Background": "1"})
    assert answer.status_code == 401
    assert not logged_in(client)


def test_a_resting_page_of_htmx_is_led_to_login(client, later):
    log_in(client, UserFactory())
    later.shift(timedelta(minutes=31))
    answer = client.get("/profile/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/accounts/login/?idle=1")


def test_the_mark_of_activity_is_not_written_at_each_click(client, later):
    log_in(client, UserFactory())
    first = client.session[ACTIVE_AT]
    later.shift(timedelta(seconds=20))
    client.get("/profile/")
    assert client.session[ACTIVE_AT] == first


GOOD = ["Bright-Sky-43", "Bright-Sky-44", "Bright-Sky-45", "Bright-Sky-46", "Bright-Sky-47", "Bright-Sky-48"]


def change(client: Client, old: str, new: str):
    return client.post(CHANGE, {"oldpassword": old, "password1": new, "password2": new})


def test_a_password_is_changed_and_the_last_five_are_not_taken_again(client, closed):
    user = UserFactory()
    log_in(client, user)
    old = PASSWORD
    for new in GOOD:
        assert change(client, old, new).status_code == 302
        old = new
    assert PasswordHistory.objects.filter(user=user).count() == 5
    for used in GOOD[1:]:
        assert b'data-test="error-password1"' in change(client, old, used).content
    assert change(client, old, GOOD[0]).status_code == 302  # six changes ago
    assert logged_in(client)
    assert closed[0] == (user.pk, None)
    assert AuditEntry.objects.filter(action="city.change_password").count() == 7


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("Ab1-xyz", id="seven characters"),
        pytest.param("alllowercase", id="one kind"),
        pytest.param("lower12345", id="two kinds"),
        pytest.param("Password1", id="one that everybody knows"),
        pytest.param("Wangxiao-1", id="like the user name"),
    ],
)
def test_weak_passwords_change_nothing(client, password, closed):
    user = UserFactory(username="wangxiao")
    log_in(client, user)
    assert b'data-test="error-password1"' in change(client, PASSWORD, password).content
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert (PasswordHistory.objects.count(), closed) == (0, [])


@given(st.text(max_size=30))
def test_any_password_of_eight_and_three_kinds_and_no_other_passes(password):
    validators = [v for v in _validators() if type(v).__name__ == "ComplexityValidator"]
    good = len(password) >= 8 and classes_in(password) >= 3
    try:
        validate_password(password, password_validators=validators)
    except ValidationError:
        assert not good
    else:
        assert good


def _validators():
    from django.contrib.auth.password_validation import get_default_password_validators

    return get_default_password_validators()


def test_a_password_set_by_an_administrator_is_changed_first(client):
    user = UserFactory(may=[Role.LEADER], must_change_password=True)
    log_in(client, user)
    assert client.get("/cockpit/")["Location"] == CHANGE
    assert change(client, PASSWORD, GOOD[0]).status_code == 302
    user.refresh_from_db()
    assert not user.must_change_password


def test_an_old_password_is_changed_first_where_that_is_asked(client, settings):
    settings.PASSWORD_MAX_AGE_DAYS = 90
    user = UserFactory(may=[Role.LEADER], password_changed_at=clock.now() - timedelta(days=91))
    log_in(client, user)
    assert client.get("/cockpit/")["Location"] == CHANGE


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def enrol(client: Client) -> str:
    """Set up the app as a person would: confirm the password, scan, type the code."""
    answer = client.get("/accounts/2fa/totp/activate/", follow=True)
    if answer.redirect_chain:
        client.post(answer.redirect_chain[-1][0], {"password": PASSWORD})
        answer = client.get("/accounts/2fa/totp/activate/")
    secret = answer.context["form"].secret
    assert client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)}).status_code == 302
    return secret


def test_a_second_step_is_enrolled_and_then_asked_for(client, later, django_capture_on_commit_callbacks):
    user = UserFactory(may=[Role.LEADER])
    log_in(client, user)
    with django_capture_on_commit_callbacks(execute=True):
        secret = enrol(client)
    stored = Authenticator.objects.get(user=user, type="totp")
    assert secret not in str(stored.data)
    assert AuditEntry.objects.filter(action="city.mfa_totp_activated").count() == 1
    codes = client.get("/accounts/2fa/recovery-codes/").context["unused_codes"]
    assert len(codes) == 10

    other = Client()
    answer = log_in(other, user)
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert not logged_in(other)
    assert other.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert not logged_in(other)
    later.shift(timedelta(seconds=31))  # a code opens once only
    other.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert logged_in(other)

    third = Client()
    log_in(third, user)
    third.post("/accounts/2fa/authenticate/", {"code": codes[0]})
    assert logged_in(third)


def test_roles_that_need_a_second_step_are_led_to_it(client, settings):
    settings.MFA_REQUIRED_ROLES = ["security_admin"]
    log_in(client, UserFactory(may=[Role.SECURITY_ADMIN]))
    assert client.get("/admin/")["Location"] == "/accounts/2fa/totp/activate/"
    enrol(client)
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/password/reset/"])
def test_there_is_no_registration_and_no_mail(client, path):
    assert client.get(path).status_code == 200
    before = User.objects.count()
    client.post(path, {"username": "x", "password1": GOOD[0], "password2": GOOD[0], "email": "a@b.c"})
    assert User.objects.count() == before


def test_demo_logins_are_shown_in_a_demo_only(client, settings):
    settings.DEMO, settings.DEMO_PASSWORD = True, "demo-1234"
    UserFactory(username="operator", display_name="演示员", may=[Role.OPERATOR])
    UserFactory(username="nobodyselse", may=[Role.OPERATOR])
    page = client.get("/").content.decode()
    assert 'data-test="demo-operator"' in page
    assert "demo-1234" in page
    assert "nobodyselse" not in page
    settings.DEMO = False
    page = client.get("/").content.decode()
    assert "demo-1234" not in page
    assert "demo-operator" not in page


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_pages_answer_in_both_languages(client, language):
    log_in(client, UserFactory(may=[Role.LEADER]))
    client.post("/i18n/setlang/", {"language": language, "next": "/profile/"})
    for path in ("/profile/", CHANGE, "/accounts/2fa/", "/accounts/logout/"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert f'lang="{language}"' in answer.content.decode()


def test_one_appoints_and_dismisses_ones_deputy(client):
    org = OrganisationFactory()
    user, colleague = UserFactory(may=[Role.LEADER], organisation=org), UserFactory(organisation=org)
    stranger = UserFactory(organisation=OrganisationFactory())
    log_in(client, user)
    until = (clock.now() + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
    assert client.post("/profile/", {"deputy": stranger.pk, "until": until}).status_code == 422
    assert user.deputies.count() == 0
    assert client.post("/profile/", {"deputy": colleague.pk, "until": until}).status_code == 302
    row = user.deputies.get()
    assert User.objects.get(pk=colleague.pk).has_role(Role.LEADER)
    log_in(other := Client(), colleague)
    assert other.post(f"/profile/deputies/{row.pk}/end/").status_code == 404
    client.post(f"/profile/deputies/{row.pk}/end/")
    assert not User.objects.get(pk=colleague.pk).has_role(Role.LEADER)
