"""People and their rights. Every change of rights is audited and closes that person's sockets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from city.grants import forget_grants
from city.models import Deputy, RoleGrant, User
from city.policies import may_grant_roles, may_manage_users
from city.roles import ADMIN_ROLES, Role, role_class
from commandcenter.core import clock
from commandcenter.core.errors import Conflict, DomainError, require
from commandcenter.journal.live import close_sockets_of
from commandcenter.journal.services import audit


def _ref(user: User) -> str:
    return f"city.user:{user.pk}"


def _rights_changed(user: User) -> None:
    forget_grants(user)
    close_sockets_of(user.pk)


def _allowed(by: Any) -> bool:
    """`by` None stands for the system itself: set-up commands and the demo city."""
    return by is None or may_grant_roles(by)


@transaction.atomic
def create_user(
    *,
    username: str,
    display_name: str,
    password: str | None = None,
    organisation_id: int | None = None,
    area_code: str = "",
    phone: str = "",
    must_change_password: bool = False,
    check_password: bool = True,
    by: User | None = None,
) -> User:
    """A new member of staff, as yet without any role."""
    require(by is None or may_manage_users(by))
    if User.objects.filter(username=username).exists():
        raise Conflict(_("There is already a user “%(name)s”.") % {"name": username}, code="username_taken")
    user = User(
        username=username,
        display_name=display_name,
        organisation_id=organisation_id,
        area_code=area_code,
        phone=phone,
        must_change_password=must_change_password,
    )
    if password is not None and check_password:
        validate_password(password, user)
    user.set_password(password)
    user.save()
    audit(actor=by, action="city.create_user", target_ref=_ref(user))
    return user


@transaction.atomic
def save_account(*, user: User, new_password: str | None, by: Any) -> User:
    """Make or change an account; a password that another person set must be changed by its owner."""
    require(may_manage_users(by))
    made = user.pk is None
    if new_password:
        user.set_password(new_password)
        user.must_change_password = True
    elif made:
        user.set_unusable_password()
    user.save()
    action = "city.create_user" if made else "city.change_user"
    audit(actor=by, action=action, target_ref=_ref(user), body={"password_set": bool(new_password)})
    if new_password:
        close_sockets_of(user.pk)
    return user


@transaction.atomic
def grant_role(
    *,
    user_id: int,
    role: Role | str,
    area_code: str,
    org_id: int | None = None,
    by: User | None = None,
    until: datetime | None = None,
    reason: str = "",
) -> RoleGrant:
    """Give a role. The three administrators exclude each other and all business roles."""
    at = clock.now()
    user = User.objects.select_for_update().get(pk=user_id)
    _require_grantor(by, user)
    if role == Role.OFFICER and org_id is None:
        raise DomainError(_("An officer needs an organisation."), code="organisation_needed")
    if until is not None and until <= at:
        raise DomainError(_("The end lies in the past."), code="ends_in_past")
    # Deputyships that have not ended count too, the coming ones included.
    if role in ADMIN_ROLES and user.deputising.filter(until__gt=at).exists():
        raise Conflict(_("This person deputises for somebody and cannot administer."), code="exclusive_roles")
    standing = user.grants.active(at).filter(role=role, area_code=area_code, organisation_id=org_id).first()
    if standing is not None and standing.until == until:
        return standing
    try:
        with transaction.atomic():
            grant = RoleGrant.objects.create(
                user=user,
                role=role,
                role_class=role_class(role),
                area_code=area_code,
                organisation_id=org_id,
                since=at,
                until=until,
                granted_by=by,
            )
    except IntegrityError as error:
        if "grant_classes_exclusive" not in str(error):
            raise
        raise Conflict(
            _("System, security and audit administrators exclude each other and every business role."),
            code="exclusive_roles",
        ) from error
    _sync_staff(user)
    audit(
        actor=by,
        action="city.grant_role",
        target_ref=_ref(user),
        reason=reason,
        body={"role": str(role), "area_code": area_code, "org_id": org_id, "grant_id": grant.pk},
    )
    _rights_changed(user)
    return grant


@transaction.atomic
def revoke_role(*, grant_id: int, by: User | None = None, reason: str = "") -> RoleGrant:
    """End a grant now. The row stays: who could do what, and when, can always be told."""
    at = clock.now()
    grant = RoleGrant.objects.select_for_update(of=("self",)).select_related("user").get(pk=grant_id)
    _require_grantor(by, grant.user)
    if grant.until is not None and grant.until <= at:
        raise Conflict(_("This role has already ended."), code="already_ended")
    grant.until = max(at, grant.since)
    grant.save(update_fields=["until"])
    _sync_staff(grant.user)
    audit(
        actor=by,
        action="city.revoke_role",
        target_ref=_ref(grant.user),
        reason=reason,
        body={"role": grant.role, "area_code": grant.area_code, "grant_id": grant.pk},
    )
    _rights_changed(grant.user)
    return grant


def _require_grantor(by: User | None, user: User) -> None:
    """Only the security administrator grants, and never to himself."""
    require(_allowed(by) and (by is None or by.pk != user.pk))


def _sync_staff(user: User) -> None:
    """Only administrators enter the admin pages."""
    is_staff = user.is_superuser or user.grants.active().filter(role__in=ADMIN_ROLES).exists()
    if user.is_staff != is_staff:
        user.is_staff = is_staff
        user.save(update_fields=["is_staff"])


@transaction.atomic
def appoint_deputy(
    *, absent_id: int, deputy_id: int, since: datetime, until: datetime, by: User | None = None
) -> Deputy:
    """Let one person act for another, for a time. Oneself may appoint, or the security administrator."""
    people = {
        user.pk: user for user in User.objects.select_for_update().filter(pk__in=[absent_id, deputy_id])
    }
    absent, deputy = people[absent_id], people[deputy_id]
    require(_allowed(by) or (by is not None and by.pk == absent_id))
    if absent_id == deputy_id:
        raise DomainError(_("Nobody deputises for himself."), code="same_person")
    if until <= since:
        raise DomainError(_("The end must lie after the start."), code="ends_before_start")
    at = clock.now()
    for person in (absent, deputy):
        if person.grants.filter(role__in=ADMIN_ROLES).exclude(until__lte=at).exists():
            raise Conflict(_("Administrators have no deputies and are none."), code="exclusive_roles")
    row = Deputy.objects.create(absent=absent, deputy=deputy, since=since, until=until)
    audit(
        actor=by,
        action="city.appoint_deputy",
        target_ref=_ref(absent),
        body={"deputy_id": deputy_id, "since": since.isoformat(), "until": until.isoformat()},
    )
    _rights_changed(deputy)
    return row


@transaction.atomic
def end_deputy(*, deputy_row_id: int, by: User | None = None) -> Deputy:
    at = clock.now()
    row = (
        Deputy.objects.select_for_update(of=("self",))
        .select_related("absent", "deputy")
        .get(pk=deputy_row_id)
    )
    require(_allowed(by) or (by is not None and by.pk == row.absent_id))
    if row.until <= at:
        raise Conflict(_("This deputyship has already ended."), code="already_ended")
    row.until = max(at, row.since)
    row.save(update_fields=["until"])
    audit(actor=by, action="city.end_deputy", target_ref=_ref(row.absent), body={"deputy_id": row.deputy_id})
    _rights_changed(row.deputy)
    return row


@transaction.atomic
def set_active(*, user_id: int, active: bool, by: User | None = None, reason: str = "") -> User:
    """Disable or enable an account; a disabled one loses sockets at once and sessions at the next click."""
    user = User.objects.select_for_update().get(pk=user_id)
    require((by is None or may_manage_users(by)) and (by is None or by.pk != user.pk))
    user.is_active = active
    user.save(update_fields=["is_active"])
    audit(
        actor=by,
        action="city.enable_user" if active else "city.disable_user",
        target_ref=_ref(user),
        reason=reason,
    )
    _rights_changed(user)
    return user


@transaction.atomic
def disable_superusers(*, by: User | None = None) -> list[str]:
    """End of the set-up: no account stands above the three administrators any more."""
    at = clock.now()
    missing = [
        str(role.label)
        for role in (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)
        if not User.objects.holding(role, at=at).filter(is_superuser=False).exists()
    ]
    if missing:
        raise DomainError(
            _("First appoint: %(roles)s.") % {"roles": ", ".join(missing)}, code="administrators_missing"
        )
    names = []
    for user in User.objects.select_for_update().filter(is_superuser=True):
        user.is_superuser = False
        user.is_active = False
        user.is_staff = False
        user.save(update_fields=["is_superuser", "is_active", "is_staff"])
        audit(actor=by, action="city.disable_superuser", target_ref=_ref(user))
        _rights_changed(user)
        names.append(user.username)
    return names


@transaction.atomic
def unlock_login(*, username: str, by: User) -> int:
    """Let a locked-out person try again before the half hour is over."""
    from axes.utils import reset

    require(may_manage_users(by))
    forgotten = int(reset(username=username))
    audit(
        actor=by,
        action="city.unlock_login",
        target_ref=f"city.login:{username}",
        body={"attempts": forgotten},
    )
    return forgotten
