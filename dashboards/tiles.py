"""Vector tiles, made by PostGIS, cut to the viewer's rights inside the query.

Points and boundaries are stored in CGCS2000 (EPSG:4490); a tile is asked for in Web Mercator, so the
box goes to 4490 for the index and only what is in it comes back to 3857.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from city.selectors import active_generation_id, areas_of
from commandcenter.core.codes import child_length

from . import rows

EXTENT = 4096
BUFFER = 64
DEEPEST = 18
LAYERS = ("areas", "orders", "alerts")
OPEN_ORDERS = ("dispatched", "signed", "handled", "return_review")
OPEN_ALERTS = ("raised", "verified", "dispatched")
# Which level of areas a zoom shows: a town is too small to see on the map of a province.
LEVELS = ((8, "county"), (11, "town"), (13, "village"), (DEEPEST, "cell"))
_IN_TILE = "{column} && ST_Transform(ST_TileEnvelope(%s, %s, %s, margin => 0.015625), 4490)"


def valid(z: int, x: int, y: int) -> bool:
    return 0 <= z <= DEEPEST and 0 <= x < 2**z and 0 <= y < 2**z


def _as_mvt(layer: str, inner: QuerySet[Any], column: str, z: int, x: int, y: int) -> bytes:
    """One layer of a tile from a queryset of (properties…, geometry column)."""
    inner_sql, params = inner.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_AsMVT(tile, %s, %s, 'geom') FROM ("  # noqa: S608 - the inner query is Django's own
            "  SELECT found.*,"
            "   ST_AsMVTGeom(ST_Transform(shape, 3857), ST_TileEnvelope(%s, %s, %s), %s, %s) AS geom"
            f" FROM ({inner_sql}) AS found) AS tile WHERE geom IS NOT NULL",
            [layer, EXTENT, z, x, y, EXTENT, BUFFER, *params],
        )
        row = cursor.fetchone()
    return bytes(row[0]) if row and row[0] is not None else b""


def tile(layer: str, user: Any, z: int, x: int, y: int, *, order_id: int | None = None) -> bytes:
    """The bytes of one tile: only rows that this user may see."""
    if layer == "areas":
        return areas_tile(user, z, x, y)
    kind = "order" if layer == "orders" else "alert"
    found = rows.visible(kind, user).filter(location__isnull=False)
    if order_id is not None:
        found = found.filter(pk=order_id)
    elif layer == "orders":
        found = found.filter(state__in=OPEN_ORDERS, confidential=False)
    else:
        found = found.filter(state__in=OPEN_ALERTS, trial=False)
    table = found.model._meta.db_table
    condition = _IN_TILE.format(column=f'"{table}"."location"')
    found = found.order_by().extra(where=[condition], params=[z, x, y])
    fields = ["pk", "number", "level", "state", "area_code"]
    chosen = found.annotate(shape=RawSQL(f'"{table}"."location"', [])).values(*fields, "shape")  # noqa: S611
    return _as_mvt(layer, chosen, "shape", z, x, y)


def areas_tile(user: Any, z: int, x: int, y: int) -> bytes:
    """Boundaries of one level, of the areas at or under the viewer's own."""
    level = next(name for zoom, name in LEVELS if z <= zoom)
    tops = areas_of(user)
    generation = active_generation_id()
    if not tops or generation is None:
        return b""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH box AS (SELECT ST_TileEnvelope(%s, %s, %s) AS tile,"
            "  ST_Transform(ST_TileEnvelope(%s, %s, %s, margin => 0.015625), 4490) AS reach)"
            " SELECT ST_AsMVT(shown, 'areas', %s, 'geom') FROM ("
            "  SELECT a.code, a.name, a.parent_code,"
            "   ST_AsMVTGeom(ST_Transform(a.polygon, 3857), box.tile, %s, %s) AS geom"
            "  FROM city_area a, box WHERE a.generation_id = %s AND a.level = %s"
            "   AND a.polygon && box.reach AND a.code LIKE ANY(%s)) AS shown WHERE geom IS NOT NULL",
            [z, x, y, z, x, y, EXTENT, EXTENT, BUFFER, generation, level, [f"{top}%" for top in tops]],
        )
        row = cursor.fetchone()
    return bytes(row[0]) if row and row[0] is not None else b""


def shapes_of(code: str) -> dict[str, Any]:
    """Outline of an area and the boundaries of those below it, as GeoJSON, with the box around all.

    Simplified to about a screen's pixel: a wall shows 2,000 pixels across the area.
    """

    generation, below = active_generation_id(), child_length(code)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH shown AS (SELECT code, name, short_name, polygon, code = %s AS here FROM city_area"
            "  WHERE generation_id = %s AND polygon IS NOT NULL"
            "   AND (code = %s OR (parent_code = %s AND length(code) = %s))),"
            " size AS (SELECT ST_Extent(polygon) AS box FROM shown),"
            " fine AS (SELECT GREATEST(ST_XMax(box) - ST_XMin(box), 0.001) / 2000 AS step, box FROM size)"
            " SELECT code, short_name, here, ST_AsGeoJSON(ST_SimplifyPreserveTopology(polygon, step), 5),"
            "  ST_X(ST_PointOnSurface(polygon)), ST_Y(ST_PointOnSurface(polygon)),"
            "  ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box), name FROM shown, fine",
            [code, generation, code, code, below or 0],
        )
        found = cursor.fetchall()
    features: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for area_code, short, here, geometry, x, y, *_box, name in found:
        features[here].append(
            {
                "type": "Feature",
                "geometry": json.loads(geometry),
                "properties": {"code": area_code, "name": short or name, "at": [round(x, 5), round(y, 5)]},
            }
        )
    return {
        "areas": {"type": "FeatureCollection", "features": features[False] or features[True]},
        "outline": {"type": "FeatureCollection", "features": features[True]},
        "box": [float(value) for value in found[0][6:10]] if found else None,
    }
