"""The list of kinds of events, as its data file has it."""

from __future__ import annotations

import csv
from pathlib import Path

from django.db import transaction

from grid.models import EventKind

KINDS_FILE = Path(__file__).parents[1] / "data" / "event_kinds.csv"


@transaction.atomic
def load_event_kinds() -> dict[str, int]:
    """Bring the list of kinds in line with the data file; what left the file is switched off, not deleted."""
    with KINDS_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = {kind.code: kind for kind in EventKind.objects.all()}
    counts = {"new": 0, "changed": 0, "same": 0}
    for row in rows:
        wanted = {
            name: row[name]
            for name in (
                "name",
                "name_en",
                "group",
                "class_name",
                "class_name_en",
                "function",
                "sla",
                "urgency",
            )
        }
        wanted |= {
            "confidential": row["confidential"] == "1",
            "common": int(row["common"]),
            "active": True,
            "source": row["verification"],
        }
        kind = known.pop(row["code"], None)
        if kind is None:
            EventKind.objects.create(code=row["code"], **wanted)
            counts["new"] += 1
            continue
        changed = [name for name, value in wanted.items() if getattr(kind, name) != value]
        for name in changed:
            setattr(kind, name, wanted[name])
        if changed:
            kind.save(update_fields=changed)
        counts["changed" if changed else "same"] += 1
    EventKind.objects.filter(code__in=known, active=True).update(active=False)
    return counts


def ensure_event_kinds() -> None:
    """A new city has its list at the first look."""
    if not EventKind.objects.exists():
        load_event_kinds()
