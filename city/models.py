"""Areas, organisations, people and the working calendar."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.core.validators import RegexValidator
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from city.functions import Function
from city.grants import has_role
from city.querysets import (
    AreaQuerySet,
    CityUserManager,
    DeputyQuerySet,
    GenerationQuerySet,
    OrganisationQuerySet,
    RoleGrantQuerySet,
)
from city.roles import Role, role_class
from city.states import GenerationState, Level, LineageKind, OrganisationKind
from commandcenter.core.fields import EncryptedTextField

SRID = 4490  # CGCS2000, the one stored system
area_code_shape = RegexValidator(r"^\d{4}(\d{2}(\d{3}(\d{3}(\d{4})?)?)?)?$", _("Not an area code."))


class Generation(models.Model):
    """One complete set of areas. Areas are never edited, only superseded by the next generation."""

    number = models.PositiveIntegerField(_("number"), unique=True)
    state = models.CharField(_("state"), max_length=8, choices=GenerationState, default=GenerationState.DRAFT)
    source = models.CharField(_("source"), max_length=500)
    version = models.CharField(_("version"), max_length=80, blank=True)
    at = models.DateTimeField(_("loaded at"))
    activated_at = models.DateTimeField(_("switched on at"), null=True, blank=True)

    objects = GenerationQuerySet.as_manager()

    class Meta:
        verbose_name = _("generation of areas")
        verbose_name_plural = _("generations of areas")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="active"), name="one_active_generation"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number}"


class Area(models.Model):
    """A city, county, town, village or grid cell of one generation."""

    generation = models.ForeignKey(Generation, models.CASCADE, related_name="areas")
    code = models.CharField(_("code"), max_length=16, validators=[area_code_shape], db_index=True)
    name = models.CharField(_("name"), max_length=80)
    short_name = models.CharField(_("short name"), max_length=40)
    level = models.CharField(_("level"), max_length=8, choices=Level)
    parent_code = models.CharField(_("parent"), max_length=12, blank=True, db_index=True)
    polygon = models.MultiPolygonField(_("boundary"), srid=SRID, null=True, blank=True)
    is_demo_boundary = models.BooleanField(_("boundary is for demonstration only"), default=False)

    objects = AreaQuerySet.as_manager()

    class Meta:
        verbose_name = _("area")
        verbose_name_plural = _("areas")
        ordering = ("code",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["generation", "code"], name="area_code_once_per_generation"),
            models.CheckConstraint(
                condition=Q(level="city", parent_code="") | (~Q(level="city") & ~Q(parent_code="")),
                name="area_has_parent_unless_city",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.code}"


class AreaLineage(models.Model):
    """What became of a code when a generation was loaded; history is joined through these rows."""

    generation = models.ForeignKey(Generation, models.CASCADE, related_name="lineage")
    old_code = models.CharField(_("old code"), max_length=16, db_index=True)
    new_code = models.CharField(_("new code"), max_length=16, db_index=True)
    kind = models.CharField(_("kind"), max_length=8, choices=LineageKind)
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("area lineage")
        verbose_name_plural = _("area lineage")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["generation", "old_code", "new_code"], name="lineage_once")
        ]

    def __str__(self) -> str:
        return f"{self.old_code} → {self.new_code}"


class Organisation(models.Model):
    """A department, command centre, town office or enterprise, and the area it answers for."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    short_name = models.CharField(_("short name"), max_length=40)
    function = models.CharField(_("function"), max_length=20, choices=Function)
    area_code = models.CharField(_("area"), max_length=16, validators=[area_code_shape], db_index=True)
    kind = models.CharField(
        _("kind"), max_length=16, choices=OrganisationKind, default=OrganisationKind.DEPARTMENT
    )
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    active = models.BooleanField(_("active"), default=True)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ("area_code", "code")
        indexes: ClassVar = [models.Index(fields=["function", "area_code"], name="org_function_area")]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A member of staff. Rights come from role grants; Django's own groups stay empty."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    display_name = models.CharField(_("name"), max_length=60)
    phone = EncryptedTextField(_("phone"), blank=True, default="")
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="staff",
        verbose_name=_("organisation"),
    )
    area_code = models.CharField(
        _("area"), max_length=16, blank=True, validators=[area_code_shape], db_index=True
    )
    must_change_password = models.BooleanField(_("must change password"), default=False)
    password_changed_at = models.DateTimeField(_("password changed at"), null=True, blank=True)

    objects: ClassVar[CityUserManager] = CityUserManager()
    REQUIRED_FIELDS = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("username",)

    def __str__(self) -> str:
        return self.display_name or self.username

    def get_full_name(self) -> str:
        return self.display_name or self.username

    def get_short_name(self) -> str:
        return self.display_name or self.username

    def has_role(self, *roles: Role | str) -> bool:
        return has_role(self, *roles)


class PasswordHistory(models.Model):
    """Hashes of the last passwords, so that none of them is taken again."""

    user = models.ForeignKey(User, models.CASCADE, related_name="old_passwords")
    password = models.CharField(max_length=128)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "-at"], name="password_history")]


class TstzRange(Func):
    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class RoleGrant(models.Model):
    """A role of a person, in an area and, for some roles, in an organisation; ended by `until`."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=16, choices=Role)
    role_class = models.PositiveSmallIntegerField(editable=False)
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="grants",
        verbose_name=_("organisation"),
    )
    area_code = models.CharField(_("area"), max_length=16, validators=[area_code_shape], db_index=True)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    granted_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("granted by")
    )

    objects = RoleGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("role grant")
        verbose_name_plural = _("role grants")
        indexes: ClassVar = [models.Index(fields=["user", "since", "until"], name="grant_of_user")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="grant_role_known"),
            models.CheckConstraint(
                condition=(
                    Q(role=Role.SYSTEM_ADMIN, role_class=1)
                    | Q(role=Role.SECURITY_ADMIN, role_class=2)
                    | Q(role=Role.AUDIT_ADMIN, role_class=3)
                    | (
                        ~Q(role__in=[Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
                        & Q(role_class=0)
                    )
                ),
                name="grant_class_follows_role",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="grant_ends_later"
            ),
            models.CheckConstraint(
                condition=~Q(role=Role.OFFICER) | Q(organisation__isnull=False),
                name="officer_has_organisation",
            ),
            # The three administrators exclude each other and all business roles, at every moment.
            ExclusionConstraint(
                name="grant_classes_exclusive",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("role_class", RangeOperators.NOT_EQUAL),
                    (TstzRange("since", "until"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.area_code}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.role_class = role_class(self.role)
        super().save(*args, **kwargs)


class Deputy(models.Model):
    """Who acts for an absent person; the deputy has the absent one's business roles meanwhile."""

    absent = models.ForeignKey(User, models.CASCADE, related_name="deputies", verbose_name=_("absent person"))
    deputy = models.ForeignKey(User, models.CASCADE, related_name="deputising", verbose_name=_("deputy"))
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"))

    objects = DeputyQuerySet.as_manager()

    class Meta:
        verbose_name = _("deputy")
        verbose_name_plural = _("deputies")
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(absent=F("deputy")), name="deputy_is_another"),
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="deputy_ends_later"),
        ]

    def __str__(self) -> str:
        return f"{self.absent_id} → {self.deputy_id}"


class WorkDay(models.Model):
    """Whether a day is worked. A provisional row is a guess made before the year was published."""

    date = models.DateField(_("date"), primary_key=True)
    is_work = models.BooleanField(_("working day"))
    source = models.CharField(_("source"), max_length=120)
    provisional = models.BooleanField(_("provisional"), default=False)

    class Meta:
        verbose_name = _("working day")
        verbose_name_plural = _("working calendar")
        ordering = ("date",)

    def __str__(self) -> str:
        return self.date.isoformat()


class WorkSpan(models.Model):
    """A span of office hours. With no row the default holds: 09:00–12:00 and 13:30–17:30."""

    starts = models.TimeField(_("starts"))
    ends = models.TimeField(_("ends"))

    class Meta:
        verbose_name = _("office hours")
        verbose_name_plural = _("office hours")
        ordering = ("starts",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="work_span_ends_later")
        ]

    def __str__(self) -> str:
        return f"{self.starts:%H:%M}–{self.ends:%H:%M}"
