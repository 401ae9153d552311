"""Detectors, what they remember, and the alerts they raise."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .patterns import parse_params
from .patterns.threshold import ThresholdParams
from .querysets import AlertQuerySet, DetectorQuerySet
from .states import OPEN, AlertLevel, AlertState, DetectorStatus, Health, PrivacyClass, Verdict

SRID = 4490
NO_GRANT = "grant:"  # a blind detector's reason begins so when it may not read its source


class Detector(models.Model):
    """A declaration: which pattern looks at which column of which dataset, and who is told.

    auto_dispatch_from: alerts of this level and graver become orders by themselves; null: an analyst
    verifies first. state and health change through services only, each change a DetectorMove.
    """

    code = models.SlugField(_("code"), max_length=60, unique=True)
    pack = models.CharField(_("pack"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80, blank=True)
    pattern = models.CharField(_("pattern"), max_length=30)
    dataset_code = models.CharField(_("dataset"), max_length=80, db_index=True)
    subject_column = models.CharField(_("subject column"), max_length=60)
    time_column = models.CharField(_("time column"), max_length=60)
    params = models.JSONField(_("parameters"))
    function = models.CharField(_("receiving function"), max_length=30)
    default_area = models.CharField(_("area where a row has none"), max_length=16)
    auto_dispatch_from = models.PositiveSmallIntegerField(
        _("orders by itself from level"), choices=AlertLevel, null=True, blank=True
    )
    state = models.CharField(_("state"), max_length=10, choices=DetectorStatus, default=DetectorStatus.DRAFT)
    version = models.PositiveIntegerField(_("version"), default=1)
    source_text = models.TextField(_("source of the levels"), blank=True)
    source_text_en = models.TextField(_("source of the levels in English"), blank=True)
    privacy_class = models.CharField(
        _("privacy class"), max_length=10, choices=PrivacyClass, default=PrivacyClass.NONE
    )
    health = models.CharField(_("sight"), max_length=6, choices=Health, default=Health.OK)
    health_since = models.DateTimeField(_("sight since"), null=True, blank=True)
    health_reason = models.TextField(_("reason"), blank=True)
    last_run_at = models.DateTimeField(_("last run"), null=True, blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("proposed by"),
    )
    created_at = models.DateTimeField(_("created"))

    objects = DetectorQuerySet.as_manager()

    class Meta:
        ordering = ("pack", "code")
        verbose_name = _("detector")
        verbose_name_plural = _("detectors")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=DetectorStatus.values), name="detector_state_known"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        english = (translation.get_language() or "").startswith("en")
        return self.name_en if english and self.name_en else self.name

    @property
    def health_words(self) -> str:
        """How well it sees; blind has two causes, a late source and a grant that is gone."""
        if self.health == Health.BLIND and self.health_reason.startswith(NO_GRANT):
            return str(_("Blind: it may not read its source"))
        return str(Health(self.health).label)

    @property
    def source_words(self) -> str:
        english = (translation.get_language() or "").startswith("en")
        return self.source_text_en if english and self.source_text_en else self.source_text

    @property
    def parameters(self) -> ThresholdParams:
        return parse_params(self.pattern, self.params)

    @property
    def ref(self) -> str:
        return f"alerts.detector:{self.pk}"


class DetectorMove(models.Model):
    """Append-only: who changed a detector, or what happened to its sight."""

    detector = models.ForeignKey(Detector, models.PROTECT, related_name="moves")
    action = models.CharField(max_length=20)
    from_state = models.CharField(max_length=10)
    to_state = models.CharField(max_length=10)
    version = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    note = models.TextField(blank=True)
    body = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)


class DetectorState(models.Model):
    """What one detector version remembers of one subject: the hold, the open stay, the cooldown.

    trial: rows that are history, or a detector in trial, have a memory of their own.
    last_at: the newest reading judged; an older one is left to a window run.
    """

    detector = models.ForeignKey(Detector, models.CASCADE, related_name="memories")
    version = models.PositiveIntegerField()
    subject = models.CharField(max_length=120)
    trial = models.BooleanField()
    track = models.JSONField(default=dict)
    last_at = models.DateTimeField(null=True)
    last_value = models.FloatField(null=True)
    no_data_since = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["detector", "version", "subject", "trial"], name="one_memory_per_subject"
            )
        ]


class TouchedDay(models.Model):
    """A day whose rows changed since the detector last read it: the work list of window runs.

    One row per mark, not per day: a run removes only the marks that it saw before it read the lake.
    """

    detector = models.ForeignKey(Detector, models.CASCADE, related_name="touched_days")
    day = models.DateField()
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["detector", "day"], name="touched_day")]


class Alert(models.Model):
    """One subject's stay beyond the bounds of one detector.

    trial: raised by history or by a detector in trial; nobody is sent out.
    started_at: first reading beyond; raised_at: when the hold was met; cleared_at: back to normal.
    """

    number = models.CharField(_("case number"), max_length=24, unique=True)
    detector = models.ForeignKey(Detector, models.PROTECT, related_name="alerts", verbose_name=_("detector"))
    version = models.PositiveIntegerField(_("detector version"))
    subject = models.CharField(_("subject"), max_length=120)
    title = models.CharField(_("title"), max_length=200)
    level = models.PositiveSmallIntegerField(_("alert level"), choices=AlertLevel)
    state = models.CharField(_("state"), max_length=10, choices=AlertState, default=AlertState.PENDING)
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict, blank=True)
    trial = models.BooleanField(_("trial"))
    area_code = models.CharField(_("area"), max_length=16, db_index=True)
    location = models.PointField(_("location"), srid=SRID, null=True, blank=True)
    receiver = models.ForeignKey(
        "city.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("receiver"),
    )
    order_ref = models.CharField(_("order"), max_length=40, blank=True)
    value = models.FloatField(_("value when raised"))
    peak = models.FloatField(_("gravest value"))
    peak_at = models.DateTimeField(_("gravest at"))
    unit = models.CharField(_("measured in"), max_length=20)
    started_at = models.DateTimeField(_("started"))
    raised_at = models.DateTimeField(_("raised"))
    cleared_at = models.DateTimeField(_("back to normal"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded"))

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ("-raised_at", "-pk")
        verbose_name = _("alert")
        verbose_name_plural = pgettext_lazy("model", "alerts")
        indexes: ClassVar = [
            models.Index(fields=["trial", "state", "level", "-raised_at"], name="alert_list"),
            models.Index(fields=["detector", "subject", "-started_at"], name="alert_history"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["detector", "version", "subject", "trial", "started_at"], name="alert_once"
            ),
            models.UniqueConstraint(
                fields=["detector", "subject", "trial"],
                condition=Q(state__in=sorted(state.value for state in OPEN)),
                name="one_open_alert_per_subject",
            ),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=4), name="alert_level_1_to_4"),
            # A trial sends nobody out, whatever the code does.
            models.CheckConstraint(
                condition=Q(trial=False) | (Q(order_ref="") & ~Q(state="dispatched")),
                name="trial_starts_no_order",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return f"alerts.alert:{self.pk}"


class AlertMove(models.Model):
    """Append-only: every step of an alert."""

    alert = models.ForeignKey(Alert, models.PROTECT, related_name="moves")
    action = models.CharField(max_length=20)
    from_state = models.CharField(max_length=10)
    to_state = models.CharField(max_length=10)
    level = models.PositiveSmallIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    note = models.TextField(blank=True)
    body = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)


class AlertEvidence(models.Model):
    """Append-only: a row of the source that the alert rests on, with the value it held.

    role: `trigger` (the row that met the hold), `run` (rows that led to it), `rise`, `clear`.
    value: as delivered; measure: what was judged (the mean, for a mean).
    """

    alert = models.ForeignKey(Alert, models.PROTECT, related_name="evidence")
    row_ref = models.CharField(max_length=80)
    role = models.CharField(max_length=8)
    value = models.FloatField()
    measure = models.FloatField()
    at = models.DateTimeField()
    body: Any = models.JSONField(default=dict)

    class Meta:
        ordering = ("at", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert", "row_ref", "role"], name="evidence_once"),
        ]
