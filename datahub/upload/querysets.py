"""An upload is its owner's alone, whatever else others may do."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from .models import Upload  # noqa: F401  named in the string below


class UploadQuerySet(models.QuerySet["Upload"]):
    def owned_by(self, user: Any) -> Self:
        return self.filter(by_id=user.pk)

    def forgotten(self, *, before: datetime) -> Self:
        return self.filter(at__lt=before)
