"""Rejected rows are kept, personal values left out."""

from datahub.checks.plan import Plan
from datahub.declare import DatasetSpec
from datahub.faults import Reason
from datahub.models import Delivery, Reject
from datahub.vault.masking import SourceMask

from .stream import Bad

BATCH = 2_000


class RejectWriter:
    """Writes rejected rows in batches while the delivery runs."""

    def __init__(self, delivery: Delivery, spec: DatasetSpec, plan: Plan) -> None:
        self._delivery = delivery
        self._waiting: list[Reject] = []
        headers = {header: column for column, header in plan.sources.items()}
        for column, parts in plan.mapping.compose.items():
            headers |= dict.fromkeys((*parts, plan.header_of(column)), column)
        self._mask = SourceMask(spec, headers)

    def add(self, rows: list[Bad]) -> None:
        self._waiting += [self._reject(bad) for bad in rows]
        if len(self._waiting) >= BATCH:
            self.flush()

    def _reject(self, bad: Bad) -> Reject:
        own = self._mask.personal_values(bad.row)
        reject = Reject(
            delivery=self._delivery,
            row_number=bad.number,
            column=bad.fault.column[:200],
            reason=bad.fault.reason,
            detail=bad.fault.detail[:200],
        )
        if Reason.ERASED in {bad.fault.reason, *(one["reason"] for one in bad.others)}:
            reject.reason, reject.column, reject.detail = Reason.ERASED, "", ""
            return reject  # nothing of that person is kept
        reject.raw = self._mask.value(bad.fault.column, bad.fault.raw, own)
        reject.others = [
            {**one, "raw": self._mask.value(one["column"], one["raw"], own)} for one in bad.others
        ]
        reject.row = self._mask.row(bad.row)
        return reject

    def flush(self) -> None:
        Reject.objects.bulk_create(self._waiting, batch_size=BATCH)
        self._waiting.clear()
