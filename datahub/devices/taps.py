"""Where the hub hands over each batch after its commit."""

import time
from typing import Any

import numpy as np
import pyarrow as pa

from . import services
from .models import ReadingFeed

FRESH_S = 5.0
_known: tuple[float, frozenset[str]] = (float("-inf"), frozenset())


def on_register(dataset_code: str, delivery_id: int, table: pa.Table, live_mask: Any) -> None:
    """Rows of city.devices: the register follows. The same batch twice changes nothing."""
    services.take_rows(table, delivery_id)


def on_readings(dataset_code: str, delivery_id: int, table: pa.Table, live_mask: Any) -> None:
    """Readings of sensors that are devices: signs of life. The same batch twice changes nothing."""
    live = np.asarray(
        live_mask.to_numpy(zero_copy_only=False) if hasattr(live_mask, "to_numpy") else live_mask, dtype=bool
    )
    services.take_readings(dataset_code, table, live)


def _wants(dataset_code: str) -> bool:
    """Only datasets that a steward named; asked of the database every few seconds."""
    global _known
    if time.monotonic() - _known[0] > FRESH_S:
        codes = ReadingFeed.objects.values_list("dataset__code", flat=True)
        _known = (time.monotonic(), frozenset(codes))
    return dataset_code in _known[1]


def forget() -> None:
    """Ask again at once; for tests."""
    global _known
    _known = (float("-inf"), frozenset())


on_readings.wants = _wants  # type: ignore[attr-defined]
