"""Training the classifier from a labelled table."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem
from hotline.classify import store, train
from hotline.classify.words import joined
from hotline.imports.tables import read_table
from hotline.models import ClassifierVersion

TITLE, CONTENT, LABEL = (
    ("留言主题", "标题", "title"),
    ("留言详情", "内容", "content"),
    ("一级标签", "类别", "label"),
)


@dataclass(frozen=True)
class TrainingRun:
    version: ClassifierVersion
    per_class: dict[str, float]
    rows_in: int
    skipped: int


def train_classifier(*, path: Path) -> TrainingRun:
    """Read a labelled table, score by cross-validation, store and activate the model."""
    table = read_table(path)
    title, content, label = (_column(table.header, names, path.name) for names in (TITLE, CONTENT, LABEL))
    texts, labels, seen = [], [], set()
    skipped = 0
    for _number, row in table.rows:
        text, name = joined(str(row[title] or ""), str(row[content] or "")), str(row[label] or "").strip()
        # The same text in two folds would be graded on what it was taught.
        mark = hashlib.sha256(text.encode()).digest()
        if not name or len(text) < 4 or mark in seen:
            skipped += 1
            continue
        seen.add(mark)
        texts.append(text)
        labels.append(name)
    few = sorted({name for name in set(labels) if labels.count(name) < train.MIN_PER_CLASS})
    if len(set(labels)) < 2 or few:
        reason = _("At least two classes with %(n)s rows each are needed; too few in: %(few)s") % {
            "n": train.MIN_PER_CLASS,
            "few": ", ".join(few) or "-",
        }
        raise BadInput(Problem(None, table.header[label], reason, path.name))
    result = train.train(texts, labels)
    version = store.save(
        result.arrays, macro_f1=result.macro_f1, rows=len(texts), classes=result.classes, at=clock.now()
    )
    return TrainingRun(version, result.per_class, len(texts) + skipped, skipped)


def _column(header: list[str], names: tuple[str, ...], file: str) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    raise BadInput(Problem(None, names[0], _("The column is missing."), file))
