"""What left the lake on purpose: recorded before it happens, so that the books can be reconciled."""

from django.db import models
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class LakeChangeReason(TextChoices):
    RETENTION = "retention", _("kept long enough")
    ERASURE = "erasure", _("a person was erased")


class LakeChange(models.Model):
    """Rows that were deleted (retention) or redacted (erasure). Append-only.

    It is done once the table carries `number`; a killed process leaves a lower one there, and the next
    upkeep goes on from `files`. rows: delivery -> rows deleted.
    """

    dataset = models.ForeignKey("datahub.Dataset", models.PROTECT, related_name="lake_changes")
    number = models.PositiveIntegerField()
    reason = models.CharField(
        pgettext_lazy("data", "reason"), max_length=12, choices=LakeChangeReason.choices
    )
    before = models.DateField(null=True)  # days before this one went
    files = models.JSONField(default=list)  # [path, day] of what left the table
    rows = models.JSONField(default=dict)
    total = models.BigIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="lake_change_once")]

    def __str__(self) -> str:
        return f"{self.dataset_id}/{self.number} {self.reason}"
