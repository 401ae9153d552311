"""Places outside the vault where a personal value may have been left, searched and cleaned."""

import gzip
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from datahub.checks.guard import HIDDEN
from datahub.models import Delivery, Reject
from datahub.states import OPEN

CHUNK = 1 << 20
ENCODINGS = ("utf-8", "gb18030", "utf-16-le")


def without(text: str, values: Sequence[str]) -> str:
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text


def without_deep(body: Any, values: Sequence[str]) -> Any:
    """The same in lists and mappings, names included."""
    if isinstance(body, str):
        return without(body, values)
    if isinstance(body, dict):
        return {without(name, values): without_deep(value, values) for name, value in body.items()}
    if isinstance(body, list):
        return [without_deep(value, values) for value in body]
    return body


# ---------------------------------------------------------------- tables of the lake


def redacted(
    table: pa.Table, columns: Sequence[str], values: Sequence[str], rows: Any = None
) -> pa.Table | None:
    """The table without the values in these text columns; None where none of them is there.

    rows: a mask of the rows to look at, None for all.
    """
    changed = False
    for name in columns:
        column = table.column(name).combine_chunks()
        hit = None
        for value in values:
            found = pc.fill_null(pc.match_substring(column, value), False)
            hit = found if hit is None else pc.or_(hit, found)
        if hit is not None and rows is not None:
            hit = pc.and_(hit, rows)
        if hit is None or not pc.any(hit).as_py():
            continue
        texts = [
            without(text, values) if wrong else text
            for text, wrong in zip(column.to_pylist(), hit.to_pylist(), strict=True)
        ]
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), pa.array(texts, pa.string()))
        changed = True
    return table if changed else None


# ---------------------------------------------------------------- rejects and what deliveries said


def clean_rejects(values: Sequence[str], *, dataset_id: int | None = None) -> int:
    """Rejected rows that hold a value lose it. Returns how many did."""
    if not values:
        return 0
    rejects = Reject.objects.annotate(
        row_text=Cast("row", TextField()), others_text=Cast("others", TextField())
    )
    if dataset_id is not None:
        rejects = rejects.filter(delivery__dataset_id=dataset_id)
    wanted = Q()
    for value in values:
        for field in ("raw", "detail", "column", "row_text", "others_text"):
            wanted |= Q(**{f"{field}__contains": value})
    cleaned = []
    for reject in rejects.filter(wanted).iterator(chunk_size=1_000):
        reject.raw, reject.detail = without(reject.raw, values), without(reject.detail, values)
        reject.column = without(reject.column, values)
        reject.row, reject.others = without_deep(reject.row, values), without_deep(reject.others, values)
        cleaned.append(reject)
    Reject.objects.bulk_update(cleaned, ["raw", "detail", "column", "row", "others"], batch_size=500)
    return len(cleaned)


def clean_deliveries(values: Sequence[str]) -> int:
    """Names of files, notes and reasons of deliveries."""
    if not values:
        return 0
    deliveries = Delivery.objects.annotate(notes_text=Cast("notes", TextField()))
    wanted = Q()
    for value in values:
        for field in ("file_name", "detail", "fault_column", "notes_text"):
            wanted |= Q(**{f"{field}__contains": value})
    cleaned = []
    for delivery in deliveries.filter(wanted):
        for field in ("file_name", "detail", "fault_column"):
            setattr(delivery, field, without(getattr(delivery, field), values))
        delivery.notes = without_deep(delivery.notes, values)
        cleaned.append(delivery)
    Delivery.objects.bulk_update(cleaned, ["file_name", "detail", "fault_column", "notes"], batch_size=500)
    return len(cleaned)


# ---------------------------------------------------------------- raw files


def raw_root() -> Path:
    return Path(settings.MEDIA_ROOT) / "datahub"


def remove_raw_files(values: Sequence[str]) -> int:
    """Files as they came, in our own keeping, that hold a value or cannot be searched: they go whole.

    A file of a delivery still open stays: it is read with the person on the list of the erased.
    """
    if not values or not raw_root().is_dir():
        return 0
    waiting = set(Delivery.objects.filter(state__in=OPEN).values_list("path", flat=True))
    removed = 0
    for path in sorted(raw_root().rglob("*")):
        if path.is_file() and str(path) not in waiting and holds(path, values):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def foreign_files(values: Sequence[str]) -> list[int]:
    """Deliveries whose file lies with its owner, not with us, and holds a value: the owner must be told."""
    own = str(raw_root())
    kept = Delivery.objects.filter(keeps_file=True).exclude(path="").values_list("pk", "path")
    found = []
    for pk, path in kept.iterator():
        if not path.startswith(own) and Path(path).is_file() and holds(Path(path), values):
            found.append(pk)
    return found


def holds(path: Path, values: Sequence[str]) -> bool:
    """Whether a file holds one of the values; also where it cannot be read to its end."""
    needles = [value.encode(encoding) for value in values for encoding in ENCODINGS]
    keep = max(map(len, needles), default=1) - 1
    try:
        for stream in _streams(path):
            tail = b""
            for chunk in stream:
                block = tail + chunk
                if any(needle in block for needle in needles):
                    return True
                tail = block[-keep:] if keep else b""
    except Exception:  # an unreadable file proves nothing
        return True
    return False


def _streams(path: Path) -> Iterator[Iterator[bytes]]:
    with open(path, "rb") as file:
        start = file.read(4)
    yield _chunks(path)
    if start[:2] == b"\x1f\x8b":
        yield _chunks(path, gzip.open)
    elif start == b"PAR1":
        yield _parquet(path)
    elif start[:2] == b"PK":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    yield iter(partial(member.read, CHUNK), b"")


def _chunks(path: Path, opener: Any = open) -> Iterator[bytes]:
    with opener(path, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _parquet(path: Path) -> Iterator[bytes]:
    for batch in pq.ParquetFile(path).iter_batches(batch_size=16_384):
        for column in batch.columns:
            with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
                words = column.cast(pa.string()).drop_null().to_pylist()
                yield "\n".join(words).encode("utf-8", "replace")
