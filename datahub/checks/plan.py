"""How the header of a source meets the columns of a dataset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from datahub.declare import ColumnSpec, DatasetSpec, Datum, MappingSpec
from datahub.faults import Refusal, Refused
from datahub.formats.base import Source, datum_of, place_of

from .known import KnownValues


@dataclass(frozen=True)
class Plan:
    """sources: column -> header it comes from. shift is added to every time of the time column.

    erased: tokens of persons of whom nothing comes in any more. datum: what coordinates refer to.
    """

    spec: DatasetSpec
    mapping: MappingSpec
    sources: dict[str, str]
    now: datetime
    shift: timedelta = timedelta(0)
    erased: frozenset[str] = frozenset()
    references: Mapping[str, KnownValues] = field(default_factory=dict)
    datum: Datum = "cgcs2000"

    def header_of(self, column: str) -> str:
        """Where people find the column in their file."""
        if column in self.mapping.compose:
            return "/".join(self.mapping.compose[column])
        return self.sources.get(column, column)


@dataclass(frozen=True)
class Matched:
    """sources, composed: column -> header or headers. absent: columns that must be there and are not."""

    sources: dict[str, str]
    composed: dict[str, tuple[str, ...]]
    missing: list[ColumnSpec]
    absent: list[ColumnSpec]
    extra: list[str]


def match(spec: DatasetSpec, mapping: MappingSpec, source: Source) -> Matched:
    """Which header is which column: as the mapping says, where the source knows its place, by name.

    A header that the mapping leaves out is not taken by its name.
    """
    folded = {name.strip().casefold(): name for name in source.header}
    sources: dict[str, str] = {}
    used: set[str] = set()
    for header, target in mapping.rename.items():
        found = folded.get(header.strip().casefold())
        if found and target not in sources:
            sources[target] = found
            used.add(found)
    place = place_of(source)
    for column, header in zip((spec.lon_column, spec.lat_column), place or (), strict=bool(place)):
        if column and column not in sources:
            sources[column] = header
            used.add(header)
    given = {*sources, *mapping.compose, *mapping.constants}
    ignored = {name.strip().casefold() for name in mapping.ignore}
    for one in spec.columns:
        if one.code in given:
            continue
        for name in (one.code, one.name, one.name_en):
            found = folded.get(name.casefold()) if name and name.casefold() not in ignored else None
            if found and found not in used:
                sources[one.code] = found
                used.add(found)
                break
    composed = _composed(mapping, folded)
    used |= {header for parts in composed.values() for header in parts}
    needed = {c.code for c in spec.columns if c.required} | {*spec.key_columns, spec.time_column} - {""}
    missing = [c for c in spec.columns if c.code not in {*sources, *composed, *mapping.constants}]
    extra = [name for name in source.header if name not in used and name.strip().casefold() not in ignored]
    return Matched(sources, composed, missing, [c for c in missing if c.code in needed], extra)


def make_plan(
    spec: DatasetSpec, mapping: MappingSpec, source: Source, *, now: datetime, shift: timedelta = timedelta(0)
) -> Plan:
    """Match headers, set the reader's hints, note what is extra or missing.

    Raises Refusal when a required column, the time or a part of the key has no source.
    """
    found = match(spec, mapping, source)
    if found.absent or not (found.sources or found.composed):
        names = ", ".join(_expected(c.code, c.name, mapping) for c in found.absent or found.missing)
        found_names = ", ".join(source.header)[:300]
        raise Refusal(Refused.MISSING_COLUMNS, f"{names} ← [{found_names}]", column=names[:200])
    if found.missing:
        source.notes.add("missing_columns", ", ".join(c.code for c in found.missing))
    if found.extra:
        source.notes.add("extra_columns", ", ".join(found.extra)[:500])
    kinds = {column.code: column.kind for column in spec.columns}
    source.hints = {header: kinds[target] for target, header in found.sources.items()}
    for parts in found.composed.values():
        source.hints.update(dict.fromkeys(parts, "integer"))
    mapping = mapping.model_copy(update={"compose": found.composed})
    datum = mapping.datum or datum_of(source) or spec.datum
    return Plan(spec, mapping, found.sources, now, shift, datum=datum)


def _composed(mapping: MappingSpec, folded: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The composed columns whose parts are all there, with headers as the source writes them."""
    found = {}
    for column, parts in mapping.compose.items():
        if all(part.casefold() in folded for part in parts):
            found[column] = tuple(folded[part.casefold()] for part in parts)
    return found


def _expected(code: str, name: str, mapping: MappingSpec) -> str:
    if code in mapping.compose:
        return "/".join(mapping.compose[code])
    header = next((h for h, column in mapping.rename.items() if column == code), "")
    return header or (f"{code} ({name})" if name else code)


def best_mapping(spec: DatasetSpec, header: list[str]) -> MappingSpec:
    """The mapping whose headers are all in the file, if the columns' own names do not fit better."""
    there = {name.strip().casefold() for name in header}

    def wanted(mapping: MappingSpec) -> set[str]:
        parts = {part for group in mapping.compose.values() for part in group}
        return {name.casefold() for name in {*mapping.rename, *parts}}

    fitting = [m for m in spec.mappings if wanted(m) and wanted(m) <= there]
    if fitting:
        return max(fitting, key=lambda m: len(wanted(m)))
    return spec.mapping("default") or MappingSpec()
