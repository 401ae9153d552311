"""The list of erased persons beside the database: a backup that is older does not know of them.

One line of JSON per person: the token and when. It holds no value, and a token cannot be turned back.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings

NAME = "erased.jsonl"


def ledger_path() -> Path:
    return Path(settings.ANCHOR_DIR) / NAME


def remember(token: str, at: datetime) -> None:
    """On the disk before the key is destroyed."""
    path = ledger_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps({"token": token, "at": at.isoformat()}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def remembered(path: Path | None = None) -> Iterator[tuple[str, datetime]]:
    path = path or ledger_path()
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            yield entry["token"], datetime.fromisoformat(entry["at"])
        except (ValueError, KeyError):
            continue  # a line torn by a crash: its key was not destroyed yet
