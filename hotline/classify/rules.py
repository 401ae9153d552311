"""Keyword rules: a category's own words found in a text. They answer where no model is trained."""

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hotline.models import Category

_FRESH_SECONDS = 30.0


@dataclass(frozen=True)
class Known:
    """A category as suggestions need it."""

    pk: int
    code: str
    name: str
    parent_name: str
    function: str
    request_type: str
    keywords: tuple[str, ...]


@dataclass
class _Tree:
    read_at: float = float("-inf")
    leaves: list[Known] = field(default_factory=list)
    rarity: dict[str, float] = field(default_factory=dict)


_tree = _Tree()


def forget_tree() -> None:
    """Read the categories again at the next question; for tests and the loading command."""
    _tree.read_at = float("-inf")


def tree() -> _Tree:
    if time.monotonic() - _tree.read_at < _FRESH_SECONDS:
        return _tree
    rows = Category.objects.filter(active=True, parent__isnull=False).select_related("parent")
    _tree.leaves = [
        Known(
            row.pk,
            row.code,
            row.name,
            row.parent.name if row.parent else "",
            row.function,
            row.request_type,
            tuple(row.keywords),
        )
        for row in rows
    ]
    used = Counter(word for leaf in _tree.leaves for word in set(leaf.keywords))
    total = max(len(_tree.leaves), 1)
    _tree.rarity = {word: math.log(1 + total / n) for word, n in used.items()}
    _tree.read_at = time.monotonic()
    return _tree


def leaf(code: str) -> Known | None:
    return next((one for one in tree().leaves if one.code == code), None)


def leaves_of(level1: str) -> list[Known]:
    return [one for one in tree().leaves if one.code.startswith(level1)]


def score(title: str, content: str) -> dict[str, tuple[float, list[str]]]:
    """Category code -> (weight, words found). A word in the title counts double, a rare one more."""
    known = tree()
    found: dict[str, tuple[float, list[str]]] = {}
    for one in known.leaves:
        weight, hits = 0.0, []
        for word in one.keywords:
            times = 2 * (word in title) + (word in content)
            if times:
                weight += times * known.rarity.get(word, 1.0) * (1 + 0.15 * len(word))
                hits.append(word)
        if one.name in title or one.name in content:
            weight += 6.0
            hits.append(one.name)
        if hits:
            found[one.code] = (weight, list(dict.fromkeys(hits)))
    return found


def as_choice(one: Known) -> dict[str, Any]:
    return {"code": one.code, "name": one.name, "parent": one.parent_name, "type": one.request_type}
