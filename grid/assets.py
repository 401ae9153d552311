"""The built service worker, as Vite left it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from django.conf import settings

ENTRY = "src/pages/grid_sw.ts"


def worker_script() -> str | None:
    """Its text; None before the front end was built."""
    folder = Path(settings.BASE_DIR) / "static_build"
    try:
        return _read(folder, (folder / "manifest.json").stat().st_mtime)
    except (FileNotFoundError, KeyError):
        return None


@lru_cache(maxsize=2)
def _read(folder: Path, built: float) -> str:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return (folder / str(manifest[ENTRY]["file"])).read_text(encoding="utf-8")
