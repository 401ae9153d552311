"""An order, what happened to it, and what its clocks are set to."""

from datetime import datetime

from django.conf import settings
from django.contrib.gis.db.models import PointField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.refs import make_ref

from .querysets import OrderQuerySet
from .states import (
    OrderKind,
    OrderRole,
    OrderState,
    RequestKind,
    RequestState,
    Urgency,
)

S = OrderState


class Order(models.Model):
    """One unit's duty on one case: lead or assist, with clocks for sign, first contact and handling."""

    number = models.CharField(_("Number"), max_length=24, unique=True)
    kind = models.CharField(_("Kind"), max_length=12, choices=OrderKind)
    case_ref = models.CharField(_("Case"), max_length=80, db_index=True)
    title = models.CharField(_("Title"), max_length=200)
    content = models.TextField(_("Content"), blank=True)
    request_type = models.CharField(_("Type of request"), max_length=24, blank=True)
    place = models.CharField(_("Place"), max_length=300, blank=True)
    location = PointField(_("Location"), srid=4490, null=True, blank=True)
    area_code = models.CharField(_("Area"), max_length=16, db_index=True)
    org = models.ForeignKey(
        "city.Organisation", models.PROTECT, related_name="orders", verbose_name=_("Unit")
    )
    accused_org = models.ForeignKey(
        "city.Organisation",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("Accused unit"),
    )
    role = models.CharField(_("Role"), max_length=8, choices=OrderRole, default=OrderRole.LEAD)
    parent = models.ForeignKey(
        "self", models.PROTECT, related_name="children", null=True, blank=True, verbose_name=_("Parent order")
    )
    urgency = models.CharField(_("Urgency"), max_length=10, choices=Urgency, default=Urgency.NORMAL)
    level = models.PositiveSmallIntegerField(
        _("Level"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(4)]
    )
    state = models.CharField(_("State"), max_length=16, choices=OrderState, default=S.DISPATCHED)
    round = models.PositiveSmallIntegerField(_("Round"), default=1)
    confidential = models.BooleanField(_("Confidential"), default=False)
    contact_needed = models.BooleanField(_("Citizen must be contacted"), default=False)
    history = models.BooleanField(
        _("From history"), default=False, help_text=_("Imported past: no clock, no notice, no score.")
    )
    dispatched_at = models.DateTimeField(_("Dispatched at"))
    round_started_at = models.DateTimeField(_("Round started at"))
    # The clocks as they stood on dispatch, so that a later change of the rules leaves this order alone.
    clocks = models.JSONField(_("Clocks"), default=dict)
    sign_due_at = models.DateTimeField(_("Sign before"), null=True, blank=True)
    contact_due_at = models.DateTimeField(_("Contact before"), null=True, blank=True)
    due_at = models.DateTimeField(_("Handle before"), null=True, blank=True)
    provisional_due = models.BooleanField(_("Deadline provisional"), default=False)
    extended_days = models.PositiveSmallIntegerField(_("Working days extended"), default=0)
    extensions = models.PositiveSmallIntegerField(_("Extensions granted"), default=0)
    held_at = models.DateTimeField(_("Held since"), null=True, blank=True)
    holds = models.JSONField(_("Past holds of this round"), default=list, blank=True)
    signed_at = models.DateTimeField(_("Signed at"), null=True, blank=True)
    contacted_at = models.DateTimeField(_("Citizen contacted at"), null=True, blank=True)
    handled_at = models.DateTimeField(_("Handled at"), null=True, blank=True)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    closed_at = models.DateTimeField(_("Closed at"), null=True, blank=True)
    result = models.TextField(_("Result"), blank=True)
    ruled = models.BooleanField(_("Unit fixed by ruling"), default=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("Order")
        verbose_name_plural = _("Orders")
        constraints = [
            models.CheckConstraint(name="order_state_known", condition=Q(state__in=S.values)),
            models.CheckConstraint(
                name="order_ruled_unit_cannot_return",
                condition=Q(ruled=False) | ~Q(state__in=[S.RETURN_REVIEW, S.RETURNED]),
            ),
            models.CheckConstraint(
                name="order_has_clocks_unless_history",
                condition=Q(history=True) | Q(sign_due_at__isnull=False, due_at__isnull=False),
            ),
            models.CheckConstraint(
                name="order_signed_has_moment",
                condition=Q(signed_at__isnull=False)
                | ~Q(state__in=[S.SIGNED, S.HANDLED, S.CLOSED, S.RETURN_REVIEW, S.RETURNED]),
            ),
            models.CheckConstraint(
                name="order_closed_has_moments",
                condition=Q(handled_at__isnull=False, closed_at__isnull=False) | ~Q(state=S.CLOSED),
            ),
            models.CheckConstraint(
                name="order_held_only_in_handling", condition=Q(held_at__isnull=True) | Q(state=S.SIGNED)
            ),
            models.CheckConstraint(
                name="order_never_to_the_accused",
                condition=Q(accused_org__isnull=True) | ~Q(accused_org=F("org")),
            ),
            models.CheckConstraint(
                name="order_assist_has_parent", condition=~Q(role=OrderRole.ASSIST) | Q(parent__isnull=False)
            ),
            models.CheckConstraint(
                name="order_level_1_to_4", condition=Q(level__isnull=True) | Q(level__gte=1, level__lte=4)
            ),
        ]
        indexes = [
            models.Index(fields=["org", "state", "due_at"], name="order_inbox"),
            models.Index(fields=["state", "due_at"], name="order_open_due"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("dispatch:order", args=[self.pk])

    @property
    def ref(self) -> str:
        return make_ref("dispatch.order", self.pk)

    @property
    def held(self) -> bool:
        return self.held_at is not None

    @property
    def clock_due(self) -> datetime | None:
        """The deadline a reader cares about now: to sign before it is signed, else to handle."""
        return self.sign_due_at if self.state == S.DISPATCHED else self.due_at

    @property
    def clock_start(self) -> datetime:
        return self.dispatched_at if self.state == S.DISPATCHED else self.round_started_at

    @property
    def clock_done(self) -> datetime | None:
        return self.handled_at if self.state in (S.HANDLED, S.CLOSED) else None

    @property
    def clock_provisional(self) -> bool:
        return self.provisional_due and self.clock_done is None

    @property
    def clock_shown(self) -> bool:
        """A held clock stands, and an order that left the unit has none."""
        return not self.held and self.state not in (S.RETURNED, S.CANCELLED)


class OrderMove(models.Model):
    """One step in an order's life. Append-only by rights and trigger (migration 0002).

    The three deadlines are those that hold after the move: scores read moves only.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="moves", verbose_name=_("Order"))
    action = models.CharField(_("Action"), max_length=20)
    from_state = models.CharField(_("From"), max_length=16, blank=True)
    to_state = models.CharField(_("To"), max_length=16)
    round = models.PositiveSmallIntegerField(_("Round"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("By"),
    )
    by_name = models.CharField(_("Name"), max_length=80, blank=True)
    org_code = models.CharField(_("Unit"), max_length=40)
    at = models.DateTimeField(_("At"))
    note = models.TextField(_("Note"), blank=True)
    on_time = models.BooleanField(_("On time"), null=True)
    minutes_used = models.PositiveIntegerField(
        _("Working minutes used"), null=True, help_text=_("Working minutes since dispatch.")
    )
    sign_due_at = models.DateTimeField(null=True)
    contact_due_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    history = models.BooleanField(default=False)
    body = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("Move")
        verbose_name_plural = _("Moves")
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["action", "at"], name="move_action_at"),
            models.Index(fields=["org_code", "action", "at"], name="move_org_action_at"),
            models.Index(fields=["due_at"], name="move_due"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.action}"


class UnitRequest(models.Model):
    """A unit asks for more time or for a hold; a dispatcher decides. Its story is in the moves."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="requests")
    kind = models.CharField(max_length=12, choices=RequestKind)
    state = models.CharField(max_length=12, choices=RequestState, default=RequestState.PENDING)
    days = models.PositiveSmallIntegerField(null=True, blank=True)
    reason = models.TextField()
    evidence = models.TextField(blank=True)
    release_condition = models.TextField(blank=True)
    review_on = models.DateField(null=True, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)

    class Meta:
        verbose_name = _("Unit's request")
        verbose_name_plural = _("Units' requests")
        constraints = [
            models.UniqueConstraint(
                name="one_pending_request_of_a_kind",
                fields=["order", "kind"],
                condition=Q(state=RequestState.PENDING),
            ),
            models.CheckConstraint(
                name="extension_has_days", condition=Q(days__gte=1) | ~Q(kind=RequestKind.EXTENSION)
            ),
            models.CheckConstraint(
                name="hold_has_condition_and_review",
                condition=(Q(review_on__isnull=False) & ~Q(release_condition="")) | ~Q(kind=RequestKind.HOLD),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.order_id}"


class Clock(models.TextChoices):
    SIGN = "sign", pgettext_lazy("order", "Sign")
    CONTACT = "contact", _("First contact")
    HANDLE = "handle", _("Handling")
    RETURN = "return", _("Window for a return")


class ClockUnit(models.TextChoices):
    MINUTES = "minutes", _("minutes, round the clock")
    WORKING_MINUTES = "working_minutes", _("working minutes")
    WORKING_DAYS = "working_days", _("working days")


class ClockRule(models.Model):
    """How long a clock runs. The rule that names the most wins; a row here beats a built-in default."""

    clock = models.CharField(_("Clock"), max_length=8, choices=Clock)
    kind = models.CharField(_("Kind"), max_length=12, choices=OrderKind, blank=True)
    request_type = models.CharField(_("Type of request"), max_length=24, blank=True)
    urgency = models.CharField(_("Urgency"), max_length=10, choices=Urgency, blank=True)
    level = models.PositiveSmallIntegerField(_("Level"), null=True, blank=True)
    amount = models.PositiveIntegerField(_("Amount"), validators=[MinValueValidator(1)])
    unit = models.CharField(_("Unit of time"), max_length=16, choices=ClockUnit)
    source = models.CharField(_("Ground in rules"), max_length=200, blank=True)
    active = models.BooleanField(_("In force"), default=True)

    class Meta:
        verbose_name = _("Clock rule")
        verbose_name_plural = _("Clock rules")
        constraints = [
            models.UniqueConstraint(
                name="one_rule_per_case",
                fields=["clock", "kind", "request_type", "urgency", "level"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="clock_rule_runs", condition=Q(amount__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.clock} {self.amount} {self.unit}"
