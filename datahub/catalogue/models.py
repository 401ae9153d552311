"""What happened to datasets in the catalogue, declarations under way, and answers to the duplicate guard."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from datahub.states import DatasetStatus

from .states import Action, Decision


class DatasetMove(models.Model):
    """One step of a dataset's life. Append-only: the database refuses changes."""

    dataset = models.ForeignKey("datahub.Dataset", models.PROTECT, related_name="moves")
    action = models.CharField(_("action"), max_length=12, choices=Action.choices)
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12, choices=DatasetStatus.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=150, blank=True)
    at = models.DateTimeField()
    note = models.TextField(blank=True)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.dataset_id}: {self.action}"


class Proposal(models.Model):
    """A declaration under way: what the hub read out of a sample, and what the steward made of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    file_name = models.CharField(max_length=255, blank=True)
    path = models.TextField(blank=True)  # the sample, kept until it is delivered
    found = models.JSONField(default=dict)  # datahub.catalogue.proposing.Found as JSON
    dataset = models.ForeignKey("datahub.Dataset", models.PROTECT, null=True, related_name="proposals")

    def __str__(self) -> str:
        return str(self.id)


class RepeatAnswer(models.Model):
    """Somebody asked for columns that the city holds, was told so, and answered. Append-only."""

    dataset = models.ForeignKey("datahub.Dataset", models.PROTECT, null=True, related_name="repeat_answers")
    title = models.CharField(max_length=200)  # of the dataset or form that asked
    decision = models.CharField(max_length=8, choices=Decision.choices)
    reason = models.TextField(blank=True)
    repeats = models.JSONField(default=list)  # [{"code", "columns"}]: what the city holds of it
    columns_saved = models.PositiveIntegerField(default=0)
    hours_saved = models.DecimalField(max_digits=9, decimal_places=1, default=0)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.title}: {self.decision}"
