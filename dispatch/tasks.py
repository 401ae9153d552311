"""Doorbells: which news from elsewhere dispatch follows (see commandcenter/wiring.py)."""

from typing import Any

from . import services


def follow_calendar(payload: dict[str, Any]) -> None:
    """Listener of `city.calendar.changed`: open clocks are set again. Safe to run twice."""
    services.recompute_deadlines()


def follow_fault(payload: dict[str, Any]) -> None:
    """Listener of `datahub.fault.moved`: the owner of a public device gets an order. Safe to run twice."""
    services.follow_fault(payload=payload)


def follow_areas(payload: dict[str, Any]) -> None:
    """Listener of `city.generation.activated`: open orders follow their area. Safe to run twice."""
    services.relocate_orders()
