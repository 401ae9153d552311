"""After a restore: a table of the lake goes back to what the database's dump knew.

A backup writes the database first and the lake after it, so the lake's copy may hold deliveries that the
dump has never heard of, and their numbers will be given again. The commits that brought them are cut off
the end of the log; files that only they named are rubbish for the next vacuum. For a copy on a disk that
nobody reads yet, and nothing else.
"""

import json
import re
from pathlib import Path

from django.conf import settings

from .tables import APP_ID, UPKEEP_ID, table_root

_COMMIT = re.compile(r"(\d{20})\.json")
_ANY = re.compile(r"(\d{20})\.")


def rewind_table(code: str, *, turn: int, upkeep: int) -> int:
    """Cut commits of later turns and later recorded changes; returns how many went."""
    log = Path(table_root(code)) / "_delta_log"
    if "://" in str(settings.LAKE_URL) or not log.is_dir():
        return 0
    commits = sorted((int(m[1]), path) for path in log.iterdir() if (m := _COMMIT.fullmatch(path.name)))
    limits = {APP_ID: turn, UPKEEP_ID: upkeep}
    late = [version for version, path in commits if _beyond(path, limits)]
    if not late:
        return 0
    cut = min(late)
    pointer = log / "_last_checkpoint"
    if pointer.exists() and json.loads(pointer.read_text())["version"] >= cut:
        pointer.unlink()
    for path in sorted(
        log.iterdir(), reverse=True
    ):  # the newest first: a kill leaves a shorter log, not a hole
        if (m := _ANY.match(path.name)) and int(m[1]) >= cut:
            path.unlink()
    return sum(version >= cut for version, _path in commits)


def _beyond(path: Path, limits: dict[str, int]) -> bool:
    for line in path.read_text(encoding="utf-8").splitlines():
        txn = json.loads(line).get("txn") if '"txn"' in line else None
        if txn and txn["version"] > limits.get(txn["appId"], txn["version"]):
            return True
    return False
