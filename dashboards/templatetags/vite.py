"""Tags for what Vite built: {% vite "workbench" %} and {% icon "phone" %}."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@lru_cache(maxsize=4)
def _manifest(path: Path, changed: float) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def manifest() -> dict[str, Any]:
    """What the last build wrote; empty when nobody has built yet."""
    path = Path(settings.BASE_DIR) / "static_build" / "manifest.json"
    try:
        return _manifest(path, path.stat().st_mtime)
    except FileNotFoundError:
        return {}


def _styles(entries: dict[str, Any], key: str, seen: set[str]) -> list[str]:
    """The style sheets of an entry and of the chunks it imports, imports first."""
    if key in seen:
        return []
    seen.add(key)
    entry = entries[key]
    files: list[str] = []
    for imported in entry.get("imports", []):
        files += _styles(entries, imported, seen)
    return files + entry.get("css", [])


@register.simple_tag
def vite(name: str) -> SafeString:
    """Links and script of one entry (frontend/src/<name>.ts)."""
    entries = manifest()
    key = f"src/{name}.ts"
    if key not in entries:
        return format_html("<!-- front end is not built: npm run build -->")
    links = format_html_join(
        "\n",
        '<link rel="stylesheet" href="{}">',
        ((static(file),) for file in dict.fromkeys(_styles(entries, key, set()))),
    )
    return format_html('{}\n<script type="module" src="{}"></script>', links, static(entries[key]["file"]))


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the sprite; decoration only, so hidden from screen readers."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.75"'
        ' stroke-linecap="round" stroke-linejoin="round"><use href="{}#{}"></use></svg>',
        extra,
        static("icons.svg"),
        name,
    )
