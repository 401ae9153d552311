"""Rejected rows mended in the browser or in a spreadsheet, checked, and sent on as a new delivery.

Mend.values holds header -> value as the source would write it, and under "" the headers of personal values,
which lie in Mend.sealed, encrypted, until the replay is through.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.journal.services import audit, link, link_many
from datahub.declare import MappingSpec
from datahub.models import Delivery, Reject
from datahub.selectors import spec_for
from datahub.services.deliveries import inbox, receive
from datahub.states import SourceKind

from ..fields import ORIGIN, Cell, Field, can_be_mended, cells_of, fields_of, lacks, mapping_of
from ..models import Mend, Replay
from ..policies import may_mend

LONGEST = 4_000
MOST_ROWS = 50_000  # of one replay or one bulk change


def mendable(delivery: Delivery) -> Any:
    """Rejects that are still to be mended or replayed."""
    return delivery.rejects.filter(mend__replay__isnull=True).exclude(reason="erased").select_related("mend")


@transaction.atomic
def mend_rows(*, delivery_id: int, changes: Mapping[int, Mapping[str, str]], by: Any) -> int:
    """Write values over rejected rows: reject -> header -> value. Returns how many rows changed.

    Raises BadInput for a header that is not the source's, Conflict for a row that was replayed already.
    """
    delivery = allowed(delivery_id, by)
    fields = {field.header: field for field in fields_of(delivery)}
    strange = sorted({name for row in changes.values() for name in row} - fields.keys())
    if strange:
        raise BadInput(Problem(None, ", ".join(strange)[:200], _("There is no such column.")))
    _check_values(changes)
    rejects = {
        one.pk: one for one in delivery.rejects.filter(pk__in=list(changes)).select_related("mend__replay")
    }
    missing = set(changes) - rejects.keys()
    if missing:
        raise BadInput(Problem(None, "", _("There is no such row among the rejected ones.")))
    changed = [_write(rejects[pk], fields, values, by) for pk, values in changes.items() if values]
    _audit(
        delivery,
        by,
        "datahub.mend_rows",
        rows=sum(changed),
        headers=sorted({n for v in changes.values() for n in v}),
    )
    return sum(changed)


def _check_values(changes: Mapping[int, Mapping[str, str]]) -> None:
    if len(changes) > MOST_ROWS:
        raise BadInput(Problem(None, "", f"> {MOST_ROWS}"))
    for values in changes.values():
        for header, value in values.items():
            if len(value) > LONGEST or "\x00" in value:
                raise BadInput(Problem(None, header, _("Too long, or not a text.")))


def _write(reject: Reject, fields: Mapping[str, Field], values: Mapping[str, str], by: Any) -> bool:
    """The row's mend with these values on top of what was written before."""
    mend = getattr(reject, "mend", None)
    if mend is not None and mend.replay_id is not None:
        raise Conflict(_("Row %(row)s was replayed already.") % {"row": reject.row_number})
    if not can_be_mended(reject):
        raise Conflict(_("Row %(row)s belongs to a person who was erased.") % {"row": reject.row_number})
    before = dict(mend.values) if mend else {}
    plain = {name: value for name, value in values.items() if not fields[name].personal}
    secret = {name: value for name, value in values.items() if fields[name].personal}
    after = {**before, **{n: v for n, v in plain.items() if n in before or v != reject.row.get(n, "")}}
    if secret:
        after[""] = sorted({*before.get("", ()), *secret})
    if mend is None:
        mend = Mend(reject=reject)
    sealed = {**opened(mend), **secret} if secret else None
    if after == before and sealed is None and mend.pk:
        return False
    mend.values, mend.by, mend.by_name, mend.at = after, by, by.display_name if by else "", clock.now()
    if sealed is not None:
        mend.sealed = json.dumps(sealed, ensure_ascii=False)
    mend.save()
    return True


def opened(mend: Mend) -> dict[str, str]:
    """The personal values that were entered again. Never for a page without a reason: see open_mend."""
    found: dict[str, str] = json.loads(mend.sealed) if mend.sealed else {}
    return found


@transaction.atomic
def open_mend(*, reject_id: int, by: Any, reason: str, ip: str | None = None) -> dict[str, str]:
    """What was entered for the personal columns of one row, with a reason, audited."""
    reject = Reject.objects.select_related("delivery__dataset", "mend").get(pk=reject_id)
    require(may_mend(by, reject.delivery.dataset))
    if len(reason.strip()) < 4:
        raise BadInput(Problem(None, "reason", _("say why the field is opened")))
    audit(
        actor=by,
        action="datahub.open_mend",
        target_ref=f"datahub.row:{reject.delivery_id}:{reject.row_number}",
        reason=reason.strip()[:500],
        ip=ip,
    )
    mend = getattr(reject, "mend", None)
    return opened(mend) if mend else {}


@transaction.atomic
def replace_values(
    *, delivery_id: int, header: str, find: str, replace: str, by: Any, reason: str = "", column: str = ""
) -> int:
    """One value for another in a column, over all rejects with the same fault. Empty `find`: empty cells."""
    delivery = allowed(delivery_id, by)
    fields = fields_of(delivery)
    field = next((one for one in fields if one.header == header), None)
    if field is None or field.personal:
        raise BadInput(Problem(None, header, _("Choose a column whose values may be seen.")))
    if find == replace:
        raise BadInput(Problem(None, "replace", _("It is the same as the value now.")))
    changes = {
        reject.pk: {header: replace}
        for reject in _chosen(delivery, reason, column)[: MOST_ROWS + 1]
        if _holds(cells_of(reject, [field])[header], find)
    }
    return mend_rows(delivery_id=delivery.pk, changes=changes, by=by) if changes else 0


def _holds(cell: Cell, find: str) -> bool:
    return not cell.is_missing and cell.value.strip() == find.strip()


def _chosen(delivery: Delivery, reason: str, column: str) -> Any:
    rows = mendable(delivery)
    if reason:
        rows = rows.filter(reason=reason)
    return rows.filter(column=column) if column else rows


@transaction.atomic
def take_as_they_are(*, delivery_id: int, by: Any, reason: str = "", column: str = "") -> int:
    """After a rule was changed: rows with this fault are sent again unchanged; those with gaps are not."""
    delivery = allowed(delivery_id, by)
    fields = fields_of(delivery)
    at = clock.now()
    new = [
        Mend(reject=reject, by=by, by_name=by.display_name, at=at)
        for reject in _chosen(delivery, reason, column).filter(mend__isnull=True)[:MOST_ROWS]
        if reject.row and not any(cell.is_missing for cell in cells_of(reject, fields).values())
    ]
    Mend.objects.bulk_create(new, batch_size=2_000)
    _audit(delivery, by, "datahub.take_rejects", rows=len(new), fault=reason, column=column)
    return len(new)


# ---------------------------------------------------------------- replay


def ready(delivery: Delivery, fields: list[Field]) -> tuple[list[Reject], list[tuple[Reject, str]]]:
    """Mended rows that can be sent, and those in which something is still to be entered."""
    rows, gaps = [], []
    mended = delivery.rejects.filter(mend__isnull=False, mend__replay__isnull=True).select_related("mend")
    for reject in mended.order_by("row_number")[:MOST_ROWS]:
        cells = cells_of(reject, fields)
        gap = next((field.header for field in fields if cells[field.header].is_missing), "")
        if gap or lacks(reject, cells):
            gaps.append((reject, gap))
        else:
            rows.append(reject)
    return rows, gaps


def table_of(rows: list[Reject], fields: list[Field]) -> pa.Table:
    """As the source would have written them: every value a text."""
    columns: dict[str, list[str | None]] = {field.header: [] for field in fields}
    for reject in rows:
        cells = cells_of(reject, fields, opened(reject.mend))
        for header, values in columns.items():
            values.append(cells[header].value or None)
    made = {header: pa.array(values, pa.string()) for header, values in columns.items()}
    return pa.table({**made, ORIGIN: pa.array([str(one.row_number) for one in rows], pa.string())})


def reading_of(delivery: Delivery) -> MappingSpec:
    """The original's mapping for a file that needs no hints of encoding."""
    mapping = mapping_of(delivery, spec_for(delivery.dataset))
    plain = {"delimiter": "", "encoding": "", "sheet": "", "ignore": (*mapping.ignore, ORIGIN)}
    return mapping.model_copy(update=plain)


@transaction.atomic
def replay(*, delivery_id: int, by: Any, only: set[int] | None = None) -> Replay:
    """Send the mended rows on as a new delivery of the same dataset; each of them once.

    only: rejects that passed the check; None sends all. What is still wrong comes back as a reject of the
    new delivery. Raises Conflict when there is nothing to send.
    """
    delivery = allowed(delivery_id, by)
    list(Mend.objects.select_for_update().filter(reject__delivery=delivery, replay=None).values_list("pk"))
    fields = fields_of(delivery)
    rows, _gaps = ready(delivery, fields)
    rows = [one for one in rows if only is None or one.pk in only]
    if not rows:
        raise Conflict(_("No mended row is ready to be sent."))
    at = clock.now()
    sent = Replay.objects.create(
        original=delivery, rows=len(rows), by=by, by_name=by.display_name if by else "", at=at
    )
    path = inbox() / f"{uuid.uuid4().hex}.parquet"
    pq.write_table(table_of(rows, fields), path, compression="zstd")
    made = receive(
        dataset_code=delivery.dataset.code,
        path=path,
        source=SourceKind.REPLAY,
        file_name=delivery.file_name,
        by=by,
        history=delivery.asked_history,
        period=f"mended {delivery.pk}.{sent.pk}",
        reading=reading_of(delivery),
        keeps_file=False,
    )
    if delivery.shift is not None:
        made.shift = delivery.shift
        made.save(update_fields=["shift"])
    sent.delivery = made
    sent.save(update_fields=["delivery"])
    for number, reject in enumerate(rows, 1):
        reject.mend.replay, reject.mend.row = sent, number
    Mend.objects.bulk_update([one.mend for one in rows], ["replay", "row"], batch_size=2_000)
    link(from_ref=delivery.ref, to_ref=made.ref, kind="replayed")
    link_many(
        [
            (f"datahub.row:{delivery.pk}:{one.row_number}", f"datahub.row:{made.pk}:{one.mend.row}")
            for one in rows
        ],
        "mended",
    )
    _audit(delivery, by, "datahub.replay", rows=len(rows), into=made.pk)
    return sent


# ---------------------------------------------------------------- shared


def allowed(delivery_id: int, by: Any) -> Delivery:
    delivery = Delivery.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=delivery_id)
    require(may_mend(by, delivery.dataset))
    if delivery.is_open:
        raise Conflict(_("The delivery is still running."))
    return delivery


def _audit(delivery: Delivery, by: Any, action: str, **body: Any) -> None:
    audit(actor=by, action=action, target_ref=delivery.ref, body=body)
