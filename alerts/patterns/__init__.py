"""Patterns: code that a detector's declaration chooses by name. This version holds `threshold`."""

from __future__ import annotations

from typing import Any

from .threshold import NAME as THRESHOLD
from .threshold import ThresholdParams

PATTERNS: dict[str, type[ThresholdParams]] = {THRESHOLD: ThresholdParams}


def parse_params(pattern: str, body: dict[str, Any]) -> ThresholdParams:
    """The checked parameters. Raises KeyError for an unknown pattern, ValidationError for wrong ones."""
    return PATTERNS[pattern].model_validate(body)
