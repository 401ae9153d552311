"""Places outside the database where a personal value may have been left: the lake's tables, and files."""

import gzip
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings

from commandcenter.core.spoken import Needles, is_number
from datahub.models import Delivery
from datahub.states import OPEN

CHUNK = 1 << 20
ENCODINGS = ("utf-8", "gb18030", "utf-16-le")
GAP = rb"[\s_.()/-]{0,3}"  # a number as a person writes it
LONGEST = 120  # bytes that such a number can take


# ---------------------------------------------------------------- tables of the lake


def redacted(table: pa.Table, columns: list[str], needles: Needles, rows: Any = None) -> pa.Table | None:
    """The table without the values in these text columns; None where none of them is there.

    rows: a mask of the rows to look at, None for all.
    """
    changed = False
    if not needles:
        return None
    for name in columns:
        column = table.column(name).combine_chunks()
        hit = pc.fill_null(pc.match_substring_regex(column, needles.loose), False)
        if rows is not None:
            hit = pc.and_(hit, rows)
        if not pc.any(hit).as_py():
            continue
        old = column.to_pylist()
        texts = [
            needles.hide(text) if wrong else text for text, wrong in zip(old, hit.to_pylist(), strict=True)
        ]
        if texts == old:
            continue
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), pa.array(texts, pa.string()))
        changed = True
    return table if changed else None


# ---------------------------------------------------------------- files


def media_root() -> Path:
    return Path(settings.MEDIA_ROOT)


def files_with(needles: Needles) -> tuple[int, list[Path]]:
    """How many files of ours were searched, and those that hold a value or cannot be searched.

    A file of a delivery still open is left out: it is read with the person on the list of the erased.
    """
    if not needles or not media_root().is_dir():
        return 0, []
    waiting = set(Delivery.objects.filter(state__in=OPEN).values_list("path", flat=True))
    there = [*sorted(media_root().rglob("*")), *_put_aside()]
    ours = [one for one in there if one.is_file() and str(one) not in waiting]
    return len(ours), [one for one in ours if holds(one, needles)]


def _put_aside() -> list[Path]:
    """Files of watched folders that we took and put aside; those that wait there are still their senders'."""
    found = sorted(Path(settings.DROP_DIR).rglob("*"))
    return [one for one in found if one.parent.name in ("done", "failed") and not one.is_symlink()]


def foreign_files(needles: Needles) -> list[int]:
    """Deliveries whose file lies with its owner, not with us, and holds a value: the owner must be told."""
    own = str(media_root())
    kept = Delivery.objects.filter(keeps_file=True).exclude(path="").values_list("pk", "path")
    found = []
    for pk, path in kept.iterator():
        if not path.startswith(own) and Path(path).is_file() and holds(Path(path), needles):
            found.append(pk)
    return found


def holds(path: Path, needles: Needles) -> bool:
    """Whether a file, or its name, holds one of the values; also where it cannot be read to its end."""
    if needles.within(path.name):
        return True
    try:
        return any(holds_bytes(stream, needles) for stream in _streams(path))
    except Exception:  # an unreadable file proves nothing
        return True


def holds_bytes(stream: Iterator[bytes], needles: Needles) -> bool:
    exact = [value.encode(encoding) for value in needles.values for encoding in ENCODINGS]
    spoken = [
        GAP.join(re.escape(sign.encode()) for sign in value) for value in needles.values if is_number(value)
    ]
    pattern = re.compile(b"|".join(spoken), re.IGNORECASE) if spoken else None
    keep = max(max(map(len, exact), default=1), LONGEST) - 1
    tail = b""
    for chunk in stream:
        block = tail + chunk
        if any(needle in block for needle in exact) or pattern and pattern.search(block):
            return True
        tail = block[-keep:]
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
