"""One block through the checks: typed, mapped, judged, placed. Runs in any thread, touches no database."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commandcenter.core.coordinates import TO_CGCS2000
from datahub.declare import rule_columns
from datahub.faults import Fault, Reason
from datahub.formats.base import Block

from .coerce import REASONS, TYPES, coerce, compose_times
from .guard import SUBJECT, hide, is_guarded
from .keys import EVER, Span, key_hashes
from .plan import Plan
from .rules import CHECKS, describe, impossible_place

RAW_LENGTH = 500
# Checks that every dataset has without a rule; their counts stand beside those of the rules.
TYPE, REQUIRED, RECORD, PLACE, KEY = "=type", "=required", "=record", "=place", "=key"
MAX_FAULTS_PER_ROW = 5


class Placed(NamedTuple):
    """Where rows lie: codes[at]."""

    at: np.ndarray
    codes: list[str]


Locate = Callable[[np.ndarray, np.ndarray], Placed]


@dataclass
class Checked:
    """A block after the checks. good: rows that may pass, None for all; place: as in Block.index."""

    columns: dict[str, pa.Array]
    rows: int
    length: int
    place: np.ndarray | None
    good: np.ndarray | None
    faults: list[Fault]
    keys: np.ndarray | None = None
    sorted_keys: np.ndarray | None = None  # of all rows; only where all may pass
    placed: Placed | None = None
    failures: dict[str, int] = field(default_factory=dict)
    raw_row: Callable[[int], dict[str, str]] = lambda position: {}
    span: Span = EVER  # first and last time, where the time is part of the key
    clear: pa.Table | None = None  # personal values and whose they are, on their way to the vault
    uniques: dict[str, np.ndarray] = field(default_factory=dict)  # rule -> a number for each row; 0: empty


class _Judge:
    """Collects what is wrong; remembers bad rows as one mask."""

    def __init__(self, block: Block, plan: Plan) -> None:
        self.block, self.plan = block, plan
        self.bad: np.ndarray | None = None
        self.faults: list[Fault] = []
        self.counts: dict[str, int] = {}  # of the checks that are no rules: what the score is made of

    def reject(
        self, column: str, reason: str, failing: np.ndarray | None, detail: str = "", count: str = ""
    ) -> None:
        if failing is None:
            return
        if count:
            self.counts[count] = self.counts.get(count, 0) + int(failing.sum())
        header = self.plan.header_of(column)
        for position in np.flatnonzero(failing):
            raw = self.raw(column, int(position))
            self.faults.append(Fault(self.block.place(int(position)), header, reason, raw, detail))
        self.bad = failing.copy() if self.bad is None else self.bad | failing

    def raw(self, column: str, position: int) -> str:
        parts = self.plan.mapping.compose.get(column) or (self.plan.sources.get(column, ""),)
        found = [self.block.arrays[name][position].as_py() for name in parts if name in self.block.arrays]
        return "/".join(_written(value) for value in found)[:RAW_LENGTH]


def check_block(block: Block, plan: Plan, locate: Locate | None) -> Checked:
    """Everything that can be said of a block without knowing the others."""
    judge = _Judge(block, plan)
    spec, length = plan.spec, block.length
    columns: dict[str, pa.Array] = {}
    for column in spec.columns:
        array, misfits = _make(column.code, column.kind, block, plan, length)
        columns[column.code] = array
        judge.reject(column.code, REASONS[column.kind], misfits, count=TYPE)
        if array.null_count and (column.required or column.code in (*spec.key_columns, spec.time_column)):
            empty = array.is_null().to_numpy(zero_copy_only=False)
            if misfits is not None:
                empty &= ~misfits
            judge.reject(column.code, Reason.REQUIRED, empty if empty.any() else None, count=REQUIRED)
    if block.faults:
        judge.counts[RECORD] = len({fault.row for fault in block.faults})
    failures = _apply_rules(columns, judge)
    placed = _place(columns, judge, locate)
    keys = key_hashes([columns[code] for code in spec.key_columns]) if spec.key_columns and length else None
    uniques = _uniques(columns, judge)
    clear = hide(spec, columns, length) if is_guarded(spec) else None
    if clear is not None and plan.erased:
        erased = pc.is_in(clear.column(SUBJECT), value_set=pa.array(sorted(plan.erased), pa.string()))
        gone = erased.to_numpy(zero_copy_only=False).astype(bool)
        judge.reject("", Reason.ERASED, gone if gone.any() else None)
    good = None if judge.bad is None else ~judge.bad
    return Checked(
        columns,
        block.rows,
        length,
        block.index,
        good,
        block.faults + judge.faults,
        keys,
        np.sort(keys) if keys is not None and good is None else None,
        placed,
        failures | judge.counts,
        raw_row=lambda position: _raw_row(block, position),
        span=_span(columns, plan),
        clear=clear,
        uniques=uniques,
    )


def _span(columns: dict[str, pa.Array], plan: Plan) -> Span:
    name = plan.spec.time_column
    if not name or name not in plan.spec.key_columns or not pa.types.is_timestamp(columns[name].type):
        return EVER
    ends = pc.min_max(columns[name].view(pa.int64()))
    return (ends["min"].as_py(), ends["max"].as_py()) if ends["min"].is_valid else EVER


def _make(code: str, kind, block: Block, plan: Plan, length: int):  # type: ignore[no-untyped-def]
    """The column's values and which of them did not fit."""
    mapping = plan.mapping
    if code in mapping.compose:
        array, misfits = compose_times([block.arrays[part] for part in mapping.compose[code]], mapping)
    elif code in plan.sources:
        array, misfits = coerce(block.arrays[plan.sources[code]], kind, mapping)
    elif code in mapping.constants:
        return coerce(pa.repeat(mapping.constants[code], length), kind, mapping)
    else:
        return pa.nulls(length, TYPES[kind]), None
    if plan.shift and code == plan.spec.time_column:
        array = pc.add(array, pa.scalar(plan.shift, pa.duration("us"))).cast(TYPES[kind])
    return array, misfits


def _apply_rules(columns: dict[str, pa.Array], judge: _Judge) -> dict[str, int]:
    failures = {}
    for rule in judge.plan.spec.rules:
        if rule.kind == "unique" or (rule.kind == "reference" and rule.code not in judge.plan.references):
            continue
        reason, check = CHECKS[rule.kind]
        failing = check(columns[rule.column], rule, judge.plan, columns)
        failures[rule.code] = 0 if failing is None else int(failing.sum())
        if rule.on_fail == "reject":
            judge.reject(rule.column, reason, failing, describe(rule))
    return failures


def _uniques(columns: dict[str, pa.Array], judge: _Judge) -> dict[str, np.ndarray]:
    """What a `unique` rule compares, before personal values are hidden; a row with a gap is not compared."""
    found = {}
    for rule in judge.plan.spec.rules:
        if rule.kind == "unique" and judge.block.length:
            arrays = [columns[name] for name in rule_columns(rule)]
            hashes = key_hashes(arrays)
            hashes[hashes == 0] = 1
            for array in arrays:
                if array.null_count:
                    hashes[array.is_null().to_numpy(zero_copy_only=False)] = 0
            found[rule.code] = hashes
    return found


def _place(columns: dict[str, pa.Array], judge: _Judge, locate: Locate | None) -> Placed | None:
    """Convert coordinates to CGCS2000 and find the area of each row; rows without a place get none."""
    spec = judge.plan.spec
    if not spec.lon_column:
        return None
    lons, lats = columns[spec.lon_column], columns[spec.lat_column]
    wrong = impossible_place(lons, lats)
    judge.reject(spec.lon_column, Reason.COORDINATES, wrong, count=PLACE)
    if lons.null_count == len(lons):
        return None
    x, y = (_floats(array) for array in (lons, lats))
    if wrong is not None:
        x, y = np.where(wrong, np.nan, x), np.where(wrong, np.nan, y)
    if judge.plan.datum == "gcj02":
        x, y = TO_CGCS2000[judge.plan.datum](x, y)
        columns[spec.lon_column] = pa.array(x, from_pandas=True)
        columns[spec.lat_column] = pa.array(y, from_pandas=True)
    return locate(x, y) if locate is not None else None


def _floats(array: pa.Array) -> np.ndarray:
    return array.to_numpy(zero_copy_only=array.null_count == 0)


def _raw_row(block: Block, position: int) -> dict[str, str]:
    row = {}
    for name, array in block.arrays.items():
        value = array[position].as_py()
        if value is not None:
            row[name] = _written(value)[:RAW_LENGTH]
    return row


def _written(value: object) -> str:
    """As the source has it, as far as a typed value still tells."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
