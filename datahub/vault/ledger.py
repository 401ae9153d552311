"""The list of erased persons beside the database: a backup that is older does not know of them.

One line of JSON per person: tokens of the vault, marks of the values, and when. It holds no value, and
neither a token nor a mark can be turned back.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

NAME = "erased.jsonl"


@dataclass(frozen=True)
class Erased:
    at: datetime
    tokens: tuple[str, ...]
    marks: tuple[str, ...]


def ledger_path() -> Path:
    return Path(settings.ANCHOR_DIR) / NAME


def remember(at: datetime, *, tokens: Sequence[str], marks: Sequence[str]) -> None:
    """On the disk before the key is destroyed."""
    path = ledger_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps({"at": at.isoformat(), "tokens": list(tokens), "marks": list(marks)}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def remembered(path: Path | None = None) -> Iterator[Erased]:
    path = path or ledger_path()
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            tokens = entry["tokens"] if "tokens" in entry else [entry["token"]]
            yield Erased(datetime.fromisoformat(entry["at"]), tuple(tokens), tuple(entry.get("marks", ())))
        except (ValueError, KeyError):
            continue  # a line torn by a crash: its key was not destroyed yet


def keep(entry: Erased) -> None:
    """A list brought from elsewhere becomes ours, line by line."""
    if entry not in set(remembered()):
        remember(entry.at, tokens=entry.tokens, marks=entry.marks)
