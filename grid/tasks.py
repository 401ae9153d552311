"""Listeners: the work is in services."""

from __future__ import annotations

from typing import Any

from . import services


def follow_order(*, payload: dict[str, Any]) -> None:
    """Listener of dispatch.order.moved; returns at once where the order is no report's."""
    if str(payload.get("case_ref", "")).startswith("grid.report:"):
        services.follow_order(payload=payload)
