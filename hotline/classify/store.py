"""Trained models on disk: plain arrays, signed; a file with a wrong signature is not opened.

joblib unpickles, and unpickling runs code. So the bytes are checked against a keyed
signature kept in the database before joblib sees them.
"""

import hashlib
import hmac
import io
import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import structlog
from django.conf import settings
from django.db import transaction

from commandcenter.core.crypto import keyed_hash
from hotline.models import ClassifierVersion

log = structlog.get_logger()
FORMAT = 1


class UntrustedModel(ValueError):
    """The file is not the one that was trained here."""


@dataclass(frozen=True)
class LinearModel:
    """Two TF-IDF blocks (words, character n-grams) and one weight per class and term."""

    classes: tuple[str, ...]
    word_index: dict[str, int]
    word_idf: np.ndarray
    char_index: dict[str, int]
    char_idf: np.ndarray
    weights: np.ndarray  # classes × (words + characters)
    intercept: np.ndarray
    char_range: tuple[int, int]
    version: int


def models_dir() -> Path:
    return Path(settings.MEDIA_ROOT) / "models"


def sign(data: bytes) -> str:
    return keyed_hash(hashlib.sha256(data).hexdigest(), purpose="classifier")


def save(
    arrays: dict[str, Any], *, macro_f1: float, rows: int, classes: list[str], at: Any
) -> ClassifierVersion:
    """Write a model beside the earlier ones and make it the active one."""
    folder = models_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with transaction.atomic():
        last = ClassifierVersion.objects.select_for_update().order_by("-version").first()
        version = (last.version if last else 0) + 1
        buffer = io.BytesIO()
        joblib.dump({**arrays, "format": FORMAT}, buffer, compress=3)
        data = buffer.getvalue()
        name = f"hotline_classifier_{version:04d}.joblib"
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".new_")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(temporary, folder / name)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        ClassifierVersion.objects.filter(active=True).update(active=False)
        return ClassifierVersion.objects.create(
            version=version,
            file_name=name,
            signature=sign(data),
            macro_f1=macro_f1,
            rows=rows,
            classes=classes,
            trained_at=at,
        )


def load(row: ClassifierVersion) -> LinearModel:
    """The model of a version. Raises UntrustedModel, OSError."""
    data = (models_dir() / Path(row.file_name).name).read_bytes()
    if not hmac.compare_digest(sign(data), row.signature):
        raise UntrustedModel(row.file_name)
    arrays = joblib.load(io.BytesIO(data))
    if arrays.pop("format") != FORMAT:
        raise UntrustedModel(f"{row.file_name}: another format")
    return LinearModel(version=row.version, **arrays)


@lru_cache(maxsize=2)
def _loaded(pk: int, signature: str) -> LinearModel | None:
    row = ClassifierVersion.objects.get(pk=pk)
    try:
        return load(row)
    except (UntrustedModel, OSError, KeyError, ValueError) as error:
        log.warning("classifier_not_loaded", version=row.version, reason=type(error).__name__)
        return None


def active_model() -> LinearModel | None:
    """The active model, or None where there is none that can be trusted."""
    row = ClassifierVersion.objects.filter(active=True).values_list("pk", "signature").first()
    return _loaded(*row) if row else None
