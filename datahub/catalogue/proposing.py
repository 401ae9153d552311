"""Read a sample and propose what its dataset could look like. Everything here is a proposal to correct."""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from datahub.checks.coerce import coerce
from datahub.declare import NULL_TOKENS, Datum, Kind, MappingSpec
from datahub.faults import Refusal, Refused
from datahub.formats.base import Block, Source
from datahub.formats.geojson import GeoJsonSource
from datahub.formats.opening import open_source

from .words import Concept, concept_of, fold, unit_in

SAMPLE_ROWS = 200_000  # a key that holds for the first rows only is none
MAX_COLUMNS = 300
SHOWN, FEW = 3, 12  # examples beside a column; as many different values may be a code list
Role = Literal["", "time", "subject", "lon", "lat"]
PARTS: dict[str, tuple[str, ...]] = {
    "year": ("year", "yr", "年", "年份"),
    "month": ("month", "mon", "月", "月份"),
    "day": ("day", "日"),
    "hour": ("hour", "hr", "时", "小时"),
    "minute": ("minute", "min", "分", "分钟"),
    "second": ("second", "sec", "秒"),
}
SUBJECTS = ("station", "device", "plate", "house_id", "uscc")
MARKERS = ("-999", "-9999", "-999.0", "-9999.0", "-99.9", "--", "—", "/", "不详", "缺测")
RESERVED = {"day"}  # the lake's own
YES_NO = {"true", "false", "yes", "no", "是", "否", "有", "无"}
CODE_WORDS = re.compile(r"(^|_)(id|no|code|key|zip|bbl|number|phone|tel)$|编号|代码|编码|号$")


class FoundColumn(BaseModel):
    """A header of the sample with what its values look like. use: False leaves it out."""

    model_config = ConfigDict(extra="forbid")
    header: str
    use: bool = True
    code: str
    name: str
    name_en: str = ""
    kind: Kind = "text"
    unit: str = ""
    grade: Literal["L1", "L2", "L3", "L4"] = "L1"
    personal: bool = False
    required: bool = False
    key: bool = False
    role: Role = ""
    examples: list[str] = []
    values: list[str] = []  # all different ones, where they are few
    low: float | None = None
    high: float | None = None
    empty: int = 0


class Found(BaseModel):
    """What a sample says. parts: year, month, … -> header, where the time stands in several columns."""

    model_config = ConfigDict(extra="forbid")
    columns: list[FoundColumn]
    rows: int = 0
    parts: dict[str, str] = {}
    key_of_parts: bool = False
    markers: list[str] = []
    timezone: str = "Asia/Shanghai"
    datum: Datum = "cgcs2000"
    geometry: Literal["", "point", "centroid"] = ""  # of GeoJSON


def propose(path: str, *, file_name: str = "", pasted: bool = False) -> Found:
    """Read up to SAMPLE_ROWS rows. Raises Refusal for what cannot be read."""
    encoding = "utf-8" if pasted else ""
    source = open_source(path, encoding=encoding, null_tokens=("",), geometry="centroid")
    if len(source.header) > MAX_COLUMNS:
        raise Refusal(Refused.TOO_LARGE, f"{len(source.header)} > {MAX_COLUMNS}")
    table, rows = _first_rows(source)
    found = _propose(source.header, table, rows, file_name)
    if isinstance(source, GeoJsonSource):
        found.geometry = "centroid" if source.shapes else "point"
        found.datum = found.datum if found.datum == "gcj02" else source.datum
    return found


def _first_rows(source: Source) -> tuple[dict[str, pa.Array], int]:
    chunks: dict[str, list[pa.Array]] = {name: [] for name in source.header}
    rows = 0
    for piece in source.pieces():
        block: Block = source.parse(piece)
        for name in source.header:
            if name in block.arrays:
                array = block.arrays[name]
                keep = array.slice(0, SAMPLE_ROWS - rows)
                chunks[name].append(
                    keep if pa.types.is_nested(array.type) is False else keep.cast(pa.string())
                )
        rows += block.length
        if rows >= SAMPLE_ROWS:
            break
    return {name: _joined(parts) for name, parts in chunks.items()}, min(rows, SAMPLE_ROWS)


def _joined(parts: list[pa.Array]) -> pa.Array:
    if not parts:
        return pa.array([], pa.string())
    if len({part.type for part in parts}) > 1:
        parts = [part.cast(pa.string()) for part in parts]
    return pa.concat_arrays(parts)


def _propose(header: Sequence[str], table: dict[str, pa.Array], rows: int, file_name: str) -> Found:
    markers = _markers(table)
    mapping = MappingSpec(null_tokens=("", *markers))
    parts = _time_parts(header)
    columns: list[FoundColumn] = []
    values: dict[str, pa.Array] = {}
    taken = set(RESERVED)
    for n, name in enumerate(header):
        concept = concept_of(name)
        kind, typed = _kind(name, concept, table[name], mapping)
        values[name] = typed
        code = _code(name, concept, n, taken)
        taken.add(code)
        column = FoundColumn(
            header=name,
            use=name not in parts.values() and not _counts_rows(concept, typed),
            code=code,
            name=_chinese(name, concept),
            name_en=(concept.name_en if concept and not concept.plain else "") or _english(name),
            kind=kind,
            unit=unit_in(name) or (concept.unit if concept and kind in ("number", "integer") else ""),
            grade=concept.grade if concept else "L1",
            personal=bool(concept and concept.personal),
        )
        _describe(column, typed, concept)
        columns.append(column)
    found = Found(columns=columns, rows=rows, parts=parts, markers=markers)
    _give_roles(found, values)
    _give_keys(found, values)
    _give_zone_and_datum(found, values, file_name)
    return found


def _markers(table: dict[str, pa.Array]) -> list[str]:
    """Words that stand for a missing value, among the ones known; the empty one is always meant."""
    seen: set[str] = set()
    known = pa.array([*NULL_TOKENS[1:], *MARKERS])
    for array in table.values():
        if pa.types.is_string(array.type):
            seen.update(pc.unique(array.filter(pc.is_in(array, value_set=known))).to_pylist())
    return sorted(seen - {None})


def _time_parts(header: Sequence[str]) -> dict[str, str]:
    folded = {fold(name): name for name in header}
    found: dict[str, str] = {}
    for part, words in PARTS.items():
        name = next((folded[word] for word in words if word in folded), None)
        if name is None:
            break
        found[part] = name
    return found if len(found) >= 3 else {}


def _kind(name: str, concept: Concept | None, array: pa.Array, mapping: MappingSpec) -> tuple[Kind, pa.Array]:
    """The narrowest kind that every value fits, and the values in it."""
    plain = pa.types.is_string(array.type)
    as_text = coerce(array, "text", mapping)[0]
    if (concept and concept.personal) or as_text.null_count == len(as_text):
        return "text", as_text
    if not plain:
        return _typed(array, mapping)
    words = pc.unique(pc.utf8_lower(pc.utf8_trim_whitespace(as_text.drop_null()))).to_pylist()
    if len(words) <= 4 and set(words) <= YES_NO:
        return "boolean", coerce(array, "boolean", mapping)[0]
    if pc.any(pc.match_substring_regex(as_text, r"^\s*0\d+\s*$")).as_py():
        return "text", as_text  # a leading zero belongs to a code
    measured = bool(concept and concept.unit)
    coded = bool(CODE_WORDS.search(fold(name))) and not measured
    for kind in ("integer", "number", "time"):
        made, lost = coerce(array, kind, mapping)
        if lost is not None and lost.any():
            continue
        if kind == "integer" and measured:
            return "number", coerce(array, "number", mapping)[0]
        if kind in ("integer", "number") and coded:
            return "text", as_text
        if kind == "time":
            timed = pc.any(pc.match_substring_regex(as_text, r"\d[ T]?\s*\d{1,2}:\d\d|\d{12}")).as_py()
            if not timed:
                return "date", coerce(array, "date", mapping)[0]
        return kind, made
    return "text", as_text


def _typed(array: pa.Array, mapping: MappingSpec) -> tuple[Kind, pa.Array]:
    kinds: list[tuple[Kind, bool]] = [
        ("boolean", pa.types.is_boolean(array.type)),
        ("integer", pa.types.is_integer(array.type)),
        ("number", pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)),
        ("time", pa.types.is_timestamp(array.type)),
        ("date", pa.types.is_date(array.type)),
    ]
    kind: Kind = next((kind for kind, fits in kinds if fits), "text")
    return kind, coerce(array, kind, mapping)[0]


def _code(name: str, concept: Concept | None, n: int, taken: set[str]) -> str:
    code = (
        concept.code if concept and not concept.plain else re.sub(r"[^0-9a-z]+", "_", fold(name)).strip("_")
    )
    if concept and (concept.code in ("lon", "lat") or not re.match(r"[a-z]", code)):
        code = concept.code
    if not re.match(r"[a-z]", code):
        code = f"column_{n + 1}"
    code = code[:55]
    chosen, again = code, 2
    while chosen in taken:
        chosen, again = f"{code}_{again}", again + 1
    return chosen


def _chinese(name: str, concept: Concept | None) -> str:
    if any("\u4e00" <= sign <= "\u9fff" for sign in name) or concept is None:
        return name.strip()[:200]
    return concept.name


def _english(name: str) -> str:
    return "" if any("\u4e00" <= sign <= "\u9fff" for sign in name) else name.replace("_", " ").strip()[:200]


def _counts_rows(concept: Concept | None, values: pa.Array) -> bool:
    """A mere row number: 1, 2, 3, …"""
    if concept is None or concept.code != "id" or len(values) < 3 or values.null_count:
        return False
    numbers = pd.to_numeric(values.to_pandas(), errors="coerce").to_numpy()
    return bool(np.array_equal(numbers, np.arange(1, len(numbers) + 1)))


def _describe(column: FoundColumn, values: pa.Array, concept: Concept | None) -> None:
    """Examples, extremes and, where they are few, all values. Of personal columns nothing is kept."""
    column.empty = values.null_count
    there = values.drop_null()
    if column.personal or not len(there):
        return
    words = pc.unique(there.slice(0, 5_000).cast(pa.string())).to_pylist()
    column.examples = [word[:40] for word in words[:SHOWN]]
    if column.kind in ("integer", "number"):
        ends = pc.min_max(there)
        column.low, column.high = float(ends["min"].as_py()), float(ends["max"].as_py())
    if column.kind == "text" and len(there) >= 20:
        unique = pc.unique(there)
        if len(unique) <= FEW:
            column.values = sorted(word[:80] for word in unique.to_pylist())


def _give_roles(found: Found, values: dict[str, pa.Array]) -> None:
    used = [column for column in found.columns if column.use]

    def first(role: Role, codes: Sequence[str], kinds: Sequence[str]) -> FoundColumn | None:
        for code in codes:
            for column in used:
                if column.code == code and column.kind in kinds and not column.role:
                    column.role = role
                    return column
        return None

    lon = next((column for column in used if column.code == "lon" and column.kind == "number"), None)
    lat = next((column for column in used if column.code == "lat" and column.kind == "number"), None)
    if lon and lat:
        lon.role, lat.role = "lon", "lat"
    if not found.parts:
        timed = [column for column in used if column.kind == "time"] or [
            column for column in used if column.kind == "date"
        ]
        best = next((one for one in timed if not one.empty), None)
        if best is not None:
            best.role, best.required = "time", True
    subject = first("subject", SUBJECTS, ("text", "integer"))
    if subject is not None and not subject.empty and found.rows:
        subject.required = True


def _give_keys(found: Found, values: dict[str, pa.Array]) -> None:
    """The fewest columns that tell the sample's rows apart; none where nothing does."""
    if found.rows < 2:
        return
    used = [column for column in found.columns if column.use and not column.empty]
    time = [column.header for column in used if column.role == "time"] or list(found.parts.values())
    subject = [column.header for column in used if column.role == "subject"]
    one_by_one = [[c.header] for c in used if c.kind in ("text", "integer") and c.role in ("", "subject")]
    named = [one for one in one_by_one if _is_id(*one)]
    tries = [*named, *([subject + time, time] if time else [])]
    tries += [other + one for one in named for other in one_by_one if other != one][:6]
    tries += one_by_one[:6] + [one_by_one[0] + other for other in one_by_one[1:5]]
    for names in tries:
        if names and not pd.DataFrame({n: values[n].to_pandas() for n in names}).duplicated().any():
            break
    else:
        return
    found.key_of_parts = bool(found.parts) and set(found.parts.values()) <= set(names)
    for column in found.columns:
        if column.header in names and column.use:
            column.key = column.required = True
            if not time and len(names) == 1 and not subject:
                column.role = "subject"


def _is_id(header: str) -> bool:
    concept = concept_of(header)
    return concept is not None and concept.code == "id"


def _give_zone_and_datum(found: Found, values: dict[str, pa.Array], file_name: str) -> None:
    headers = " ".join([fold(column.header) for column in found.columns if column.use])
    words = f"{headers} {fold(file_name)}"
    if re.search(r"(^|[_ ])utc([_ ]|$)", words):
        found.timezone = "UTC"
    lon = next((column for column in found.columns if column.role == "lon"), None)
    lat = next((column for column in found.columns if column.role == "lat"), None)
    if lon is None or lat is None:
        return
    abroad = lon.low is not None and not (70 <= lon.low <= 140)
    if "gcj" in words or "火星" in words or "高德" in words:
        found.datum = "gcj02"
    elif abroad or "wgs" in words or "gps" in words or "altitude" in words or "海拔" in words:
        found.datum = "wgs84"
