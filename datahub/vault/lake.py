"""A person's values in the tables of the lake: searched dataset by dataset, each under its writer's claim."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from commandcenter.journal.erasing import Person
from datahub.checks.guard import free_text_columns, personal_columns, subject_columns, subject_tokens
from datahub.declare import DatasetSpec
from datahub.lake import tables, upkeep
from datahub.lake.models import LakeChangeReason
from datahub.models import Dataset
from datahub.selectors import spec_for
from datahub.services.blobs import gather
from datahub.services.upkeep import record_change, settle
from datahub.services.working import work_off
from datahub.services.writers import Claim, writing

from . import traces

Mine = Mapping[str, tuple[str, list[str]]]  # dataset -> column and values of the person's own rows


def clean_lake(person: Person, tokens: list[str], datasets: set[int], mine: Mine) -> dict[str, Any]:
    """Free text of all rows without distinct values, of the person's own rows without any.

    What waits as blobs goes into the lake first. With person.change False rows are only counted, as far as
    they are in the lake.
    """
    rows: dict[str, int] = {}
    searched = left = 0
    for dataset in Dataset.objects.order_by("pk"):
        if not person.change:
            spec = spec_for(dataset)
            change = _change(dataset, spec, person, tokens, datasets, mine)
            looked, found = _count(dataset, spec, change)
        else:
            with writing(dataset, wait=True) as claim:
                assert claim is not None
                while gather(claim) is not None:
                    work_off(claim)
                settle(claim)
                looked, found, after = _clean(claim, person, tokens, datasets, mine)
                left += after
        searched += looked
        if found:
            rows[dataset.code] = found
    return {"searched": searched, "rows": rows, "left": left}


def _change(
    dataset: Dataset, spec: DatasetSpec, person: Person, tokens: list[str], datasets: set[int], mine: Mine
) -> Any:
    texts = free_text_columns(spec)
    own = person.own if dataset.pk in datasets or spec.code in mine else None
    if not dataset.turn or not texts or not (own or person.wide):
        return None

    def change(table: pa.Table) -> pa.Table | None:
        once = traces.redacted(table, texts, person.wide)
        if not own:
            return once
        his = pc.fill_null(pc.is_in(_subjects(spec, table), value_set=pa.array(tokens, pa.string())), False)
        if spec.code in mine:
            column, keys = mine[spec.code]
            his = pc.or_(
                his, pc.is_in(table.column(column).combine_chunks(), value_set=pa.array(keys, pa.string()))
            )
        twice = traces.redacted(once or table, texts, own, his)
        return twice if twice is not None else once

    return change


def _count(dataset: Dataset, spec: DatasetSpec, change: Any) -> tuple[int, int]:
    looked = found = 0
    if change is None:
        return 0, 0
    texts = free_text_columns(spec)
    for path, _day in tables.pin(spec.code).files:
        for table in upkeep.read_files(spec, [path]):
            looked += table.num_rows
            changed = change(table)
            if changed is not None:
                found += _different(table, changed, texts)
    return looked, found


def _different(old: pa.Table, new: pa.Table, columns: list[str]) -> int:
    differs = None
    for name in columns:
        one = pc.fill_null(pc.not_equal(old.column(name), new.column(name)), False)
        differs = one if differs is None else pc.or_(differs, one)
    return int(pc.sum(differs).as_py() or 0) if differs is not None else 0


def _clean(
    claim: Claim, person: Person, tokens: list[str], datasets: set[int], mine: Mine
) -> tuple[int, int, int]:
    claim.dataset.refresh_from_db()  # what was gathered may be its first
    spec = spec_for(claim.dataset)
    change = _change(claim.dataset, spec, person, tokens, datasets, mine)
    if change is None:
        return 0, 0, 0
    looked, found = _count(claim.dataset, spec, change)
    left = 0
    if found:
        gone, new, rows = upkeep.rewrite(spec, change)
        record = record_change(claim, LakeChangeReason.ERASURE, gone, {}, total=rows)
        tables.replace_files(spec, gone, new, number=record.number)
        _looked, left = _count(claim.dataset, spec, change)
    return looked, found, left


def _subjects(spec: DatasetSpec, table: pa.Table) -> pa.Array:
    if not personal_columns(spec):
        return pa.nulls(table.num_rows, pa.string())
    columns = {name: table.column(name).combine_chunks() for name in subject_columns(spec)}
    return subject_tokens(spec, columns, table.num_rows)
