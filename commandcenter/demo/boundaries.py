"""Believable areas for the demo city: drawn here, nested, without overlap or gap.

From villages up: points spread over each county by a fixed seed, one Voronoi
partition of the whole outline, every shared edge roughened once, and then towns,
counties and the city as unions of their villages. So the levels nest by
construction. Grid cells split a village in the same way.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from shapely.geometry import LineString, MultiPolygon, Polygon

from commandcenter.demo.divisions import Divisions, Unit
from commandcenter.demo.shapes import COAST, LAND_NORTH, LAND_WEST, RIVER, SEATS, TOWNS, Point

SEED = 3206
#: A degree of longitude is shorter than one of latitude here; distances are taken in this plane.
SQUEEZE = float(np.cos(np.deg2rad(32.1)))
#: About a centimetre. Shared corners are rounded alike, so neighbours still meet exactly.
DECIMALS = 7
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One area with its shape."""

    code: str
    name: str
    level: str
    parent: str
    shape: MultiPolygon


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole city, level by level."""

    areas: tuple[Drawn, ...]
    by_code: dict[str, Drawn] = field(repr=False)

    def of(self, level: str) -> list[Drawn]:
        return [area for area in self.areas if area.level == level]


def draw_city(divisions: Divisions, *, seed: int = SEED) -> Drawing:
    """Draw every area of the lists, and grid cells for a part of the city.

    The same lists and seed give the same drawing, to the last decimal.
    """
    rng = np.random.default_rng(seed)
    outline = _outline(rng)
    centres = _town_centres(divisions, rng)
    points, owners = _village_points(divisions, outline, centres, rng)
    shapes = _roughened(_partition(points, outline), points, outline, rng)
    villages = dict(zip(owners, shapes, strict=True))
    drawn: list[Drawn] = []
    town_shapes = _unions(villages, divisions.villages)
    county_shapes = _unions(town_shapes, divisions.towns)
    city = _multi(shapely.unary_union(list(county_shapes.values())))
    drawn.append(Drawn(divisions.city.code, divisions.city.name, "city", "", city))
    levels = (
        ("county", divisions.counties, county_shapes),
        ("town", divisions.towns, town_shapes),
        ("village", divisions.villages, villages),
    )
    for level, units, found in levels:
        drawn += [Drawn(u.code, u.name, level, u.parent, _multi(found[u.code])) for u in units]
    drawn += _cells(divisions, villages, rng)
    return Drawing(tuple(drawn), {area.code: area for area in drawn})


# Outline ------------------------------------------------------------------


def _outline(rng: np.random.Generator) -> Polygon:
    ring: list[Point] = []
    parts = ((LAND_NORTH, 0.10), (COAST, 0.16), (RIVER, 0.08), (LAND_WEST, 0.12))
    corners = [(point, rough) for part, rough in parts for point in part]
    for (a, rough), (b, _) in zip(corners, corners[1:] + corners[:1], strict=True):
        ring += _rough_line(a, b, rough=rough, depth=4, rng=rng)[:-1]
    shape = shapely.make_valid(Polygon(np.round(ring, DECIMALS)))
    return max(shapely.get_parts(shape), key=shapely.area)


def _rough_line(a: Point, b: Point, *, rough: float, depth: int, rng: np.random.Generator) -> list[Point]:
    """A line from a to b whose middle is pushed aside, and the halves again."""
    if depth == 0:
        return [a, b]
    dx, dy = b[0] - a[0], b[1] - a[1]
    push = float(np.clip(rng.normal(0, rough), -2 * rough, 2 * rough))
    # Right angles hold in metres, not in degrees.
    middle = (a[0] + dx / 2 - dy * push / SQUEEZE, a[1] + dy / 2 + dx * push * SQUEEZE)
    left = _rough_line(a, middle, rough=rough * 0.8, depth=depth - 1, rng=rng)
    return left + _rough_line(middle, b, rough=rough * 0.8, depth=depth - 1, rng=rng)[1:]


# Villages -----------------------------------------------------------------


def _town_centres(divisions: Divisions, rng: np.random.Generator) -> dict[str, Point]:
    centres: dict[str, Point] = {}
    for town in divisions.towns:
        seat = SEATS[town.parent][0]
        aside = rng.normal(0, 0.06, 2)
        centres[town.code] = TOWNS.get(town.code, (seat[0] + aside[0], seat[1] + aside[1]))
    return centres


def _village_points(
    divisions: Divisions, outline: Polygon, centres: dict[str, Point], rng: np.random.Generator
) -> tuple[Array, list[str]]:
    """One point per village, and whose it is: as many to each town as the list says."""
    towns_of = _grouped(divisions.towns)
    villages_of = _grouped(divisions.villages)
    codes = list(centres)
    nearest_town = cKDTree(_flat([centres[code] for code in codes]))
    cloud = _points_in(outline, 240_000, rng)
    county_of = np.array([code[:6] for code in codes])[nearest_town.query(_flat(cloud))[1]]
    points: list[Array] = []
    owners: list[str] = []
    for county in divisions.counties:
        mine = cloud[county_of == county.code]
        wanted = sum(len(villages_of[town.code]) for town in towns_of[county.code])
        spread = _spread(_denser_near_seat(mine, county.code, rng), wanted, rng)
        shares = [(town.code, len(villages_of[town.code])) for town in towns_of[county.code]]
        given = _shared_out(spread, shares, centres)
        for town in towns_of[county.code]:
            places = spread[given == town.code]
            # Within a town the list's order runs from north-west to south-east.
            order = np.argsort(places[:, 0] - places[:, 1])
            points.append(places[order])
            owners += [village.code for village in villages_of[town.code]]
    return np.concatenate(points), owners


def _denser_near_seat(cloud: Array, county: str, rng: np.random.Generator) -> Array:
    centre, weight, reach = SEATS[county]
    distance = np.hypot(*(_flat(cloud) - _flat([centre])).T)
    density = 1 + weight * np.exp(-((distance / reach) ** 2))
    return cloud[rng.random(len(cloud)) < density / density.max()]


def _spread(cloud: Array, count: int, rng: np.random.Generator, rounds: int = 12) -> Array:
    """Lloyd's rounds: points move to the middle of what is nearest to them, until they stand evenly."""
    flat = _flat(cloud)
    points = flat[rng.choice(len(flat), count, replace=False)]
    for _ in range(rounds):
        owner = cKDTree(points).query(flat)[1]
        weight = np.bincount(owner, minlength=count)
        sums = np.stack([np.bincount(owner, flat[:, axis], minlength=count) for axis in (0, 1)], axis=1)
        points = np.where(weight[:, None] > 0, sums / np.maximum(weight, 1)[:, None], points)
    near = cKDTree(points).query(points, k=2)[0][:, 1]
    # Real villages are not a honeycomb.
    points = points + rng.normal(0, 0.14, points.shape) * near[:, None]
    return points / np.array([SQUEEZE, 1.0])


def _shared_out(points: Array, shares: Sequence[tuple[str, int]], centres: dict[str, Point]) -> Array:
    """Which town each point belongs to: every town its number, all distances together the least."""
    slots = np.array([code for code, count in shares for _ in range(count)])
    middles = {code: np.array(centres[code]) for code, _ in shares}
    given = slots
    for _ in range(4):
        targets = _flat([middles[code] for code in slots])
        cost = ((_flat(points)[:, None, :] - targets[None, :, :]) ** 2).sum(axis=2)
        row, column = linear_sum_assignment(cost)
        given = slots[column[np.argsort(row)]]
        for code, _count in shares:
            middles[code] = 0.6 * middles[code] + 0.4 * points[given == code].mean(axis=0)
    return given


# Partition ----------------------------------------------------------------


def _partition(points: Array, outline: Polygon) -> list[Any]:
    """The part of the outline that is nearest to each point."""
    flat = shapely.MultiPoint(_flat(points))
    frame = shapely.transform(outline.buffer(1.0), _flat)
    cells = shapely.get_parts(shapely.voronoi_polygons(flat, extend_to=frame, ordered=True))
    back = shapely.transform(cells, lambda xy: xy / np.array([SQUEEZE, 1.0]))
    return list(shapely.intersection(back, outline))


def _roughened(cells: list[Any], points: Array, outline: Polygon, rng: np.random.Generator) -> list[Any]:
    """The same partition with every inner edge bent a little, once for both its sides."""
    rounded = shapely.set_precision(np.array(cells), 10.0**-DECIMALS)
    edges = shapely.get_parts(shapely.unary_union(shapely.boundary(rounded)))
    middles = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    inner = shapely.distance(middles, outline.boundary) > 1e-6
    bent: list[Any] = []
    for edge, is_inner in zip(edges, inner, strict=True):
        ends = shapely.get_coordinates(edge)
        if not is_inner or len(ends) > 2 or edge.length < 0.002:
            bent.append(edge)
            continue
        depth = 2 if edge.length < 0.012 else 3
        line = _rough_line(tuple(ends[0]), tuple(ends[1]), rough=0.05, depth=depth, rng=rng)
        bent.append(LineString(np.round(line, DECIMALS)))
    faces = _faces(bent)
    if faces is None:
        raise RuntimeError("the roughened edges cross each other: choose another seed")
    return _owned(faces, points, len(cells))


def _faces(edges: list[Any]) -> list[Any] | None:
    lines = shapely.unary_union(shapely.multilinestrings(edges))
    return list(shapely.get_parts(shapely.polygonize(shapely.get_parts(lines))))


def _owned(faces: list[Any], points: Array, count: int) -> list[Any]:
    """Each face to the village whose point it holds; one that holds none to its longest neighbour.

    A bay of the coast can cut such a piece off from its village.
    """
    tree = shapely.STRtree(faces)
    point_index, face_index = tree.query(shapely.points(points), predicate="within")
    owner_of = dict(zip(face_index.tolist(), point_index.tolist(), strict=True))
    parts: dict[int, list[Any]] = defaultdict(list)
    orphans = []
    for index, face in enumerate(faces):
        if index in owner_of:
            parts[owner_of[index]].append(face)
        else:
            orphans.append(face)
    for face in orphans:
        near = [i for i in tree.query(face, predicate="touches").tolist() if i in owner_of]
        longest = max(near, key=lambda i: shapely.intersection(faces[i], face).length)
        parts[owner_of[longest]].append(face)
    if len(parts) != count:
        raise RuntimeError(f"{count - len(parts)} villages lost their place: choose another seed")
    return [shapely.unary_union(parts[index]) for index in range(count)]


# Grid cells ---------------------------------------------------------------


def _cells(divisions: Divisions, villages: dict[str, Any], rng: np.random.Generator) -> list[Drawn]:
    """Grid cells of all of 崇川区 and of each other county's first town.

    Code: village 12 + type 1 (1 comprehensive, 2 special: a park, a market, a
    school) + serial 3, numbered from west to east and from north to south.
    """
    first_towns = {towns[0].code for towns in _grouped(divisions.towns).values()}
    drawn: list[Drawn] = []
    for village in divisions.villages:
        if not village.code.startswith("320613") and village.parent not in first_towns:
            continue
        shape = villages[village.code]
        count = int(rng.integers(2, 6))
        spread = _spread(_points_in(shape, 400, rng), count, rng, rounds=6)
        pieces = [_polygons_only(piece) for piece in _partition(spread, shape)]
        pieces = [piece for piece in pieces if not piece.is_empty]
        order = sorted(
            range(len(pieces)), key=lambda i: (round(pieces[i].centroid.x, 3), -pieces[i].centroid.y)
        )
        special = int(rng.integers(0, len(order))) if rng.random() < 0.3 else -1
        serial = {"1": 0, "2": 0}
        for place, index in enumerate(order):
            kind = "2" if place == special else "1"
            serial[kind] += 1
            name = f"第{serial[kind]}网格" if kind == "1" else f"专属网格{serial[kind]}"
            code = f"{village.code}{kind}{serial[kind]:03d}"
            drawn.append(
                Drawn(code, f"{short(village.name)}{name}", "cell", village.code, _multi(pieces[index]))
            )
    return drawn


def short(name: str) -> str:
    """The name as people say it, without the ending of the list."""
    for ending in ("社区居委会", "社区居民委员会", "村民委员会", "居民委员会", "村委会", "居委会"):
        if name.endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)] + ("社区" if "居" in ending else "村")
    return name


# Small helpers ------------------------------------------------------------


def _flat(points: Any) -> Array:
    return np.asarray(points, dtype=float) * np.array([SQUEEZE, 1.0])


def _points_in(shape: Any, count: int, rng: np.random.Generator) -> Array:
    """So many points inside a shape, evenly at random."""
    shapely.prepare(shape)
    west, south, east, north = shape.bounds
    found: list[Array] = []
    have = 0
    while have < count:
        guess = rng.random((count * 2, 2)) * [east - west, north - south] + [west, south]
        inside = guess[shapely.contains_xy(shape, guess[:, 0], guess[:, 1])]
        found.append(inside)
        have += len(inside)
    return np.concatenate(found)[:count]


def _grouped(units: Iterable[Unit]) -> dict[str, list[Unit]]:
    groups: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        groups[unit.parent].append(unit)
    return groups


def _unions(shapes: dict[str, Any], units: Iterable[Unit]) -> dict[str, Any]:
    return {
        parent: shapely.unary_union([shapes[unit.code] for unit in group])
        for parent, group in _grouped(units).items()
    }


def _polygons_only(shape: Any) -> Any:
    return shapely.unary_union([part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"])


def _multi(shape: Any) -> MultiPolygon:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return MultiPolygon(parts)


Draw = Callable[[Divisions], Drawing]
