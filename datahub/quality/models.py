"""How good the data is, what is wrong with it, and who mends it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.fields import EncryptedTextField
from commandcenter.core.refs import make_ref

from .querysets import CorrectionQuerySet, IncidentQuerySet
from .states import (
    ALIVE,
    WAITING,
    Because,
    CorrectionState,
    IncidentKind,
    IncidentState,
    Limit,
    Severity,
)


class QualityLimit(models.Model):
    """A clock, a share or a weight. With no row the default of states.DEFAULTS holds."""

    limit = models.CharField(_("limit"), max_length=20, choices=Limit.choices, primary_key=True)
    value = models.PositiveIntegerField(_("value"))
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("limit of quality")
        verbose_name_plural = _("limits of quality")

    def __str__(self) -> str:
        return f"{self.limit}: {self.value}"


class Incident(models.Model):
    """One thing that is wrong, its owner and his deadline. One is alive per kind, dataset and key."""

    number = models.CharField(_("number"), max_length=24, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=IncidentKind.choices)
    key = models.CharField(max_length=120, blank=True)
    dataset = models.ForeignKey(
        "datahub.Dataset", models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    delivery = models.ForeignKey("datahub.Delivery", models.PROTECT, null=True, blank=True, related_name="+")
    ref = models.CharField(max_length=160, blank=True)  # what it is about, where that is no delivery
    state = models.CharField(
        _("state"), max_length=14, choices=IncidentState.choices, default=IncidentState.OPEN
    )
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices)
    reason = models.CharField(_("reason"), max_length=40)
    detail = models.TextField(blank=True)
    org_code = models.CharField(_("owner"), max_length=40, blank=True, db_index=True)
    area_code = models.CharField(_("area"), max_length=16, blank=True)
    times = models.PositiveIntegerField(_("times"), default=1)
    opened_at = models.DateTimeField(_("opened"))
    last_at = models.DateTimeField(_("last seen"))
    due_at = models.DateTimeField(_("due"))
    escalated_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    because = models.CharField(_("cause"), max_length=14, choices=Because.choices, blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "dataset", "key"],
                condition=Q(state__in=sorted(ALIVE)),
                nulls_distinct=False,
                name="one_incident_alive",
            ),
            models.CheckConstraint(condition=Q(state__in=IncidentState.values), name="incident_state_known"),
            models.CheckConstraint(
                condition=~Q(state="closed") | Q(closed_at__isnull=False), name="incident_closed_when"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"], name="incident_clock"),
            models.Index(fields=["dataset", "-opened_at"], name="incident_of_dataset"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def home(self) -> str:
        """Its reference for links, facts and audit."""
        return make_ref("datahub.incident", self.pk)

    @property
    def is_alive(self) -> bool:
        return self.state in ALIVE


class IncidentMove(models.Model):
    """Append-only: every step of an incident."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="moves")
    action = models.CharField(max_length=16)
    from_state = models.CharField(max_length=14, blank=True)
    to_state = models.CharField(max_length=14)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    note = models.TextField(blank=True)
    body = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.action}"


class DeliveryScore(models.Model):
    """The score of one delivery, 0 to 100; None: nothing was measured. parts: check -> scoring.Part."""

    delivery = models.OneToOneField("datahub.Delivery", models.CASCADE, related_name="score")
    dataset = models.ForeignKey("datahub.Dataset", models.CASCADE, related_name="scores")
    rows = models.BigIntegerField(default=0)
    parts = models.JSONField(default=dict)
    score = models.FloatField(_("score"), null=True)
    is_history = models.BooleanField(default=False)
    day = models.DateField()
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [models.Index(fields=["dataset", "day"], name="delivery_score_day")]

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.score}"


class DailyScore(models.Model):
    """Sums of a dataset's deliveries of one day, check by check: what the curve is drawn from."""

    dataset = models.ForeignKey("datahub.Dataset", models.CASCADE, related_name="daily_scores")
    day = models.DateField()
    rule = models.CharField(max_length=63)
    dimension = models.CharField(max_length=14)
    checked = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    deliveries = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["day"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset", "day", "rule"], name="daily_score_once")
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.day} {self.rule}"


class Replay(models.Model):
    """Mended rows of one delivery, sent on as a new one."""

    original = models.ForeignKey("datahub.Delivery", models.PROTECT, related_name="replays")
    delivery = models.OneToOneField("datahub.Delivery", models.PROTECT, related_name="replay_of", null=True)
    rows = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.original_id} → {self.delivery_id}"


class Mend(models.Model):
    """What somebody wrote over a rejected row, until it is replayed and from then on for good.

    values: header -> new value as the source would write it. sealed: values of personal columns as JSON;
    they leave with the replay and are then emptied. row: the row's number in the new delivery.
    """

    reject = models.OneToOneField("datahub.Reject", models.CASCADE, related_name="mend")
    values = models.JSONField(default=dict)
    sealed = EncryptedTextField(blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()
    replay = models.ForeignKey(Replay, models.PROTECT, null=True, blank=True, related_name="mends")
    row = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["replay", "row"], name="mend_row_once"),
            models.CheckConstraint(
                condition=Q(replay__isnull=True) | Q(row__isnull=False), name="mend_replayed_has_row"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reject_id}"


class CorrectionRequest(models.Model):
    """校核: one value of one record that somebody says is wrong, on its way to the owner.

    requester_ref: `city.organisation:<code>` or `datahub.peer:<code>`. wrong, proposed: as the requester
    wrote them; of a personal column they are kept encrypted (sealed) and masked on screen.
    """

    number = models.CharField(_("number"), max_length=24, unique=True)
    dataset = models.ForeignKey("datahub.Dataset", models.PROTECT, related_name="corrections")
    row_ref = models.CharField(_("record"), max_length=120)
    column = models.CharField(_("column"), max_length=63)
    wrong = models.CharField(_("value now"), max_length=500, blank=True)
    proposed = models.CharField(_("proposed value"), max_length=500, blank=True)
    sealed = EncryptedTextField(blank=True, default="")
    evidence = models.TextField(_("evidence"))
    state = models.CharField(
        _("state"), max_length=10, choices=CorrectionState.choices, default=CorrectionState.ASKED
    )
    requester_ref = models.CharField(max_length=120, db_index=True)
    requester_org = models.CharField(_("requested by"), max_length=40, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    agreement = models.ForeignKey(
        "datahub.Agreement", models.PROTECT, null=True, blank=True, related_name="corrections"
    )
    asked_at = models.DateTimeField(_("asked"))
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(pgettext_lazy("data", "reason"), blank=True)
    delivery = models.ForeignKey("datahub.Delivery", models.PROTECT, null=True, blank=True, related_name="+")

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction request")
        verbose_name_plural = _("correction requests")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["row_ref", "column", "requester_ref"],
                condition=Q(state__in=sorted(WAITING)),
                name="correction_once",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(WAITING)) | Q(due_at__isnull=False),
                name="correction_waiting_has_clock",
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(reason=""), name="correction_refused_with_reason"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "due_at"], name="correction_clock")]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return make_ref("datahub.correction", self.pk)


class CorrectionMove(models.Model):
    """Append-only: every step of a correction request."""

    correction = models.ForeignKey(CorrectionRequest, models.PROTECT, related_name="moves")
    action = models.CharField(max_length=12)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    note = models.TextField(blank=True)
    body = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.correction_id} {self.action}"
