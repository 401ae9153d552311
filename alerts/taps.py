"""Where the hub hands over each batch after its commit."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from . import services
from .services import runs
from .tasks import ring_windows


def on_rows(dataset_code: str, delivery_id: int, table: pa.Table, live_mask: Any) -> None:
    """Let the detectors look. May be called twice for the same rows: nothing is raised twice."""
    if runs.take_batch(dataset_code=dataset_code, table=table, live=runs.as_mask(live_mask)):
        ring_windows()


def _wants(dataset_code: str) -> bool:
    """Spares the hub the rows of datasets that no detector watches."""
    return services.is_watched(dataset_code)


on_rows.wants = _wants  # type: ignore[attr-defined]
