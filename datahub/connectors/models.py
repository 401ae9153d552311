"""Sources that the hub fetches from by itself: where, when, how far, and what each run came to."""

from typing import ClassVar

from django.conf import settings as project
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.fields import EncryptedTextField
from commandcenter.core.refs import make_ref

from .querysets import SourceQuerySet
from .states import BatchState, PullKind, Rhythm, RunOutcome


class Source(models.Model):
    """One pulled source of one dataset.

    settings: datahub.connectors.settings as JSON, without secrets. secret: a password or token.
    ready: the steward went through all the steps. cursor: how far it is in the lake; it moves with
    the batch that reached the lake, in one transaction. etag, modified: what the other side called
    the state that is in the lake. lease: who runs it now, and until when he is believed to live.
    """

    dataset = models.ForeignKey(
        "datahub.Dataset", models.PROTECT, related_name="sources", verbose_name=_("dataset")
    )
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=10, choices=PullKind.choices)
    settings = models.JSONField(default=dict)
    secret = EncryptedTextField(blank=True, default="")
    folder = models.CharField(_("folder"), max_length=200, blank=True)  # of a watched folder, under DROP_DIR
    shape = models.JSONField(default=dict)  # column of the source -> its kind, as it was when connected

    rhythm = models.CharField(_("rhythm"), max_length=5, choices=Rhythm.choices, default=Rhythm.EVERY)
    every_s = models.PositiveIntegerField(_("seconds between runs"), default=3_600)
    daily_at = models.TimeField(_("time of day"), null=True, blank=True)  # in Shanghai
    ready = models.BooleanField(default=False)
    paused = models.BooleanField(_("paused"), default=False)
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True)

    cursor = models.JSONField(default=dict)
    seen = models.BinaryField(default=b"")  # rows at the edge of the cursor that are in the lake already
    etag = models.CharField(max_length=300, blank=True)
    modified = models.CharField(max_length=100, blank=True)
    number = models.BigIntegerField(default=0)  # batches so far
    rows = models.BigIntegerField(_("rows"), default=0)

    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    last_run_at = models.DateTimeField(_("last run"), null=True, blank=True)
    last_good_at = models.DateTimeField(null=True, blank=True)
    last_outcome = models.CharField(max_length=12, choices=RunOutcome.choices, blank=True)
    last_reason = models.TextField(blank=True)
    lease = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    made_by = models.ForeignKey(project.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    objects = SourceQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("data", "source")
        verbose_name_plural = _("sources")
        ordering: ClassVar = ["dataset__code", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset", "name"], name="source_name_once"),
            models.UniqueConstraint(fields=["folder"], condition=~Q(folder=""), name="source_folder_once"),
            models.CheckConstraint(condition=Q(every_s__gte=10), name="source_not_too_often"),
            models.CheckConstraint(
                condition=~Q(rhythm="daily") | Q(daily_at__isnull=False), name="source_daily_has_time"
            ),
            models.CheckConstraint(
                condition=Q(ready=False) | Q(next_run_at__isnull=False), name="source_ready_has_next_run"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_run_at"], condition=Q(ready=True, paused=False), name="source_due")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        return make_ref("datahub.source", self.pk)


class SourceRun(models.Model):
    """One run. reason: why it failed, or what the steward should know though it did not."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="runs")
    outcome = models.CharField(
        _("outcome"), max_length=12, choices=RunOutcome.choices, default=RunOutcome.RUNNING
    )
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    rows = models.BigIntegerField(_("rows"), default=0)
    rejected = models.BigIntegerField(_("rows rejected"), default=0)
    batches = models.PositiveIntegerField(default=0)
    delivery = models.ForeignKey("datahub.Delivery", models.PROTECT, null=True, blank=True, related_name="+")
    code = models.CharField(max_length=40, blank=True)
    reason = models.TextField(pgettext_lazy("source", "reason"), blank=True)
    by = models.ForeignKey(project.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(outcome="running"), name="source_runs_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="failed") | ~Q(reason=""), name="source_run_failed_with_reason"
            ),
            models.CheckConstraint(
                condition=Q(outcome="running", ended_at__isnull=True)
                | (~Q(outcome="running") & Q(ended_at__isnull=False)),
                name="source_run_ends",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["source", "-started_at"], name="source_run_recent")]

    def __str__(self) -> str:
        return f"{self.source_id} {self.outcome}"


class SourceBatch(models.Model):
    """What one fetch brought, kept as a file until it is delivered: fetched once, delivered once.

    after: what the source is told with the batch's arrival in the lake (cursor, etag, …).
    origin: the file of a watched folder that it was copied from.
    """

    source = models.ForeignKey(Source, models.CASCADE, related_name="batches")
    run = models.ForeignKey(SourceRun, models.SET_NULL, null=True, related_name="+")
    number = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=BatchState.choices, default=BatchState.FETCHED)
    path = models.TextField()
    file_name = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    rows = models.BigIntegerField(null=True)  # unknown of a file
    after = models.JSONField(default=dict)
    seen = models.BinaryField(null=True)
    origin = models.JSONField(default=dict)
    mapping = models.CharField(max_length=63, blank=True)
    delivery = models.ForeignKey("datahub.Delivery", models.PROTECT, null=True, blank=True, related_name="+")
    fetched_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "number"], name="source_batch_once"),
            models.UniqueConstraint(
                fields=["source"], condition=Q(state="fetched"), name="source_batch_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id}/{self.number}"
