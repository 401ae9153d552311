"""Small batches: acknowledged once the row is written, folded into a delivery within a second."""

import hashlib
from collections.abc import Sequence
from itertools import chain
from typing import Any

import pyarrow as pa
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem
from datahub.declare import DatasetSpec, MappingSpec
from datahub.models import Dataset, Delivery, DeliveryBlob
from datahub.selectors import dataset as find_dataset
from datahub.states import SourceKind

from .moves import tell
from .writers import Claim

FOLD_ROWS = 200_000
FOLD_BLOBS = 5_000
BLOB_ROWS = 50_000


def push_rows(
    code: str, rows: Sequence[dict[str, Any]] | pa.Table, *, key: str | None = None, sender: str = ""
) -> int:
    """Take a small batch; it is safe once the surrounding transaction has committed.

    key: the sender's own number of the batch; the same key again is the same batch. sender: who pushed,
    such as `mqtt:7`; a batch of a named sender is remembered for a while after it was folded.
    Returns the blob's number. Raises BadInput when it is empty or larger than BLOB_ROWS.
    """
    table = rows if isinstance(rows, pa.Table) else table_of(rows)
    if not 0 < table.num_rows <= BLOB_ROWS:
        raise BadInput(Problem(None, "", f"1 … {BLOB_ROWS} rows, {table.num_rows} given"))
    found = find_dataset(code)
    body = packed(table)
    values = {
        "rows": table.num_rows,
        "body": body,
        "size": len(body),
        "sender": sender,
        "received_at": clock.now(),
    }
    if key is None:
        return DeliveryBlob.objects.create(dataset=found, **values).pk
    try:
        with transaction.atomic():
            return DeliveryBlob.objects.create(dataset=found, key=key, **values).pk
    except IntegrityError:
        return DeliveryBlob.objects.get(dataset=found, key=key).pk


def table_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Records as a table; a column whose values are of several kinds becomes text."""
    names = list(dict.fromkeys(chain.from_iterable(rows)))
    arrays = []
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            arrays.append(pa.array(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            arrays.append(pa.array([None if v is None else str(v) for v in values], pa.string()))
    return pa.table(arrays, names=names)


def packed(table: pa.Table) -> bytes:
    """A table as an Arrow stream. LZ4 halves what PostgreSQL has to log, for 0.1 ms per 500 rows."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def waiting_datasets() -> list[Dataset]:
    blobs = DeliveryBlob.objects.filter(dataset=OuterRef("pk"), delivery__isnull=True)
    return list(Dataset.objects.filter(Exists(blobs)).order_by("pk"))


# The blobs that the next delivery takes: the oldest that wait, up to so many and so many rows, each with the
# number of its first row.
_TAKE = """
WITH waiting AS (
    SELECT id, rows, sender, sum(rows) OVER (ORDER BY id) AS until FROM (
        SELECT id, rows, sender FROM datahub_deliveryblob
        WHERE dataset_id = %(dataset)s AND delivery_id IS NULL ORDER BY id LIMIT %(blobs)s
    ) oldest
)
SELECT id, rows, until - rows + 1, sender FROM waiting WHERE until <= %(rows)s OR until = rows ORDER BY id
"""
_MARK = """
UPDATE datahub_deliveryblob b SET delivery_id = %(delivery)s, first_row = t.first_row
FROM unnest(%(ids)s::bigint[], %(first)s::bigint[]) AS t(id, first_row) WHERE b.id = t.id
"""


def gather(claim: Claim) -> Delivery | None:
    """Make one delivery of the blobs that wait, oldest first; None when none does.

    Its attribute `full` says that there may be more than one delivery may hold.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        claim.hold()
        cursor.execute(_TAKE, {"dataset": claim.dataset.pk, "blobs": FOLD_BLOBS, "rows": FOLD_ROWS})
        chosen = cursor.fetchall()
        if not chosen:
            return None
        digest = hashlib.sha256("".join(f"{pk}:{rows};" for pk, rows, *_more in chosen).encode())
        from_brokers = all(sender.startswith("mqtt:") for *_more, sender in chosen)
        delivery = Delivery.objects.create(
            dataset=claim.dataset,
            source=SourceKind.MQTT if from_brokers else SourceKind.PUSH,
            period=f"blobs {chosen[0][0]}–{chosen[-1][0]}",
            digest=digest.hexdigest(),
            received_at=clock.now(),
        )
        ids, counts, first, _senders = zip(*chosen, strict=True)
        cursor.execute(_MARK, {"delivery": delivery.pk, "ids": list(ids), "first": [int(n) for n in first]})
        tell(delivery)
    delivery.full = len(chosen) == FOLD_BLOBS or sum(counts) > FOLD_ROWS - BLOB_ROWS
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


def with_needed(table: pa.Table, spec: DatasetSpec, mapping: MappingSpec) -> pa.Table:
    """A required column that no sender gave: its rows are rejected one by one, as each would be alone.

    A file without it is refused as a whole; a push was acknowledged, and others are in the same delivery.
    """
    there = {name.strip().casefold() for name in table.column_names}
    given = {*mapping.compose, *mapping.constants}
    given |= {target for header, target in mapping.rename.items() if header.strip().casefold() in there}
    needed = {c.code for c in spec.columns if c.required} | {*spec.key_columns, spec.time_column}
    for column in spec.columns:
        names = {name.casefold() for name in (column.code, column.name, column.name_en) if name}
        if column.code in needed - given and not names & there:
            table = table.append_column(column.code, pa.nulls(table.num_rows))
    return table


def _all_text(table: pa.Table) -> pa.Table:
    """Two senders disagree about a column's kind: text holds both, and the checks read it."""
    arrays = []
    for column in table.columns:
        try:
            arrays.append(column.cast(pa.string()))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            arrays.append(pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string()))
    return pa.table(arrays, names=table.column_names)
