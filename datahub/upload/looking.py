"""Look at the first rows of a file as they would be delivered, with the delivery's own code."""

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from commandcenter.core import clock
from commandcenter.core.masking import mask_text
from commandcenter.core.times import SHANGHAI
from datahub.checks.block import Checked
from datahub.checks.guard import HIDDEN, is_guarded
from datahub.checks.keys import SeenKeys
from datahub.checks.plan import Matched, Plan, make_plan, match
from datahub.checks.reading import open_as
from datahub.declare import ColumnSpec, DatasetSpec, MappingSpec
from datahub.faults import Fault, Notes, Reason, Refusal, Refused
from datahub.formats.base import Source
from datahub.formats.csv import CsvSource
from datahub.formats.geojson import GeoJsonSource
from datahub.formats.json import RecordSource
from datahub.formats.workbook import WorkbookSource
from datahub.quality.references import with_references
from datahub.services.stream import Bad, Stream
from datahub.vault.masking import SourceMask, safe_refusal, said, said_notes, shown_rows
from datahub.vault.writing import erased_tokens

log = logging.getLogger(__name__)
ROWS = 50
LOOK_BYTES = 512 * 1024
LOOK_ROWS = 5_000
EXAMPLES = 3
MAX_SHOWN = 200  # characters of a value


@dataclass
class Cell:
    """shown: the typed value, or what the source wrote where it does not fit. why: in words."""

    shown: Any
    why: str = ""


@dataclass
class Row:
    """live: whether it is fresh enough to start something. why: what is wrong with the row as a whole."""

    number: int
    cells: list[Cell]
    live: bool
    why: str = ""
    raw: str = ""

    @property
    def bad(self) -> bool:
        return bool(self.why) or any(cell.why for cell in self.cells)


@dataclass
class Header:
    """One column of the file. takes: a column's code, `code:part` of a composed time, or ''."""

    name: str
    takes: str
    examples: list[str]


@dataclass
class Look:
    """What a file looks like through a mapping; refusal where it would be refused as a whole."""

    mapping: MappingSpec
    kind: str = ""
    encoding: str = ""
    delimiter: str = ""
    sheets: list[str] = field(default_factory=list)
    sheet: str = ""
    datum: str = ""
    headers: list[Header] = field(default_factory=list)
    raw_headers: list[str] = field(default_factory=list)
    missing: list[tuple[ColumnSpec, bool]] = field(default_factory=list)  # column, must be there
    rows: list[Row] = field(default_factory=list)
    looked_at: int = 0
    bad: int = 0
    live: int = 0
    reasons: list[tuple[str, int]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    refusal: Refusal | None = None

    @property
    def shapes(self) -> bool:
        return self.kind == "GeoJSON"

    @property
    def good(self) -> int:
        return self.looked_at - self.bad

    @property
    def all_live(self) -> bool:
        return self.live == self.good


def look(spec: DatasetSpec, path: str, reading: MappingSpec | None = None, *, history: bool = False) -> Look:
    """The first rows, typed and judged. Never raises for what is in the file."""
    now = clock.now()
    notes = Notes()
    found = Look(reading or spec.mapping("default") or MappingSpec())
    try:
        source, mapping = open_as(spec, path, reading, block_bytes=LOOK_BYTES)
        notes = source.notes
        found.mapping = mapping
        matched = match(spec, mapping, source)
        _describe(found, spec, source, matched)
        found.headers = _headers(spec, mapping, source.header, matched, path)
        plan = make_plan(spec, mapping, source, now=now)
        found.datum = plan.datum
        if is_guarded(spec):
            plan = replace(plan, erased=erased_tokens())
        plan = with_references(plan, notes)
        looked = _Looking.through(plan, source)
        if not looked.rows:
            raise Refusal(Refused.NO_ROWS)
        _tell(found, spec, plan, looked, live_since=None if history else now - spec.lateness_limit)
    except Refusal as refusal:
        found.refusal = safe_refusal(spec, refusal)
    except Exception as error:  # whatever a file does to a reader, its owner is told and nothing breaks
        log.error("preview for %s failed", spec.code, exc_info=None if is_guarded(spec) else error)
        found.refusal = safe_refusal(spec, error)
    found.notes = said_notes(spec, notes)
    if isinstance(found.refusal, Refusal) and found.kind == "CSV":
        found.encoding = found.encoding or "UTF-8"
    return found


# ---------------------------------------------------------------- the file


def _describe(found: Look, spec: DatasetSpec, source: Source, matched: Matched) -> None:
    kinds = [(CsvSource, "CSV"), (GeoJsonSource, "GeoJSON"), (RecordSource, "JSON"), (WorkbookSource, "XLSX")]
    found.kind = next((name for kind, name in kinds if isinstance(source, kind)), "Parquet")
    if isinstance(source, CsvSource):
        found.delimiter = source.delimiter
    if isinstance(source, CsvSource | RecordSource):
        found.encoding = next((n["detail"] for n in source.notes.lines if n["code"] == "encoding"), "UTF-8")
    if isinstance(source, WorkbookSource):
        found.sheets, found.sheet = source.sheets, source.sheet
    found.raw_headers = list(source.header)
    needed = {column.code for column in matched.absent}
    found.missing = [(column, column.code in needed) for column in matched.missing]


def _headers(
    spec: DatasetSpec, mapping: MappingSpec, names: list[str], matched: Matched, path: str
) -> list[Header]:
    takes = {header: column for column, header in matched.sources.items()}
    for column, parts in matched.composed.items():
        takes |= {header: f"{column}:{n}" for n, header in enumerate(parts)}
    columns = {header: taken.partition(":")[0] for header, taken in takes.items()}
    mask = SourceMask(spec, columns)
    examples: dict[str, list[str]] = {name: [] for name in names}
    for row in _first_values(spec, mapping, path):
        own = mask.personal_values(row)
        for name in names:
            if len(examples[name]) < EXAMPLES and row.get(name):
                examples[name].append(mask.value(name, row[name], own)[:40])
    return [Header(said(spec, name), takes.get(name, ""), examples[name]) for name in names]


def _first_values(spec: DatasetSpec, mapping: MappingSpec, path: str) -> list[dict[str, str]]:
    """Some rows as the source has them, of all its columns; nothing where they cannot be read."""
    try:
        source, _mapping = open_as(spec, path, mapping, block_bytes=16 * 1024)
        piece = next(source.pieces(), None)
        if piece is None:
            return []
        block = source.parse(piece[:LOOK_ROWS] if isinstance(piece, list) else _start_of(piece))
    except Refusal:
        return []
    values = {name: array.slice(0, 30).to_pylist() for name, array in block.arrays.items()}
    return [
        {name: str(column[n]) for name, column in values.items() if column[n] is not None}
        for n in range(min(30, block.length))
    ]


def _start_of(piece: Any) -> Any:
    return piece.slice(0, LOOK_ROWS) if isinstance(piece, pa.RecordBatch | pa.Table) else piece


class _FirstPieces:
    """The beginning of a source, in the form of a source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.header, self.notes, self.hints = source.header, source.notes, source.hints
        self.null_tokens = source.null_tokens

    def pieces(self) -> Any:
        for n, piece in enumerate(self._source.pieces()):
            yield piece[:LOOK_ROWS] if isinstance(piece, list) else _start_of(piece)
            if n:
                return

    def parse(self, piece: Any) -> Any:
        return self._source.parse(piece)


class _Nowhere:
    """Takes rows that passed, and forgets them."""

    def add(self, columns: Any, numbers: Any, placed: Any) -> list[Any]:
        return []


@dataclass
class _Looking(Stream):
    """The delivery's own stream, which keeps the blocks whole instead of sending good rows on."""

    bad: list[Bad] = field(default_factory=list)
    blocks: list[tuple[int, Checked]] = field(default_factory=list)

    @classmethod
    def through(cls, plan: Plan, source: Source) -> "_Looking":
        bad: list[Bad] = []
        with ThreadPoolExecutor(1) as pool:
            made = cls(
                plan=plan,
                source=_FirstPieces(source),
                stager=_Nowhere(),  # type: ignore[arg-type]
                pool=pool,
                locate=None,
                on_bad=bad.extend,
                on_progress=lambda rows, passed: None,
                bad=bad,
            )
            made.run()
        return made

    def _take(self, checked: Checked, seen: SeenKeys | None) -> None:
        self.blocks.append((self.rows + 1, checked))
        super()._take(checked, seen)


# ---------------------------------------------------------------- the rows


def _tell(
    found: Look, spec: DatasetSpec, plan: Plan, looked: "_Looking", *, live_since: datetime | None
) -> None:
    headers = {header: column for column, header in plan.sources.items()}
    for column, parts in plan.mapping.compose.items():
        headers |= dict.fromkeys((*parts, plan.header_of(column)), column)
    mask = SourceMask(spec, headers)
    found.looked_at, found.bad = looked.rows, len(looked.bad)
    found.reasons = _reasons(looked.bad)
    bad = {one.number: one for one in looked.bad}
    names = [column.code for column in spec.columns]
    for first, checked in looked.blocks:
        place = checked.place if checked.place is not None else np.arange(checked.length)
        live = _live(spec, checked, live_since)
        good = checked.good if checked.good is not None else np.ones(checked.length, dtype=bool)
        found.live += int((live & good).sum())
        wanted = [n for n in range(checked.length) if first + int(place[n]) <= ROWS]
        values = {
            name: checked.columns[name].take(pa.array(wanted, pa.int64())).to_pylist() for name in names
        }
        typed = shown_rows(spec, [{name: values[name][n] for name in names} for n in range(len(wanted))])
        for row, position in zip(typed, wanted, strict=True):
            number = first + int(place[position])
            made = Row(number, [Cell(_shown(spec, row[name])) for name in names], bool(live[position]))
            if number in bad:
                _mark(made, bad[number], mask, headers, names)
            found.rows.append(made)
    there = {row.number for row in found.rows}
    for number, one in bad.items():
        if number <= ROWS and number not in there:
            raw = mask.value("", one.fault.raw)[:MAX_SHOWN]
            found.rows.append(Row(number, [], False, why=_words(one.fault), raw=raw))
    found.rows.sort(key=lambda row: row.number)


def _mark(row: Row, bad: Bad, mask: SourceMask, headers: dict[str, str], names: list[str]) -> None:
    """Put what is wrong beside the value that is wrong, with what the source wrote."""
    own = mask.personal_values(bad.row)
    faults = [(bad.fault.column, bad.fault.reason, bad.fault.raw, bad.fault.detail)]
    faults += [(one["column"], one["reason"], one["raw"], one["detail"]) for one in bad.others]
    if any(reason == Reason.ERASED for _column, reason, _raw, _detail in faults):
        row.cells = [Cell(HIDDEN) for _ in row.cells]
        row.why = str(Reason.ERASED.label)
        return
    for header, reason, raw, detail in faults:
        column = headers.get(header, header)
        words = _words(Fault(0, header, reason, raw, detail))
        if column not in names:
            row.why = "; ".join(filter(None, [row.why, words]))
            continue
        cell = row.cells[names.index(column)]
        cell.why = "; ".join(filter(None, [cell.why, words]))
        if raw:
            cell.shown = mask.value(header, raw, own)[:MAX_SHOWN]


def _words(fault: Fault) -> str:
    label = str(Reason(fault.reason).label) if fault.reason in Reason.values else str(fault.reason)
    return f"{label} ({fault.detail})" if fault.detail else label


def _reasons(bad: list[Bad]) -> list[tuple[str, int]]:
    counted = Counter(str(Reason(one.fault.reason).label) for one in bad)
    return counted.most_common(5)


def _live(spec: DatasetSpec, checked: Checked, since: datetime | None) -> np.ndarray:
    if since is None:
        return np.zeros(checked.length, dtype=bool)
    if not spec.time_column:
        return np.ones(checked.length, dtype=bool)
    times = checked.columns[spec.time_column].to_pylist()
    first: Any = since.astimezone(SHANGHAI).date() if _is_days(times) else since
    return np.array([time is not None and time >= first for time in times], dtype=bool)


def _is_days(times: list[Any]) -> bool:
    return any(isinstance(time, date) and not isinstance(time, datetime) for time in times)


def _shown(spec: DatasetSpec, value: Any) -> Any:
    """A typed value as people read it: times in Shanghai. A number that could be a person's is hidden."""
    if is_guarded(spec) and isinstance(value, int | float) and mask_text(f"{value:.0f}") != f"{value:.0f}":
        return HIDDEN
    if isinstance(value, datetime):
        local = value.astimezone(SHANGHAI)
        return f"{local:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float):
        return f"{value:.10g}"
    return value[:MAX_SHOWN] if isinstance(value, str) else value
