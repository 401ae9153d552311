"""Loading what the project ships with: the category tree and a seed of knowledge. Idempotent."""

import json
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from hotline.models import Category, KnowledgeArticle

DATA = Path(__file__).resolve().parent.parent / "data"
VERSION = "2026.1"
SOURCE = "city's public weekly bulletins (names); project proposal (codes, days, functions, words)"


@dataclass(frozen=True)
class Line:
    code: str
    name: str
    function: str
    request_type: str
    workdays: int
    keywords: tuple[str, ...]


def read_categories(path: Path = DATA / "categories.tsv") -> list[Line]:
    """The declared tree, parents first. Raises ValueError for a line that does not fit."""
    lines = []
    for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not text or text.startswith("#"):
            continue
        parts = text.split("\t")
        if len(parts) != 6 or len(parts[0]) not in (2, 4) or not parts[0].isdecimal():
            raise ValueError(f"{path.name}, line {n}: expected code, name, function, type, days, keywords")
        code, name, function, request_type, days, keywords = parts
        lines.append(Line(code, name, function, request_type, int(days or 5), tuple(keywords.split())))
    return sorted(lines, key=lambda line: (len(line.code), line.code))


@transaction.atomic
def load_categories() -> dict[str, int]:
    """Bring the table to the declaration. A code that is no longer declared is switched off, not deleted."""
    before = {row.code: row for row in Category.objects.all()}
    made = changed = 0
    for line in read_categories():
        wanted = {
            "name": line.name,
            "function": line.function,
            "request_type": line.request_type,
            "workdays": line.workdays,
            "keywords": list(line.keywords),
            "parent_id": before[line.code[:2]].pk if len(line.code) == 4 else None,
            "source": SOURCE,
            "version": VERSION,
            "active": True,
        }
        row = before.get(line.code)
        if row is None:
            before[line.code] = Category.objects.create(code=line.code, **wanted)
            made += 1
        elif any(getattr(row, key) != value for key, value in wanted.items()):
            for key, value in wanted.items():
                setattr(row, key, value)
            row.save()
            changed += 1
    declared = {line.code for line in read_categories()}
    off = Category.objects.filter(active=True).exclude(code__in=declared).update(active=False)
    return {"made": made, "changed": changed, "switched_off": off, "declared": len(declared)}


@transaction.atomic
def load_knowledge() -> dict[str, int]:
    """Add the seed articles that are not there; an article that somebody edited is left alone."""
    categories = {row.code: row.pk for row in Category.objects.all()}
    known = set(KnowledgeArticle.objects.values_list("code", flat=True))
    rows = [
        KnowledgeArticle(
            code=row["code"],
            question=row["question"],
            answer=row["answer"],
            category_id=categories.get(row["category"]),
            keywords=row["keywords"],
            source=row["source"],
        )
        for row in json.loads((DATA / "knowledge.json").read_text(encoding="utf-8"))
        if row["code"] not in known
    ]
    KnowledgeArticle.objects.bulk_create(rows)
    return {"made": len(rows)}
