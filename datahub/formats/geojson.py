"""GeoJSON (RFC 7946): features become rows, points become two columns in degrees of WGS-84.

Collections are read feature by feature, never held whole. A shape that is no point is a fault of its row,
or becomes its centroid where the mapping says so.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
import shapely.geometry

from datahub.declare import Datum
from datahub.faults import Fault, Notes, Reason, Refusal, Refused

from .base import Block
from .json import RAW, RecordSource, _record, as_text, fault_of
from .objects import as_lines, elements, find_array

_IS_COLLECTION = re.compile(rb'"type"\s*:\s*"FeatureCollection"')
_IS_FEATURE = re.compile(rb'^\s*\{\s*"type"\s*:\s*"Feature"')
_BARE = re.compile(rb'^\s*\{\s*"type"\s*:\s*"(Multi)?(Point|LineString|Polygon)"|"GeometryCollection"')
_NAME = re.compile(rb'"crs"\s*:\s*(?:null|\{.*?"name"\s*:\s*"([^"]{1,100})")', re.DOTALL)
_NUMBER = re.compile(r"(CRS84|\d{4,5})$", re.IGNORECASE)
SYSTEMS: dict[str, Datum] = {"CRS84": "wgs84", "4326": "wgs84", "4490": "cgcs2000"}
SHAPES = ("MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
MAX_TAIL = 1024 * 1024


def is_collection(head: bytes, record: Any) -> bool:
    if isinstance(record, dict):
        return record.get("type") == "FeatureCollection"
    return bool(_IS_COLLECTION.search(head))


def is_feature(head: bytes, record: Any) -> bool:
    if isinstance(record, dict):
        return record.get("type") == "Feature" and "geometry" in record and "properties" in record
    return bool(_IS_FEATURE.match(head))


class GeoJsonSource(RecordSource):
    """Features, one a line in each block. place: the headers of longitude and latitude."""

    datum: Datum = "wgs84"
    shapes = False  # whether anything but a point has come

    def __init__(
        self,
        blocks: Iterator[bytes],
        *,
        geometry: str = "point",
        notes: Notes | None = None,
        null_tokens: tuple[str, ...] = ("",),
    ) -> None:
        self.geometry = geometry
        super().__init__(blocks, notes=notes, null_tokens=null_tokens)
        names = set(self.header)
        self.place = next(
            pair
            for n in range(len(names) + 1)
            if not names & set(pair := (("lon", "lat"), (f"lon_{n}", f"lat_{n}"))[n > 0])
        )
        self.header = [*self.header, *self.place]

    @classmethod
    def of_collection(cls, chunks: Iterator[bytes], *, block_bytes: int, **options: Any) -> "GeoJsonSource":
        head, features = find_array(chunks, b"features")
        datum = _datum(head)
        made = cls(as_lines(_features(features), block_bytes), **options)
        made.datum = datum
        if datum != "wgs84":
            made.notes.add("datum", datum)
        return made

    def _names(self, record: Any) -> Iterator[str]:
        if isinstance(record, dict):
            if "id" in record:
                yield "id"
            properties = record.get("properties")
            yield from properties if isinstance(properties, dict) else ()

    def parse(self, piece: bytes) -> Block:
        wanted = list(self.hints or self.header)
        named = [name for name in wanted if name not in self.place]
        nulls = set(self.null_tokens)
        kept: list[list[Any]] = []
        points: list[tuple[float, float]] = []
        index: list[int] = []
        faults: list[Fault] = []
        rows = 0
        for line in piece.split(b"\n"):
            if not line.strip():
                continue
            row, rows = rows, rows + 1
            feature = _record(line)
            fault = fault_of(feature, line, [], row)
            if fault is None and (feature.get("type") != "Feature" or "geometry" not in feature):
                fault = Fault(row, "", Reason.BAD_RECORD, _start(line), "Feature")
            if fault is None:
                properties = feature.get("properties")
                values = properties if isinstance(properties, dict) else {}
                if "id" in feature and "id" not in values:
                    values = {**values, "id": feature["id"]}
                fault = fault_of(properties, line, [], row) if isinstance(properties, dict) else None
                fault = fault or fault_of(values, line, named, row)
            if fault is None:
                fault, point = self._point(feature["geometry"], row)
            if fault is not None:
                faults.append(fault)
                continue
            kept.append([as_text(values.get(name), nulls) for name in named])
            points.append(point)
            index.append(row)
        columns = list(zip(*kept, strict=True)) if kept and named else [()] * len(named)
        arrays = {name: pa.array(column, pa.string()) for name, column in zip(named, columns, strict=True)}
        where = np.array(points, dtype=np.float64).reshape(-1, 2)
        for n, name in enumerate(self.place):
            arrays[name] = pa.array(where[:, n], from_pandas=True)
        return Block(arrays, rows, np.array(index, dtype=np.int64), faults)

    def _point(self, shape: Any, row: int) -> tuple[Fault | None, tuple[float, float]]:
        """Longitude and latitude; nothing for a feature without a place, which the standard allows."""
        nowhere = (np.nan, np.nan)
        if shape is None:
            return None, nowhere
        column, kind = self.place[0], shape.get("type") if isinstance(shape, dict) else None
        if kind == "Point":
            found = _numbers(shape.get("coordinates"))
            if found is None:
                return Fault(row, column, Reason.COORDINATES, str(shape.get("coordinates"))[:RAW]), nowhere
            return None, found
        if kind not in SHAPES:
            return Fault(row, column, Reason.BAD_RECORD, str(kind)[:80], "geometry"), nowhere
        self.shapes = True
        if self.geometry != "centroid":
            return Fault(row, column, Reason.NOT_POINT, kind), nowhere
        try:
            middle = shapely.geometry.shape(shape).centroid
            if not middle.is_empty and np.isfinite((middle.x, middle.y)).all():
                return None, (middle.x, middle.y)
        except Exception:  # noqa: S110 -- shapely lets every kind of error through; all mean the same here
            pass
        return Fault(row, column, Reason.COORDINATES, kind), nowhere


def _numbers(given: Any) -> tuple[float, float] | None:
    """The first two coordinates; a height after them is left out."""
    if not isinstance(given, list) or not 2 <= len(given) <= 4:
        return None
    if any(isinstance(value, bool) or not isinstance(value, int | float | str) for value in given[:2]):
        return None
    if any(type(value) is str for value in given[:2]):
        return None  # a number in quotes is a text; those kept as written are of a class of their own
    try:
        lon, lat = float(given[0]), float(given[1])
    except (ValueError, OverflowError):
        return None
    return (lon, lat) if np.isfinite((lon, lat)).all() else None


def _start(line: bytes) -> str:
    return line[:RAW].decode("utf-8", "backslashreplace")


def _features(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    yield from elements(chunks, closed_by=b"]", rest=rest)
    tail = b"".join(rest)
    for chunk in chunks:
        tail += chunk
        if len(tail) > MAX_TAIL:
            raise Refusal(Refused.DAMAGED, "GeoJSON: text after the features")
    if b"}" not in tail:
        raise Refusal(Refused.TRUNCATED, "GeoJSON")
    if _datum(tail) != "wgs84":
        raise Refusal(Refused.DATUM, "crs")  # said too late: the rows before it were read otherwise


def _datum(head: bytes) -> Datum:
    """The reference system that an older file names; WGS-84 by the standard. Raises Refusal."""
    found = _NAME.search(head)
    if found is None or found.group(1) is None:
        return "wgs84"
    name = found.group(1).decode("utf-8", "replace")
    known = _NUMBER.search(name)
    datum = SYSTEMS.get(known.group(1).upper()) if known else None
    if datum is None:
        raise Refusal(Refused.DATUM, name[:100])
    return datum
