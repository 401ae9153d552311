"""The raster answers exactly as PostGIS does: deepest area first, then lowest code; edges belong to both."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from city import bench
from city.locate import Locator, locate, locate_many
from city.models import Area
from city.raster import RasterIndex
from tests.factories.city import AreaFactory, square


def polygons(*shapes) -> np.ndarray:
    found = np.empty(len(shapes), dtype=object)
    found[:] = shapes
    return found


def by_geos(index: RasterIndex, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return index.ask_geos(x, y)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_cells_equal_geos(seed):
    codes, cells = bench.make_cells(400, seed=seed)
    locator = Locator(codes, cells)
    x, y = bench.make_points(60_000, seed=seed)
    ex, ey = bench.tricky_points(cells, 800)
    x, y = np.concatenate([x, ex]), np.concatenate([y, ey])
    expected = np.array([*locator.codes, ""])[by_geos(locator.raster, x, y)]
    assert (locator.locate_many(x, y) == expected).all()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_overlapping_polygons_equal_geos(data):
    """Overlaps, holes, gaps, shared and half-shared edges, slivers: whatever lists of the real world hold."""
    whole = st.integers(0, 12)
    shapes = []
    for _ in range(data.draw(st.integers(1, 8))):
        corners = data.draw(st.lists(st.tuples(whole, whole), min_size=3, max_size=7, unique=True))
        shape = shapely.convex_hull(shapely.MultiPoint(corners))
        if data.draw(st.booleans()):
            shape = shape.difference(shapely.box(4, 4, 6, 7))
        if not shape.is_empty and shape.geom_type in ("Polygon", "MultiPolygon"):
            shapes.append(shape)
    if not shapes:
        return
    index = RasterIndex(polygons(*shapes))
    grid = np.arange(-1, 13.25, 0.25)
    x, y = (axis.ravel() for axis in np.meshgrid(grid, grid))
    assert (index.find(x, y) == by_geos(index, x, y)).all()


def test_missing_and_impossible_coordinates_lie_nowhere():
    codes, cells = bench.make_cells(50)
    odd = [np.nan, np.inf, -np.inf, 0.0, 1e300, 120.5, 120.5]
    lats = [32.0, 32.0, 32.0, 0.0, 1e300, np.nan, np.inf]
    assert (Locator(codes, cells).locate_many(odd, lats) == "").all()


def test_no_areas_no_answer():
    assert Locator([], polygons()).locate_many([120.5], [32.0]).tolist() == [""]


def test_lists_of_different_length_are_refused():
    with pytest.raises(ValueError):
        Locator([], polygons()).locate_many([120.5], [])


@pytest.mark.django_db
def test_the_deepest_area_wins_and_then_the_lowest_code():
    AreaFactory(code="3206", polygon=square(120, 31, 2))
    AreaFactory(code="320613", polygon=square(120, 31, 1))
    AreaFactory(code="320614", polygon=square(121, 31, 1))
    AreaFactory(code="320613003", polygon=square(120.2, 31.2, 0.2))
    assert locate(120.3, 31.3) == "320613003"
    assert locate(120.9, 31.9) == "320613"
    assert locate(121, 31.5) == "320613"  # on the edge between two counties
    assert locate(120.5, 32.5) == "3206"
    assert locate(119, 31) is None
    assert locate(120.3, 31.3, level="county") == "320613"
    assert locate(120.5, 32.5, level="county") is None


@pytest.mark.django_db
def test_postgis_gives_the_same_answers():
    codes, cells = bench.make_cells(300)
    parts = [cells[n] for n in range(0, 300, 2)]
    for code, cell in zip(codes[::2], parts, strict=True):
        AreaFactory(code=code, polygon=cell.wkt)
    AreaFactory(code="3206", polygon=square(120.1, 31.6, 1.5))
    x, y = bench.make_points(1_500, seed=5)
    ex, ey = bench.tricky_points(cells, 300)
    x, y = np.concatenate([x, ex]), np.concatenate([y, ey])
    every = list(Area.objects.values_list("code", "polygon"))
    shapes = polygons(*(shapely.from_wkb(bytes(shape.wkb)) for _code, shape in every))
    theirs, _seconds = bench.ask_postgis([code for code, _shape in every], shapes, x, y)
    assert (locate_many(x, y) == theirs).all()
