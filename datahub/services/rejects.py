"""Rejected rows are kept, personal values left out."""

from commandcenter.core.masking import mask_text
from datahub.checks.plan import Plan
from datahub.declare import DatasetSpec
from datahub.models import Delivery, Reject

from .stream import Bad

BATCH = 2_000


class RejectWriter:
    """Writes rejected rows in batches while the delivery runs."""

    def __init__(self, delivery: Delivery, spec: DatasetSpec, plan: Plan) -> None:
        self._delivery = delivery
        self._waiting: list[Reject] = []
        personal = {column.code for column in spec.columns if column.personal}
        self._guarded = bool(personal) or spec.privacy_class in ("personal", "sensitive")
        self._hidden = {plan.header_of(code) for code in personal}

    def add(self, rows: list[Bad]) -> None:
        for bad in rows:
            values = {name: self._shown(name, value) for name, value in bad.row.items()}
            others = [{**one, "raw": self._shown(one["column"], one["raw"])} for one in bad.others]
            self._waiting.append(
                Reject(
                    delivery=self._delivery,
                    row_number=bad.number,
                    column=bad.fault.column[:200],
                    reason=bad.fault.reason,
                    detail=bad.fault.detail[:200],
                    raw=self._shown(bad.fault.column, bad.fault.raw),
                    others=others,
                    row=values,
                )
            )
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        Reject.objects.bulk_create(self._waiting, batch_size=BATCH)
        self._waiting.clear()

    def _shown(self, column: str, value: str) -> str:
        """PostgreSQL takes no NUL. A whole line of a guarded dataset may hold anything, so it is left out."""
        if self._guarded and (column in self._hidden or not column):
            return "***" if value else ""
        text = value.replace("\x00", "\\0").encode("utf-8", "replace").decode()
        return mask_text(text) if self._guarded else text
