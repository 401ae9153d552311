"""Who may read what of whom, for which purpose; and every call that was made under it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commandcenter.core.fields import EncryptedTextField
from commandcenter.core.refs import make_ref

from .querysets import AgreementQuerySet, CallQuerySet
from .states import AgreementState, Clock, ConsumerKind, Denial, Outcome, Way


class ShareClock(models.Model):
    """How many working days a step may take. With no row the default of states.DEFAULT_DAYS holds."""

    clock = models.CharField(_("step"), max_length=20, choices=Clock.choices, primary_key=True)
    working_days = models.PositiveSmallIntegerField(_("working days"))
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("limit of sharing")
        verbose_name_plural = _("limits of sharing")

    def __str__(self) -> str:
        return f"{self.clock}: {self.working_days}"


class Agreement(models.Model):
    """An application from the day it is sent in to the day its grant ends.

    consumer_ref: who reads, `city.organisation:<code>`, `alerts.detector:<code>`, `datahub.peer:<code>`.
    columns, row_filter, masking: terms.Terms as JSON. quota_calls: calls a day, null: no limit.
    token_hash: of the token that was shown once; '' for the platform's own parts, which need none.
    """

    number = models.CharField(_("number"), max_length=24, unique=True)
    dataset = models.ForeignKey(
        "datahub.Dataset", models.PROTECT, related_name="agreements", verbose_name=_("dataset")
    )
    state = models.CharField(
        _("state"), max_length=10, choices=AgreementState.choices, default=AgreementState.APPLIED
    )
    consumer_kind = models.CharField(
        _("consumer"), max_length=14, choices=ConsumerKind.choices, default=ConsumerKind.ORGANISATION
    )
    consumer_ref = models.CharField(max_length=120, db_index=True)
    consumer_org = models.CharField(_("applying organisation"), max_length=40, blank=True)
    purpose = models.TextField(_("purpose"))
    legal_basis = models.TextField(_("legal basis"))
    columns = models.JSONField(_("columns"), default=list)
    row_filter = models.JSONField(_("rows"), default=list)
    masking = models.JSONField(_("masking"), default=dict)
    quota_calls = models.PositiveIntegerField(_("calls a day"), null=True, blank=True)
    mounted = models.BooleanField(default=True)  # the resource was there when it was applied for
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    applied_at = models.DateTimeField(_("applied"))
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    clock_since = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    asked_until = models.DateTimeField(_("wanted until"), null=True, blank=True)
    granted_at = models.DateTimeField(_("granted"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    token_hash = models.CharField(max_length=64, blank=True)
    token_hint = models.CharField(max_length=8, blank=True)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = _("sharing agreement")
        verbose_name_plural = _("sharing agreements")
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["dataset", "consumer_ref", "state"], name="agreement_of_consumer"),
            models.Index(fields=["state", "due_at"], name="agreement_clock"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=AgreementState.values), name="agreement_state_known"
            ),
            models.UniqueConstraint(
                fields=["token_hash"], condition=~Q(token_hash=""), name="agreement_token_once"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["applied", "checked"]) | Q(due_at__isnull=False),
                name="agreement_waiting_has_clock",
            ),
            models.CheckConstraint(
                condition=~Q(state="granted") | Q(granted_at__isnull=False), name="agreement_granted_when"
            ),
            # Only a part of the platform may be granted without an end.
            models.CheckConstraint(
                condition=~Q(state="granted") | Q(consumer_kind="platform") | Q(expires_at__isnull=False),
                name="agreement_grant_ends",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="") & ~Q(legal_basis=""), name="agreement_names_purpose"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return make_ref("datahub.agreement", self.pk)


class ShareKey(models.Model):
    """A token that opens every grant of one consumer: how another level's platform calls."""

    consumer_ref = models.CharField(max_length=120, db_index=True)
    token_hash = models.CharField(max_length=64, unique=True)
    token_hint = models.CharField(max_length=8)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.consumer_ref} …{self.token_hint}"


class AgreementMove(models.Model):
    """Append-only: every step of an agreement."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="moves")
    action = models.CharField(max_length=20)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    org_code = models.CharField(max_length=40, blank=True)
    note = models.TextField(blank=True)
    body = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.agreement_id} {self.action}"


class ShareCall(models.Model):
    """Append-only: one call, answered or refused. position: the cursor it left off at."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, related_name="share_calls")
    dataset_code = models.CharField(max_length=80)
    way = models.CharField(max_length=10, choices=Way.choices)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    denial = models.CharField(max_length=14, choices=Denial.choices, blank=True)
    form = models.CharField(max_length=8, blank=True)
    rows = models.BigIntegerField(default=0)
    lake_version = models.BigIntegerField(null=True)
    position = models.CharField(max_length=60, blank=True)
    took_ms = models.PositiveIntegerField(default=0)
    ip = models.GenericIPAddressField(null=True)
    body = models.JSONField(default=dict)
    day = models.DateField()
    at = models.DateTimeField()

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["agreement", "day"], name="share_call_day"),
            models.Index(fields=["dataset_code", "-at"], name="share_call_dataset"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(outcome="refused") & ~Q(denial="")) | (~Q(outcome="refused") & Q(denial="")),
                name="share_call_refused_with_reason",
            )
        ]

    def __str__(self) -> str:
        return f"{self.dataset_code} {self.outcome}"


class ShareCount(models.Model):
    """Calls and rows of one agreement, day and way: the counter that a quota is taken from."""

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="counts")
    day = models.DateField()
    way = models.CharField(max_length=10, choices=Way.choices)
    calls = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["day"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agreement", "day", "way"], name="share_count_once")
        ]

    def __str__(self) -> str:
        return f"{self.agreement_id} {self.day} {self.calls}"


class Delivering(models.Model):
    """How new rows of a grant are carried to the consumer by themselves: a webhook or a file drop.

    position: the cursor up to which the consumer has them. secret: signs what is sent.
    """

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="deliveries_out")
    way = models.CharField(
        max_length=10, choices=[(Way.WEBHOOK.value, Way.WEBHOOK.label), (Way.FILE.value, Way.FILE.label)]
    )
    url = models.CharField(_("address"), max_length=500, blank=True)
    secret = EncryptedTextField(blank=True, default="")
    form = models.CharField(_("format"), max_length=8, default="json")
    position = models.TextField(blank=True)
    number = models.BigIntegerField(default=0)  # batches carried so far
    failures = models.PositiveIntegerField(default=0)
    next_try = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    paused = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agreement", "way"], name="one_delivering_per_way"),
            models.CheckConstraint(condition=Q(way="file") | ~Q(url=""), name="webhook_has_address"),
        ]

    def __str__(self) -> str:
        return f"{self.agreement_id} {self.way}"


class Yield(models.Model):
    """Append-only: what a grant produced, as its consumer or a part of the platform reports it."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="yields")
    made_ref = models.CharField(max_length=120, blank=True)
    title = models.CharField(_("what it produced"), max_length=200)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2, null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.title
