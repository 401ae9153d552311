"""What a rejected row can be mended in: the source's own headers, and what was kept of each value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from datahub.checks.block import RAW_LENGTH
from datahub.checks.guard import HIDDEN
from datahub.declare import DatasetSpec, MappingSpec
from datahub.faults import Reason
from datahub.models import Delivery, Reject
from datahub.selectors import spec_for

ORIGIN = "_rejected_row"  # stands beside the columns of a replay and is read by nobody
SAMPLE = 200  # rejects looked at for headers that nobody declared


@dataclass(frozen=True)
class Field:
    """One header of the source. column: what it is taken for."""

    header: str
    column: str
    kind: str
    title: str
    unit: str
    personal: bool
    required: bool


@dataclass(frozen=True)
class Cell:
    """state: kept, mended, hidden (a personal value is not kept), cut (too long to be kept), sealed."""

    value: str
    state: str

    @property
    def is_missing(self) -> bool:
        return self.state in ("hidden", "cut")


def mapping_of(delivery: Delivery, spec: DatasetSpec) -> MappingSpec:
    """How the delivery was read."""
    if delivery.reading:
        return MappingSpec.model_validate(delivery.reading)
    return spec.mapping(delivery.mapping) or MappingSpec()


def fields_of(delivery: Delivery) -> list[Field]:
    """Headers in the order of the columns; of a composed time the headers of its parts."""
    spec = spec_for(delivery.dataset)
    mapping = mapping_of(delivery, spec)
    seen = _seen(delivery)
    needed = {c.code for c in spec.columns if c.required} | {*spec.key_columns, spec.time_column}
    found: list[Field] = []
    for column in spec.columns:
        if column.code in mapping.constants:
            continue
        headers = mapping.compose.get(column.code) or (_header(column, mapping, seen),)
        found += [
            Field(
                header=header,
                column=column.code,
                kind=column.kind,
                title=column.name,
                unit=column.unit,
                personal=column.personal,
                required=column.code in needed,
            )
            for header in headers
        ]
    return found


def _seen(delivery: Delivery) -> dict[str, str]:
    rows = delivery.rejects.exclude(row={}).values_list("row", flat=True)[:SAMPLE]
    return {name.strip().casefold(): name for row in rows for name in row}


def _header(column: Any, mapping: MappingSpec, seen: Mapping[str, str]) -> str:
    """As the source writes it; the column's own code where no row of it is left."""
    renamed = [header for header, target in mapping.rename.items() if target == column.code]
    for name in (*renamed, column.code, column.name, column.name_en):
        if name and name.casefold() in seen:
            return seen[name.casefold()]
    return renamed[0] if renamed else str(column.code)


def cells_of(
    reject: Reject, fields: Iterable[Field], opened: Mapping[str, str] | None = None
) -> dict[str, Cell]:
    """header -> what would be sent now. opened: values entered for personal columns, where they may be."""
    mend = getattr(reject, "mend", None)
    mended = mend.values if mend else {}
    entered = set(mended.get("", ()))  # headers whose values lie sealed
    found = {}
    for field in fields:
        if field.header in entered:
            found[field.header] = Cell((opened or {}).get(field.header, ""), "sealed")
        elif field.header in mended:
            found[field.header] = Cell(mended[field.header], "mended")
        else:
            found[field.header] = _kept(reject.row.get(field.header, ""), field)
    return found


def _kept(value: str, field: Field) -> Cell:
    if value == HIDDEN or (field.personal and value):
        return Cell("", "hidden")
    if len(value) >= RAW_LENGTH:
        return Cell(value, "cut")
    return Cell(value, "kept")


def lacks(reject: Reject, cells: Mapping[str, Cell]) -> bool:
    """A row of which nothing was kept (bytes that were no record) has everything to be entered."""
    return not reject.row and not any(cell.state in ("mended", "sealed") for cell in cells.values())


def can_be_mended(reject: Reject) -> bool:
    """Rows of a person who was erased stay out for good."""
    return reject.reason != Reason.ERASED
