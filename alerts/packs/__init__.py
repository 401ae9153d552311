"""Packs: detector declarations by domain, loaded by `manage.py load_detectors`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from .base import DetectorSpec


def all_specs() -> list[DetectorSpec]:
    """Every declaration of every pack, in order of pack and code."""
    specs: list[DetectorSpec] = []
    for module in iter_modules(__path__):
        specs += getattr(import_module(f"{__name__}.{module.name}"), "DETECTORS", [])
    return sorted(specs, key=lambda spec: (spec.pack, spec.code))
