"""Small batches: acknowledged once the row is written, folded into a delivery within a second."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem
from datahub.models import Dataset, Delivery, DeliveryBlob
from datahub.selectors import dataset as find_dataset
from datahub.states import SourceKind

from .moves import tell
from .writers import Claim

FOLD_ROWS = 200_000
FOLD_BLOBS = 5_000
BLOB_ROWS = 50_000


def push_rows(code: str, rows: Sequence[dict[str, Any]] | pa.Table, *, key: str | None = None) -> int:
    """Take a small batch; it is safe once the surrounding transaction has committed.

    key: the sender's own number of the batch; the same key again is the same batch.
    Returns the blob's number. Raises BadInput when it is empty or larger than BLOB_ROWS.
    """
    table = rows if isinstance(rows, pa.Table) else table_of(rows)
    if not 0 < table.num_rows <= BLOB_ROWS:
        raise BadInput(Problem(None, "", f"1 … {BLOB_ROWS} rows, {table.num_rows} given"))
    found = find_dataset(code)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    values = {"rows": table.num_rows, "body": sink.getvalue().to_pybytes(), "received_at": clock.now()}
    if key is None:
        return DeliveryBlob.objects.create(dataset=found, **values).pk
    try:
        with transaction.atomic():
            return DeliveryBlob.objects.create(dataset=found, key=key, **values).pk
    except IntegrityError:
        return DeliveryBlob.objects.get(dataset=found, key=key).pk


def table_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Records as a table; a column whose values are of several kinds becomes text."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    arrays = []
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            arrays.append(pa.array(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            arrays.append(pa.array([None if v is None else str(v) for v in values], pa.string()))
    return pa.table(arrays, names=names)


def waiting_datasets() -> list[Dataset]:
    blobs = DeliveryBlob.objects.filter(dataset=OuterRef("pk"), delivery__isnull=True)
    return list(Dataset.objects.filter(Exists(blobs)).order_by("pk"))


def gather(claim: Claim) -> Delivery | None:
    """Make one delivery of the blobs that wait, oldest first; None when none does."""
    with transaction.atomic():
        claim.hold()
        waiting = DeliveryBlob.objects.filter(dataset=claim.dataset, delivery__isnull=True).order_by("pk")
        chosen: list[int] = []
        total = 0
        digest = hashlib.sha256()
        for pk, rows in waiting.values_list("pk", "rows")[:FOLD_BLOBS]:
            if chosen and total + rows > FOLD_ROWS:
                break
            chosen.append(pk)
            total += rows
            digest.update(f"{pk}:{rows};".encode())
        if not chosen:
            return None
        delivery = Delivery.objects.create(
            dataset=claim.dataset,
            source=SourceKind.PUSH,
            period=f"blobs {chosen[0]}–{chosen[-1]}",
            digest=digest.hexdigest(),
            received_at=clock.now(),
        )
        DeliveryBlob.objects.filter(pk__in=chosen).update(delivery=delivery)
        tell(delivery)
    return delivery


def blob_table(delivery: Delivery) -> pa.Table | None:
    """The rows of a delivery's blobs, in the order they came."""
    parts = []
    for body in delivery.blobs.order_by("pk").values_list("body", flat=True):
        with pa.ipc.open_stream(pa.py_buffer(bytes(body))) as reader:
            parts.append(reader.read_all())
    if not parts:
        return None
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.concat_tables([_all_text(part) for part in parts], promote_options="default")


def _all_text(table: pa.Table) -> pa.Table:
    """Two senders disagree about a column's kind: text holds both, and the checks read it."""
    arrays = []
    for column in table.columns:
        try:
            arrays.append(column.cast(pa.string()))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            arrays.append(pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string()))
    return pa.table(arrays, names=table.column_names)
