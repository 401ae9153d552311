"""The chain over the audit rows, and its anchors outside the database."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from commandcenter.core import clock
from commandcenter.core.crypto import audit_key, sm3_mac
from commandcenter.core.times import SHANGHAI

from .models import AuditEntry, AuditSeal, Cursor, Redaction
from .querysets import settled

SEAL_CURSOR = "seal"
START = "0" * 64
UNSEALED_FOR = timedelta(minutes=5)  # an entry older than this must be sealed; configurable default
_FIELDS = ("id", "actor_id", "actor", "action", "target_ref", "reason", "result", "ip", "body")


def canonical(entry: AuditEntry) -> bytes:
    """One byte string for one entry, whatever the order of keys and the zone of its time."""
    values: dict[str, Any] = {name: getattr(entry, name) for name in _FIELDS}
    values["at"] = entry.at.astimezone(SHANGHAI).isoformat(timespec="microseconds")
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def content_mac(entry: AuditEntry) -> str:
    return sm3_mac(audit_key(), canonical(entry)).hex()


def mac_of(previous: str, content: str) -> str:
    return sm3_mac(audit_key(), f"{previous}{content}".encode()).hex()


def written_contents(entries: Iterable[AuditEntry]) -> tuple[dict[int, str], set[int]]:
    """What each entry held when it was written, and those whose hidden text does not fit its records.

    Words hidden by an erasure leave the chain whole: it goes over the content before, and the records
    of what was hidden lead from there to the content of now.
    """
    now = {entry.pk: content_mac(entry) for entry in entries}
    rows = Redaction.objects.filter(table_name=AuditEntry._meta.db_table, row_id__in=now).order_by("pk")
    first: dict[int, str] = {}
    last: dict[int, str] = {}
    wrong = set()
    for pk, before, after in rows.values_list("row_id", "before", "after"):
        if pk in last and last[pk] != before:
            wrong.add(pk)
        first.setdefault(pk, before)
        last[pk] = after
    wrong |= {pk for pk, mac in last.items() if now[pk] != mac}
    return {**now, **first}, wrong


def last_seal() -> AuditSeal | None:
    return AuditSeal.objects.order_by("-position").first()


def seal_rows(cursor: Cursor, entries: Iterable[AuditEntry]) -> list[AuditSeal]:
    """Append links for these entries, in their order. The caller holds the cursor's lock."""
    entries = list(entries)
    contents, _wrong = written_contents(entries)
    last = last_seal()
    mac, position, at = (last.mac, last.position, clock.now()) if last else (START, 0, clock.now())
    seals = []
    for entry in entries:
        mac, position = mac_of(mac, contents[entry.pk]), position + 1
        seals.append(AuditSeal(position=position, entry=entry, mac=mac, sealed_at=at))
    AuditSeal.objects.bulk_create(seals)
    cursor.position = position
    return seals


def seal_audit(limit: int = 2_000) -> int:
    """Seal settled entries; write yesterday's anchor when the day has turned."""
    with transaction.atomic():
        Cursor.objects.get_or_create(name=SEAL_CURSOR)
        cursor = Cursor.objects.select_for_update().get(name=SEAL_CURSOR)
        fresh = settled(
            AuditEntry.objects.all(),
            last_xid=cursor.last_xid,
            last_id=cursor.last_id,
            floor_id=cursor.floor_id,
        )
        entries = list(fresh[:limit])
        if entries:
            seal_rows(cursor, entries)
            cursor.last_xid, cursor.last_id = entries[-1].xid, entries[-1].pk
            cursor.save()
    write_anchors()
    return len(entries)


def _anchor_file() -> Path:
    return Path(settings.ANCHOR_DIR) / "audit-anchors.jsonl"


def read_anchors() -> list[dict[str, Any]]:
    """The anchors written so far. Raises ValueError when a line is no longer readable."""
    path = _anchor_file()
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def write_anchors() -> int:
    """Append one anchor for each finished Shanghai day that has seals and no anchor yet."""
    known = {anchor["day"] for anchor in read_anchors()}
    today = clock.now().astimezone(SHANGHAI).date()
    newest = max(known, default="")
    rows = AuditSeal.objects.order_by("position")
    if newest:
        last = next(anchor for anchor in read_anchors() if anchor["day"] == newest)
        rows = rows.filter(position__gt=last["position"])
    ends: dict[str, AuditSeal] = {}
    for seal in rows.only("position", "mac", "sealed_at").iterator():
        day = seal.sealed_at.astimezone(SHANGHAI).date()
        if day >= today:
            break
        ends[day.isoformat()] = seal
    lines = [
        json.dumps({"day": day, "position": seal.position, "mac": seal.mac})
        for day, seal in ends.items()
        if day not in known
    ]
    if lines:
        path = _anchor_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return len(lines)


@dataclass(frozen=True)
class Finding:
    """Something wrong with the chain, at a seal's position (None where it is no seal's)."""

    position: int | None
    what: str


def _links() -> Iterator[tuple[AuditSeal, str, bool]]:
    """The seals in order, with what their entries held and whether hidden words fit their records."""
    seals = AuditSeal.objects.order_by("position").select_related("entry").iterator(chunk_size=2_000)
    while some := list(islice(seals, 2_000)):
        contents, wrong = written_contents(seal.entry for seal in some)
        for seal in some:
            yield seal, contents[seal.entry_id], seal.entry_id not in wrong


def verify() -> Iterator[Finding]:
    """Walk the whole chain. Yields nothing when every entry is as it was written."""
    mac, expected = START, 1
    macs = {anchor["position"]: anchor for anchor in read_anchors()}
    for seal, content, fits in _links():
        if seal.position != expected:
            yield Finding(expected, "seal missing")
            expected = seal.position
        if not fits or mac_of(mac, content) != seal.mac:
            yield Finding(seal.position, f"audit row {seal.entry_id} was changed, or its seal was")
        anchor = macs.pop(seal.position, None)
        if anchor and anchor["mac"] != seal.mac:
            yield Finding(seal.position, f"differs from the anchor of {anchor['day']}")
        mac, expected = seal.mac, expected + 1
    for position, anchor in macs.items():
        yield Finding(position, f"the seal that the anchor of {anchor['day']} names is gone")
    cursor = Cursor.objects.filter(name=SEAL_CURSOR).first()
    if cursor and cursor.position != expected - 1:
        yield Finding(expected - 1, "the chain ends before the sealer's own mark")
    late = AuditEntry.objects.filter(seal__isnull=True, at__lt=clock.now() - UNSEALED_FOR)
    for pk in late.values_list("pk", flat=True)[:20]:
        yield Finding(None, f"audit row {pk} was never sealed")
