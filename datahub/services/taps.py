"""After the commit: each batch goes to the functions that wiring.py names, at least once."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import transaction
from django.utils.module_loading import import_string

from commandcenter import wiring
from commandcenter.core import clock
from datahub.faults import reach
from datahub.lake.staging import filesystem, with_day
from datahub.lake.tables import lake_schema, table_root
from datahub.models import Delivery
from datahub.selectors import spec_for

log = logging.getLogger(__name__)
CHUNK_ROWS = 131_072
Tap = Callable[..., Any]


def taps_of(code: str) -> list[Tap]:
    """A tap may have an attribute wants(dataset_code): False spares it the rows."""
    found = []
    for path in [*wiring.TAPS.get("*", []), *wiring.TAPS.get(code, [])]:
        try:
            tap = import_string(path)
        except ImportError:
            log.warning("no such tap: %s", path)
            continue
        if getattr(tap, "wants", lambda _code: True)(code):
            found.append(tap)
    return found


def tap(delivery: Delivery, kept: list[pa.Table] | None) -> bool:
    """Hand the committed rows over; False when a tap failed, and recovery will try again."""
    code = delivery.dataset.code
    taps = taps_of(code)
    try:
        if taps:
            for table in _chunks(delivery, kept):
                mask = pc.fill_null(table.column("_live"), False).combine_chunks()
                for one in taps:
                    one(code, delivery.pk, table, mask)
                reach("mid_taps")
    except Exception:
        log.exception("a tap failed on delivery %s", delivery.pk)
        return False
    with transaction.atomic():
        delivery.tapped_at = clock.now()
        delivery.save(update_fields=["tapped_at"])
        # The rows are in the lake, and everybody has had them. A sender's own number stays for a while:
        # he may not have heard the answer and send the same again.
        delivery.blobs.filter(key__isnull=True, sender="").delete()
        delivery.blobs.update(body=b"", size=0)
    reach("tapped")
    return True


def _chunks(delivery: Delivery, kept: list[pa.Table] | None) -> Iterator[pa.Table]:
    schema = lake_schema(spec_for(delivery.dataset))
    if kept is not None:
        if kept:
            yield pa.concat_tables([part.cast(schema) for part in kept]).sort_by("_row")
        return
    fs, root = filesystem(table_root(delivery.dataset.code))
    epoch = schema.field("day").type
    for file in delivery.files.order_by("first_row", "day"):
        with fs.open_input_file(f"{root}/{file.path}") as stream:
            for batch in pq.ParquetFile(stream).iter_batches(batch_size=CHUNK_ROWS):
                days = pa.scalar(file.day, epoch).cast(pa.int32()).as_py()
                yield with_day(pa.Table.from_batches([batch]), days).select(schema.names).cast(schema)
