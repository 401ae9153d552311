"""Reading boundaries from GeoJSON and matching them to the units of the lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from django.utils.translation import gettext as _

from commandcenter.core.coordinates import TO_CGCS2000
from commandcenter.core.errors import BadInput, Problem

if TYPE_CHECKING:
    from city.imports import Unit

# China with its sea, generously; a swapped longitude and latitude falls outside.
WEST, SOUTH, EAST, NORTH = 73.0, 3.0, 136.0, 54.0


@dataclass(frozen=True, slots=True)
class Renamed:
    old_code: str
    new_code: str
    name: str


@dataclass(slots=True)
class Boundaries:
    polygons: dict[str, Any] = field(default_factory=dict)  # code → shapely MultiPolygon in CGCS2000
    renamed: list[Renamed] = field(default_factory=list)
    file: str = ""
    datum: str = ""
    digest: str = ""


def read_boundaries(path: Path, *, datum: str, units: Iterable[Unit]) -> Boundaries:
    """Boundaries by code; a feature whose code is not in the lists is matched by its name.

    datum: what the file's coordinates are in: gcj02, wgs84 or cgcs2000. They come out as CGCS2000.
    """
    from city.imports import read_text

    if datum not in TO_CGCS2000:
        raise BadInput(Problem(None, "", _("say the datum: gcj02, wgs84 or cgcs2000"), path.name))
    content = read_text(path)
    features = _features(content, path.name)
    by_code = {unit.code: unit for unit in units}
    by_name: dict[str, list[Unit]] = {}
    for unit in by_code.values():
        by_name.setdefault(unit.name, []).append(unit)

    found = Boundaries(
        file=path.name, datum=datum, digest=hashlib.sha256((datum + content).encode()).hexdigest()
    )
    problems: list[Problem] = []
    for row, feature in enumerate(features, start=1):
        try:
            code, name = _names(feature)
            unit = _match(code, name, by_code, by_name)
            if unit.code in found.polygons:
                raise _Wrong("code", _("%(name)s has a second boundary") % {"name": name})
            found.polygons[unit.code] = _shape(feature.get("geometry"), datum)
        except _Wrong as wrong:
            problems.append(Problem(row, wrong.field, wrong.reason, path.name))
            continue
        if code and code != unit.code:
            found.renamed.append(Renamed(code, unit.code, unit.name))
    if not features:
        problems.append(Problem(None, "features", _("no boundary in the file"), path.name))
    if problems:
        raise BadInput(problems)
    return found


class _Wrong(Exception):
    def __init__(self, field_name: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field_name
        self.reason = reason


def _features(content: str, file: str) -> list[dict[str, Any]]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        reason = _("broken JSON: %(why)s") % {"why": error}
        raise BadInput(Problem(None, "", reason, file)) from None
    features = data.get("features") if isinstance(data, dict) else None
    if (
        not isinstance(data, dict)
        or data.get("type") != "FeatureCollection"
        or not isinstance(features, list)
    ):
        raise BadInput(Problem(None, "", _("not a GeoJSON FeatureCollection"), file))
    return [feature if isinstance(feature, dict) else {} for feature in features]


def _names(feature: dict[str, Any]) -> tuple[str, str]:
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        raise _Wrong("properties", _("the feature has no properties"))
    code = str(properties.get("adcode") or properties.get("code") or "").strip()
    name = str(properties.get("name") or "").strip()
    if not code and not name:
        raise _Wrong("properties", _("neither adcode nor name is given"))
    # A city's six-digit code ends in 00; ours has four digits.
    return (code[:4] if len(code) == 6 and code.endswith("00") else code), name


def _match(code: str, name: str, by_code: dict[str, Unit], by_name: dict[str, list[Unit]]) -> Unit:
    unit = by_code.get(code)
    if unit is not None:
        if name and name != unit.name:
            words = {"code": code, "name": name, "wanted": unit.name}
            raise _Wrong("name", _("%(code)s is called %(name)s here and %(wanted)s in the lists") % words)
        return unit
    same = [one for one in by_name.get(name, []) if not code or len(one.code) == len(code)]
    if len(same) == 1:
        return same[0]
    words = {"code": code, "name": name}
    if same:
        raise _Wrong("name", _("%(code)s is unknown and %(name)s is the name of several units") % words)
    raise _Wrong("adcode", _("neither %(code)s nor %(name)s is in the lists") % words)


def _shape(geometry: Any, datum: str) -> Any:
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise _Wrong("geometry", _("not a Polygon or MultiPolygon"))
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
    except (shapely.errors.GEOSException, ValueError) as error:
        raise _Wrong("geometry", _("cannot be read: %(why)s") % {"why": error}) from None
    if shape is None or shape.is_empty:
        raise _Wrong("geometry", _("the boundary is empty"))
    if not shape.is_valid:
        raise _Wrong("geometry", _("not a valid boundary: %(why)s") % {"why": shapely.is_valid_reason(shape)})
    west, south, east, north = shape.bounds
    if not (west >= WEST and south >= SOUTH and east <= EAST and north <= NORTH):
        raise _Wrong("geometry", _("coordinates lie outside China; are longitude and latitude swapped?"))
    convert = TO_CGCS2000[datum]
    moved = shapely.transform(
        shapely.force_2d(shape), lambda xy: np.column_stack(convert(xy[:, 0], xy[:, 1]))
    )
    if not moved.is_valid:
        raise _Wrong("geometry", _("not a valid boundary after conversion from %(datum)s") % {"datum": datum})
    return moved if moved.geom_type == "MultiPolygon" else shapely.multipolygons([moved])
