"""What was delivered: from the file or batch to the rows that stayed out. The rows lie in the lake."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.refs import make_ref
from datahub.faults import Reason, Refused
from datahub.querysets import DeliveryQuerySet
from datahub.states import (
    OPEN,
    DeliveryState,
    SourceKind,
)

from .entries import Dataset


class Delivery(models.Model):
    """One delivery from the moment it is received. Identity: dataset + period + digest."""

    repeated = False  # not stored: whether the answer to a sender is "this was here before"
    full = False  # not stored: whether a delivery of pushed batches left some for the next

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="deliveries")
    state = models.CharField(
        _("state"), max_length=12, choices=DeliveryState.choices, default=DeliveryState.RECEIVED
    )
    source = models.CharField(_("source"), max_length=12, choices=SourceKind.choices)
    file_name = models.CharField(_("file"), max_length=255, blank=True)
    path = models.TextField(blank=True)  # where the bytes lie until the delivery is through
    keeps_file = models.BooleanField(default=True)  # False: the file is ours to remove afterwards
    mapping = models.CharField(max_length=63, blank=True)
    reading = models.JSONField(default=dict)  # the mapping of this file alone; empty: the saved one
    period = models.CharField(_("period"), max_length=80, blank=True)
    digest = models.CharField(max_length=64)
    same_as = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="repeats_of")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    asked_history = models.BooleanField(null=True)
    is_history = models.BooleanField(_("history"), default=False)
    live_since = models.DateTimeField(null=True)
    shift = models.DurationField(null=True)

    rows_read = models.BigIntegerField(default=0)  # counts up while the delivery runs
    rows_passed = models.BigIntegerField(default=0)
    rows_in = models.BigIntegerField(_("rows in"), default=0)
    rows_committed = models.BigIntegerField(_("rows committed"), default=0)
    rows_rejected = models.BigIntegerField(_("rows rejected"), default=0)
    rows_live = models.BigIntegerField(default=0)

    reason = models.CharField(_("reason"), max_length=20, choices=Refused.choices, blank=True)
    detail = models.TextField(blank=True)
    fault_row = models.BigIntegerField(null=True)
    fault_column = models.CharField(max_length=200, blank=True)
    notes = models.JSONField(default=list)
    checks = models.JSONField(default=dict)  # rule -> rows that failed it

    attempts = models.PositiveSmallIntegerField(default=0)
    repeats = models.PositiveIntegerField(default=0)
    turn = models.BigIntegerField(null=True)
    lake_version = models.BigIntegerField(null=True)
    received_at = models.DateTimeField(_("received"))
    area_code = models.CharField(max_length=16, blank=True)  # whose figures it ended in; a dataset may move
    checked_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    tapped_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rows_in=F("rows_committed") + F("rows_rejected")), name="delivery_reconciles"
            ),
            models.CheckConstraint(
                condition=~Q(state=DeliveryState.COMMITTED)
                | Q(rows_in=F("rows_read"), rows_committed=F("rows_passed"), lake_version__isnull=False),
                name="delivery_committed_whole",
            ),
            models.CheckConstraint(
                condition=~Q(state=DeliveryState.REFUSED) | ~Q(reason=""), name="delivery_refused_with_reason"
            ),
            models.UniqueConstraint(
                fields=["dataset", "period", "digest"],
                condition=~Q(state=DeliveryState.REFUSED),
                name="delivery_once",
            ),
            models.UniqueConstraint(fields=["dataset", "turn"], name="delivery_turn_once"),
        ]
        indexes = [
            models.Index(fields=["dataset", "-received_at"], name="delivery_recent"),
            models.Index(fields=["dataset", "digest"], name="delivery_digest"),
            models.Index(fields=["id"], condition=Q(state__in=sorted(OPEN)), name="delivery_open"),
            models.Index(
                fields=["id"],
                condition=Q(state="committed", tapped_at__isnull=True),
                name="delivery_untapped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id}/{self.pk}"

    @property
    def ref(self) -> str:
        return make_ref("datahub.delivery", self.pk)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class DeliveryFile(models.Model):
    """A Parquet file that a delivery wrote; what row_by_ref and lake_verify look up."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="files")
    path = models.TextField()
    day = models.DateField()
    rows = models.BigIntegerField()
    size = models.BigIntegerField()
    first_row = models.BigIntegerField()
    last_row = models.BigIntegerField()
    stats = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "path"], name="delivery_file_once")]
        ordering = ["first_row", "day"]

    def __str__(self) -> str:
        return self.path


class DeliveryBlob(models.Model):
    """A small batch, acknowledged once this row is written; folded into a delivery within a second."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="blobs")
    key = models.CharField(max_length=80, null=True)  # the sender's own number: a repeat is recognised
    rows = models.PositiveIntegerField()
    body = models.BinaryField()  # an Arrow stream; empty once the rows are in the lake
    size = models.PositiveIntegerField(default=0)  # of the body, bytes
    received_at = models.DateTimeField()
    sender = models.CharField(max_length=40, blank=True)  # push:<key>, mqtt:<subscription>
    digest = models.CharField(max_length=32, blank=True)  # of what the sender sent under its number
    delivery = models.ForeignKey(Delivery, models.SET_NULL, null=True, related_name="blobs")
    first_row = models.BigIntegerField(null=True)  # its first row's number in the delivery

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "key"], name="blob_once")]
        indexes = [
            models.Index(fields=["dataset", "id"], condition=Q(delivery__isnull=True), name="blob_waiting"),
            models.Index(fields=["dataset"], condition=Q(size__gt=0), name="blob_held"),
        ]

    def __str__(self) -> str:
        return f"blob {self.pk}"


class Reject(models.Model):
    """A row that stayed out, with what it said. row: the source's own values, personal ones left out."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="rejects")
    row_number = models.BigIntegerField(_("row"))
    column = models.CharField(_("column"), max_length=200, blank=True)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    detail = models.CharField(max_length=200, blank=True)
    raw = models.TextField(pgettext_lazy("data", "value"), blank=True)
    others = models.JSONField(default=list)
    row = models.JSONField(default=dict)

    class Meta:
        ordering = ["row_number"]
        constraints = [models.UniqueConstraint(fields=["delivery", "row_number"], name="reject_once")]

    def __str__(self) -> str:
        return f"{self.row_number}: {self.reason}"


class DatasetWriter(models.Model):
    """Who writes a dataset. An advisory lock says whether he lives; the token fences off who does not."""

    dataset = models.OneToOneField(Dataset, models.CASCADE, related_name="writer")
    token = models.BigIntegerField(default=0)
    holder = models.CharField(max_length=120, blank=True)
    claimed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.dataset_id}: {self.holder}"
