"""One push: who it is, whether there is room, what it says; then one statement, and it is safe.

This is the hot path: two statements, no ORM. The first asks everything at once, so a stopped key is
stopped with the next push. The second writes the batch and counts it, and is its own transaction:
with `synchronous_commit` on, which is seen to, its end means that the rows outlive a crash.
"""

import hashlib
import json
import os
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem
from datahub.models import Dataset
from datahub.selectors import spec_for
from datahub.services.blobs import packed, table_of
from datahub.states import DatasetStatus

from .. import reading
from .keys import hash_of

MAX_NUMBER = 255
SLOTS = 16
# What may wait to be folded before senders are asked to come later.
WAITING_BATCHES = 20_000
WAITING_ROWS = 4_000_000
WAITING_BYTES = 1024 * 1024 * 1024
ALL_WAITING_BYTES = 4 * WAITING_BYTES
LOOK_EVERY_S = 0.5
LATER_S = 5


@dataclass(frozen=True)
class Call:
    """A push as it came. number: the sender's own of the batch (`Idempotency-Key`)."""

    code: str
    token: str
    number: str = ""
    content_type: str = ""
    encoding: str = ""
    body: bytes = b""


@dataclass(frozen=True)
class Taken:
    batch: int
    rows: int
    repeated: bool
    warnings: list[dict[str, str]]


@dataclass
class Refused(Exception):
    """Why a push was not taken. retry_after: seconds after which it may be tried again."""

    status: int
    code: str
    detail: str
    problems: list[dict[str, Any]] = field(default_factory=list)
    retry_after: int | None = None

    def body(self) -> dict[str, Any]:
        more = {"problems": self.problems} if self.problems else {}
        return {"code": self.code, "detail": self.detail, **more}

    def headers(self) -> dict[str, str]:
        found = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return {**found, "WWW-Authenticate": "Bearer"} if self.status == 401 else found


UNKNOWN_TOKEN = "This key is not known, was stopped or has run out."
AWAY_S = 2


def answer_to(call: Call) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers. A cut connection is tried once more where that cannot take rows twice."""
    for attempt in (1, 2):
        try:
            taken = take(call)
        except Refused as refused:
            return refused.status, refused.body(), refused.headers()
        except (DatabaseError, InterfaceError) as error:
            if connection.in_atomic_block or not _is_gone(error):
                raise
            connection.close()
            if attempt == 2 or (getattr(error, "writing", False) and not call.number):
                away = "The database does not answer; send it again."
                return 503, {"code": "unavailable", "detail": away}, {"Retry-After": str(AWAY_S)}
        else:
            body = {
                "dataset": call.code,
                "batch": taken.batch,
                "rows": taken.rows,
                "repeated": taken.repeated,
                "warnings": taken.warnings,
            }
            return 202, body, {"Location": f"/api/push/v1/{call.code}/batches/{taken.batch}"}
    raise AssertionError("unreachable")


def _is_gone(error: Exception) -> bool:
    """A connection that was cut in the middle is also told as a plain error, without its kind.

    The driver gives what the server said a kind of its own; an error of no kind came from the line.
    """
    link = connection.connection
    plain = type(error) is DatabaseError
    return plain or isinstance(error, (OperationalError, InterfaceError)) or link is None or bool(link.closed)


def take(call: Call) -> Taken:
    """Take a push in. Raises Refused; OperationalError with `writing` set when it may have been taken."""
    at = clock.now()
    known = admit(call.code, call.token, at)
    try:
        media = reading.media_of(call.content_type)
        if media is None:
            kinds = ", ".join(sorted(reading.MEDIA))
            raise Refused(415, "media_type", f"Content-Type has to be one of {kinds}.")
        _look_for_room(known.dataset_id)
        rows, digest = _read(call, media)
        _within_quota(known, len(rows), at)
        table = _table(rows)
        return _write(known, call, digest, table, packed(table), at)
    except Refused:
        _count_refused(known.key_id, at)
        raise


# ---------------------------------------------------------------- who, and into what


@dataclass(frozen=True)
class Known:
    key_id: int
    org_code: str
    rows_per_minute: int
    rows_now: int
    dataset_id: int
    revision: int


_ASK = """
SELECT k.id, k.org_code, k.rows_per_minute, k.until, k.stopped_at, d.id, d.revision, d.status,
    EXISTS (SELECT FROM datahub_pushkey_datasets o WHERE o.pushkey_id = k.id AND o.dataset_id = d.id),
    (SELECT coalesce(sum(u.rows), 0) FROM datahub_pushuse u WHERE u.key_id = k.id AND u.minute = %(minute)s),
    current_setting('synchronous_commit')
FROM datahub_pushkey k LEFT JOIN datahub_dataset d ON d.code = %(code)s WHERE k.token_hash = %(hash)s
"""


def admit(code: str, token: str, at: datetime) -> Known:
    """The key and the dataset, asked of the database each time. Raises Refused."""
    if not token:
        raise Refused(401, "no_token", "Send the key as `Authorization: Bearer …`.")
    if "\0" in code:
        raise Refused(404, "unknown_dataset", "There is no such dataset.")
    with connection.cursor() as cursor:
        cursor.execute(_ASK, {"code": code, "hash": hash_of(_sendable(token)), "minute": _minute(at)})
        row = cursor.fetchone()
        if row is None:
            raise Refused(401, "unknown_token", UNKNOWN_TOKEN)
        key_id, org, most, until, stopped, dataset_id, revision, status, opened, now, durable = row
        if stopped is not None or (until is not None and until <= at):
            raise Refused(401, "unknown_token", UNKNOWN_TOKEN)
        if durable == "off":
            cursor.execute("SET synchronous_commit = on")
    if dataset_id is None:
        raise Refused(404, "unknown_dataset", "There is no such dataset.")
    if not opened:
        raise Refused(403, "not_yours", "This key does not open this dataset.")
    if status != DatasetStatus.PUBLISHED:
        raise Refused(409, "not_open", "The dataset takes nothing in: it is not published.")
    return Known(key_id, org, most, int(now), dataset_id, revision)


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _within_quota(known: Known, rows: int, at: datetime) -> None:
    if rows > known.rows_per_minute:
        raise Refused(
            413, "too_large", f"More rows than this key may push in a minute, {known.rows_per_minute}."
        )
    if known.rows_now + rows > known.rows_per_minute:
        until = _minute(at) + timedelta(minutes=1) - at
        raise Refused(
            429, "quota", f"The {known.rows_per_minute} rows of this minute are used up.",
            retry_after=max(1, -(-until // timedelta(seconds=1))),
        )  # fmt: skip


# ---------------------------------------------------------------- room


class _Room:
    """What waits, by dataset, looked at every half second: enough to stop long before anything falls over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._at = float("-inf")
        self._by_dataset: dict[int, tuple[int, int, int]] = {}

    def look(self) -> dict[int, tuple[int, int, int]]:
        now = time.monotonic()
        if now - self._at > LOOK_EVERY_S and self._lock.acquire(blocking=False):
            try:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT dataset_id, count(*), sum(rows), sum(size) FROM datahub_deliveryblob"
                        " WHERE size > 0 GROUP BY dataset_id"
                    )
                    self._by_dataset = {d: (int(n), int(r), int(s)) for d, n, r, s in cursor.fetchall()}
                self._at = now
            finally:
                self._lock.release()
        return self._by_dataset


room = _Room()


def _look_for_room(dataset_id: int) -> None:
    found = room.look()
    batches, rows, size = found.get(dataset_id, (0, 0, 0))
    full = batches >= WAITING_BATCHES or rows >= WAITING_ROWS or size >= WAITING_BYTES
    if full or sum(one[2] for one in found.values()) >= ALL_WAITING_BYTES:
        raise Refused(
            503, "busy", "So much waits to be checked that no more is taken; send it again later.",
            retry_after=LATER_S,
        )  # fmt: skip


# ---------------------------------------------------------------- what it says


def _read(call: Call, media: str) -> tuple[reading.Rows, str]:
    if len(call.number) > MAX_NUMBER:
        raise _bad(BadInput(Problem(None, "Idempotency-Key", f"at most {MAX_NUMBER} characters")))
    encoding = call.encoding.strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise Refused(415, "encoding", "Content-Encoding has to be gzip, or none.")
    try:
        if len(call.body) > (reading.MAX_PACKED if encoding == "gzip" else reading.MAX_BYTES):
            raise reading.TooLarge(f"more than {reading.MAX_BYTES} bytes")
        body = reading.unpack(call.body) if encoding == "gzip" else call.body
        return reading.rows_of(body, media), hashlib.sha256(body).hexdigest()[:32]
    except reading.TooLarge as error:
        raise Refused(413, "too_large", f"Send it in smaller parts: {error}.") from error
    except BadInput as error:
        raise _bad(error) from error


def _bad(error: BadInput) -> Refused:
    return Refused(400, "bad_input", "The body cannot be taken; nothing of it was.", error.as_dicts())


def _table(rows: reading.Rows) -> Any:
    try:
        return table_of(rows)
    except (ValueError, TypeError) as error:  # what no reader above thought of is no reason to break
        raise _bad(BadInput(Problem(None, "", "values that no column can hold"))) from error


# Dataset: its revision, the names that it reads, in lower case, and each required column's own names.
_names: dict[int, tuple[int, frozenset[str], dict[str, set[str]]]] = {}


def warnings_of(known: Known, given: list[str]) -> list[dict[str, str]]:
    """What nobody will read, and what every row will be rejected for."""
    held = _names.get(known.dataset_id)
    if held is None or held[0] != known.revision:
        spec = spec_for(Dataset.objects.get(pk=known.dataset_id))
        own = {c.code: {n.casefold() for n in (c.code, c.name, c.name_en) if n} for c in spec.columns}
        parts = {name for mapping in spec.mappings for name in mapping.rename}
        parts.update(*(names for mapping in spec.mappings for names in mapping.compose.values()))
        read = frozenset({name.strip().casefold() for name in parts}.union(*own.values()))
        required = {c.code: own[c.code] for c in spec.columns if c.required and not spec.mappings}
        held = _names[known.dataset_id] = (known.revision, read, required)
    there = {name.strip().casefold(): name for name in given}
    found = [{"field": name, "code": "unknown_column"} for low, name in there.items() if low not in held[1]]
    absent = (code for code, names in held[2].items() if names.isdisjoint(there))
    return found + [{"field": code, "code": "missing_column"} for code in absent]


# ---------------------------------------------------------------- safe


_WRITE = """
WITH blob AS (
    INSERT INTO datahub_deliveryblob (dataset_id, key, rows, body, size, received_at, sender, digest)
    VALUES (%(dataset)s, %(number)s, %(rows)s, %(body)s, %(size)s, %(at)s, %(sender)s, %(digest)s)
    ON CONFLICT (dataset_id, key) DO NOTHING RETURNING id
), used AS (
    INSERT INTO datahub_pushuse (key_id, minute, slot, batches, rows, refused)
    SELECT %(key)s, %(minute)s, %(slot)s, 1, %(rows)s, 0 FROM blob
    ON CONFLICT (key_id, minute, slot) DO UPDATE
    SET batches = datahub_pushuse.batches + 1, rows = datahub_pushuse.rows + EXCLUDED.rows
)
SELECT id FROM blob
"""


def number_of(key_id: int, number: str) -> str | None:
    """The sender's number as the batch keeps it: two senders may use the same one."""
    return (
        f"{key_id}:{hashlib.sha256(number.encode('utf-8', 'replace')).hexdigest()[:40]}" if number else None
    )


def _write(known: Known, call: Call, digest: str, table: Any, body: bytes, at: datetime) -> Taken:
    warnings = warnings_of(known, table.column_names)
    values = {
        "dataset": known.dataset_id, "number": number_of(known.key_id, call.number), "rows": table.num_rows,
        "body": body, "size": len(body), "at": at, "sender": f"push:{known.key_id}", "digest": digest,
        "key": known.key_id, "minute": _minute(at), "slot": _slot(),
    }  # fmt: skip
    try:
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, values)
            made = cursor.fetchone()
            if made is not None:
                return Taken(made[0], table.num_rows, False, warnings)
            cursor.execute(
                "SELECT id, rows, digest FROM datahub_deliveryblob WHERE dataset_id = %(dataset)s"
                " AND key = %(number)s",
                values,
            )
            batch, rows, former = cursor.fetchone()
    except (DatabaseError, InterfaceError) as error:
        error.writing = True  # type: ignore[union-attr]
        raise
    if former != digest:
        raise Refused(409, "number_used", "Another batch came with this Idempotency-Key.")
    return Taken(batch, rows, True, warnings)


def _slot() -> int:
    """Pushes at the same time count in different rows, so that none waits for another's commit."""
    return (os.getpid() + threading.get_native_id()) % SLOTS


def _count_refused(key_id: int, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO datahub_pushuse (key_id, minute, slot, batches, rows, refused)"
            " VALUES (%s, %s, %s, 0, 0, 1) ON CONFLICT (key_id, minute, slot)"
            " DO UPDATE SET refused = datahub_pushuse.refused + 1",
            [key_id, _minute(at), _slot()],
        )


def as_json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
