"""Files that people brought and have not decided on yet."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .querysets import UploadQuerySet
from .states import UploadState


class Upload(models.Model):
    """One file of one person. It is nobody else's business, and gone after a day without a word."""

    received = 0  # not stored: bytes that have arrived

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    dataset = models.ForeignKey("datahub.Dataset", models.CASCADE, related_name="uploads")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    state = models.CharField(
        _("state"), max_length=12, choices=UploadState.choices, default=UploadState.RECEIVING
    )
    file_name = models.CharField(_("file"), max_length=255)
    path = models.TextField()
    size = models.BigIntegerField()  # bytes, as the browser announced them
    digest = models.CharField(max_length=64, blank=True)
    reading = models.JSONField(default=dict)  # datahub.declare.MappingSpec as chosen; empty: by the header
    period = models.CharField(max_length=80, blank=True)
    history = models.BooleanField(default=False)
    delivery = models.ForeignKey("datahub.Delivery", models.SET_NULL, null=True, related_name="+")

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state=UploadState.STAGED) | ~models.Q(digest=""),
                name="upload_staged_whole",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)
