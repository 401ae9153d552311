"""`bin/bench locate`: points located each second, beside shapely's STRtree and PostGIS, in one run.

The cells are made up (Voronoi, fixed seed) and as many as Nantong's grid has: 9,162 + 4,487.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from django.db import connection
from numpy.typing import NDArray

from city.locate import Locator

CELLS = 13_649
POINTS = 3_000_000
CHECKED = 100_000
TARGET = 3_000_000  # points/s
BOX = (120.2, 31.7, 121.9, 32.7)  # degrees, about Nantong


def make_cells(count: int = CELLS, seed: int = 2026) -> tuple[list[str], NDArray[Any]]:
    """Voronoi cells that fill the box, with cell codes."""
    rng = np.random.default_rng(seed)
    west, south, east, north = BOX
    sites = np.column_stack([rng.uniform(west, east, count), rng.uniform(south, north, count)])
    box = shapely.box(*BOX)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(sites), extend_to=box))
    cells = shapely.intersection(cells, box)
    cells = np.array(
        [shapely.multipolygons([cell]) for cell in cells[~shapely.is_empty(cells)]], dtype=object
    )
    return [f"320613{n // 1000:03d}{n // 100 % 10 + 1:03d}1{n % 100:03d}" for n in range(len(cells))], cells


def make_points(count: int, seed: int = 7) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points over the box and a little beyond, so that some lie nowhere."""
    rng = np.random.default_rng(seed)
    west, south, east, north = BOX
    return rng.uniform(west - 0.01, east + 0.01, count), rng.uniform(south - 0.01, north + 0.01, count)


def tricky_points(cells: NDArray[Any], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of cells: the points where the rule for edges decides."""
    corners = shapely.get_coordinates(cells)
    chosen = np.random.default_rng(11).choice(len(corners), count, replace=False)
    return corners[chosen, 0], corners[chosen, 1]


def best_of(runs: int, work: Any) -> float:
    """Seconds of the quickest run: the others were disturbed by whatever else the machine did."""
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def strtree_seconds(cells: NDArray[Any], lons: NDArray[np.float64], lats: NDArray[np.float64]) -> float:
    tree = shapely.STRtree(cells)
    return best_of(2, lambda: tree.query(shapely.points(lons, lats), predicate="intersects"))


_ASK_POSTGIS = """
SELECT coalesce((SELECT c.code FROM bench_cell c WHERE ST_Covers(c.polygon, p.point)
                 ORDER BY length(c.code) DESC, c.code LIMIT 1), '')
  FROM bench_point p ORDER BY p.id
"""


def ask_postgis(
    codes: list[str], cells: NDArray[Any], lons: NDArray[np.float64], lats: NDArray[np.float64]
) -> tuple[NDArray[np.str_], float]:
    """PostGIS' answer in temporary tables with a spatial index, and the seconds of the query alone."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_cell, bench_point")
        cursor.execute("CREATE TEMP TABLE bench_cell (code varchar, polygon geometry(MultiPolygon, 4490))")
        cursor.execute("CREATE TEMP TABLE bench_point (id int, point geometry(Point, 4490))")
        for start in range(0, len(codes), 1_000):
            part = slice(start, start + 1_000)
            cursor.execute(
                "INSERT INTO bench_cell SELECT c, ST_SetSRID(ST_GeomFromWKB(w), 4490)"
                " FROM unnest(%s, %s) AS t(c, w)",
                [codes[part], [shapely.to_wkb(cell) for cell in cells[part]]],
            )
        cursor.execute("CREATE INDEX ON bench_cell USING gist (polygon)")
        for start in range(0, len(lons), 50_000):
            part = slice(start, start + 50_000)
            cursor.execute(
                "INSERT INTO bench_point SELECT i, ST_SetSRID(ST_MakePoint(x, y), 4490)"
                " FROM unnest(%s, %s, %s) AS t(i, x, y)",
                [list(range(start, start + len(lons[part]))), lons[part].tolist(), lats[part].tolist()],
            )
        cursor.execute("ANALYZE bench_cell, bench_point")
        begun = time.perf_counter()
        cursor.execute(_ASK_POSTGIS)
        rows = cursor.fetchall()
        seconds = time.perf_counter() - begun
        cursor.execute("DROP TABLE bench_cell, bench_point")
    return np.array([code for (code,) in rows], dtype="U16"), seconds


def main(arguments: Sequence[str] = ()) -> int:
    codes, cells = make_cells()
    lons, lats = make_points(POINTS)
    begun = time.perf_counter()
    locator = Locator(codes, cells)
    built = time.perf_counter() - begun
    print(f"{len(codes):,} cells; index built in {built:.1f} s; {POINTS:,} points")

    ours = POINTS / best_of(3, lambda: locator.locate_indices(lons, lats))
    with_codes = POINTS / best_of(3, lambda: locator.locate_many(lons, lats))
    some = slice(0, 500_000)
    strtree = 500_000 / strtree_seconds(cells, lons[some], lats[some])

    corner_lons, corner_lats = tricky_points(cells, CHECKED // 10)
    plain = CHECKED - CHECKED // 10
    check_lons = np.concatenate([lons[:plain], corner_lons])
    check_lats = np.concatenate([lats[:plain], corner_lats])
    theirs, seconds = ask_postgis(codes, cells, check_lons, check_lats)
    postgis = CHECKED / seconds
    differ = int((theirs != locator.locate_many(check_lons, check_lats)).sum())

    result = {
        "bench": "locate",
        "points_per_second": round(ours),
        "with_codes_per_second": round(with_codes),
        "strtree_per_second": round(strtree),
        "postgis_per_second": round(postgis),
        "ratio": round(ours / TARGET, 2),
        "ratio_to_strtree": round(ours / strtree, 1),
        "ratio_to_postgis": round(ours / postgis, 1),
        "checked": CHECKED,
        "different_from_postgis": differ,
        "index_seconds": round(built, 2),
        "target": TARGET,
    }
    print(json.dumps(result))
    return 1 if differ else 0
