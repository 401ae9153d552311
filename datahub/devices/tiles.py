"""Devices as vector tiles, made by PostGIS, cut to the viewer's rights inside the query.

A tile that holds at most MOST_POINTS carries each device; a fuller one carries a grid of CELLS × CELLS
circles, counted on the server by state. Places are whole numbers on the Web Mercator square (`world.py`), so
that a count needs neither geometry nor projection, only the index.
"""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

from commandcenter.core.codes import level_of

from .models import Device
from .querysets import seen_by
from .states import DeviceKind, DeviceState, Feed
from .world import BITS

EXTENT = 4096
EXTENT_BITS = 12
BUFFER = 64  # of the extent, so that a circle on the edge is whole in both tiles
MOST_POINTS = 5_000
CELL_BITS = 4  # 16 × 16 circles a tile
CLUSTERED_TO = 9  # up to this zoom there is nothing to count first: a city is one tile
DEEPEST = 18

_POINTS = """
SELECT ST_AsMVT(tile, 'devices', %s, 'geom', 'id') FROM (
    SELECT id, name, state, kind,
        ST_MakePoint(((world_x - %s)::float8 / %s)::int, ((world_y - %s)::float8 / %s)::int) AS geom
    FROM ({inner}) AS found) AS tile
"""
_CIRCLES = """
SELECT ST_AsMVT(tile, 'devices', %s, 'geom'), coalesce(sum(n), 0) FROM (
    SELECT count(*)::int AS n,
        (count(*) FILTER (WHERE state = 'online'))::int AS online,
        (count(*) FILTER (WHERE state = 'offline'))::int AS offline,
        (count(*) FILTER (WHERE state = 'fault'))::int AS fault,
        ST_MakePoint(((sum(world_x) / count(*) - %s) / %s)::int,
            ((sum(world_y) / count(*) - %s) / %s)::int) AS geom
    FROM ({inner}) AS found GROUP BY world_x >> %s, world_y >> %s) AS tile
"""


def valid(z: int, x: int, y: int) -> bool:
    return 0 <= z <= DEEPEST and 0 <= x < 2**z and 0 <= y < 2**z


def chosen(found: QuerySet[Any], asked: Any) -> QuerySet[Any]:
    """The filters of the list, which the map follows. What is not known filters nothing out."""
    if asked.get("kind") in DeviceKind.values:
        found = found.filter(kind=asked["kind"])
    if asked.get("state") in DeviceState.values:
        found = found.filter(state=asked["state"])
    if asked.get("feed") in Feed.values:
        found = found.filter(feed=asked["feed"])
    if owner := str(asked.get("owner", ""))[:40].replace("\x00", ""):
        found = found.filter(owner_code=owner)
    area = str(asked.get("area", ""))
    if area.isascii() and area.isdecimal():
        try:
            level_of(area)
            found = found.filter(area_code__startswith=area)
        except ValueError:
            pass
    return found


def may_ask(user: Any) -> bool:
    return seen_by(user) is not None


def tile(user: Any, z: int, x: int, y: int, asked: Any) -> bytes:
    """The bytes of one tile: only devices that this user may see, retired ones only when asked for."""
    found = chosen(Device.objects.visible_to(user), asked).filter(world_x__isnull=False)
    if asked.get("state") != DeviceState.RETIRED:
        found = found.exclude(state=DeviceState.RETIRED)
    return tile_of(found, z, x, y)


def tile_of(found: QuerySet[Any], z: int, x: int, y: int) -> bytes:
    span = 1 << (BITS - z)
    unit = span / EXTENT
    edge = int(unit * BUFFER)
    left, top = x * span, y * span
    boxed = found.filter(
        world_x__gte=left - edge, world_x__lt=left + span + edge,
        world_y__gte=top - edge, world_y__lt=top + span + edge,
    ).order_by()  # fmt: skip
    many = z <= CLUSTERED_TO or boxed[: MOST_POINTS + 1].count() > MOST_POINTS
    if not many:
        return _run(_POINTS, boxed.values("id", "name", "state", "kind", "world_x", "world_y"),
                    [EXTENT, left, unit, top, unit], [])  # fmt: skip
    # Circles belong to one tile only: without the edge, or those on it would be counted twice.
    inside = found.filter(
        world_x__gte=left, world_x__lt=left + span, world_y__gte=top, world_y__lt=top + span
    ).order_by()
    shift = BITS - z - CELL_BITS
    return _run(_CIRCLES, inside.values("state", "world_x", "world_y"),
                [EXTENT, left, unit, top, unit], [shift, shift])  # fmt: skip


def _run(sql: str, inner: QuerySet[Any], before: list[Any], after: list[Any]) -> bytes:
    inner_sql, params = inner.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql.format(inner=inner_sql), [*before, *params, *after])
        row = cursor.fetchone()
    return bytes(row[0]) if row and row[0] is not None else b""
