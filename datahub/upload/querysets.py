"""An upload is its owner's alone, whatever else others may do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models


class UploadQuerySet(models.QuerySet[Any]):
    def owned_by(self, user: Any) -> UploadQuerySet:
        return self.filter(by_id=user.pk)

    def forgotten(self, *, before: datetime) -> UploadQuerySet:
        return self.filter(at__lt=before)
