"""Where a point lies: the deepest area that holds it, in CGCS2000 degrees.

Edges belong to both neighbours; of areas equally deep the lowest code wins. In SQL:
`WHERE ST_Covers(polygon, point) ORDER BY length(code) DESC, code LIMIT 1`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from city.models import Area
from city.raster import NOBODY, RasterIndex
from city.selectors import active_generation_id
from city.states import CODE_LENGTHS


@dataclass(frozen=True, slots=True)
class Located:
    """Where many points lie: `codes[index[i]]` is the area of point i, '' where none holds it."""

    index: NDArray[np.int32]  # position in `codes`; the last code is ''
    codes: NDArray[np.str_]

    def as_codes(self) -> NDArray[np.str_]:
        return self.codes.take(self.index)


class Locator:
    """The areas of one set, ready to be asked. `codes` and `polygons` belong together."""

    def __init__(self, codes: Sequence[str], polygons: NDArray[Any]) -> None:
        order = sorted(range(len(codes)), key=lambda n: (-len(codes[n]), codes[n]))
        self.codes = [codes[n] for n in order]
        self.raster = RasterIndex(np.asarray(polygons, dtype=object)[order])

    @cached_property
    def _names(self) -> NDArray[np.str_]:
        return np.array([*self.codes, ""], dtype="U16")

    def locate_indices(self, lons: ArrayLike, lats: ArrayLike) -> Located:
        """The fastest form: numbers into a short list of codes (an Arrow dictionary, for instance)."""
        x, y = np.asarray(lons, dtype=np.float64), np.asarray(lats, dtype=np.float64)
        if x.shape != y.shape or x.ndim != 1:
            raise ValueError("longitudes and latitudes must be two lists of one length")
        index = self.raster.find(x, y)
        np.copyto(index, len(self.codes), where=index == NOBODY)
        return Located(index, self._names)

    def locate_many(self, lons: ArrayLike, lats: ArrayLike) -> NDArray[np.str_]:
        return self.locate_indices(lons, lats).as_codes()


_lock = threading.Lock()
_built: tuple[int | None, Locator] | None = None


def forget() -> None:
    """Build the index again at the next question; for tests, which change areas in place."""
    global _built
    with _lock:
        _built = None


def locator() -> Locator:
    """The index of the active generation, built once in each process."""
    global _built
    generation = active_generation_id()
    built = _built
    if built is not None and built[0] == generation:
        return built[1]
    with _lock:
        if _built is not None and _built[0] == generation:
            return _built[1]
        areas = Area.objects.with_polygon().filter(generation_id=generation or 0)
        rows: list[tuple[str, Any]] = list(areas.values_list("code", "polygon"))
        polygons: NDArray[Any] = np.empty(len(rows), dtype=object)
        polygons[:] = [shapely.from_wkb(bytes(shape.wkb)) for _code, shape in rows]
        _built = (generation, Locator([code for code, _shape in rows], polygons))
        return _built[1]


def locate_indices(lons: ArrayLike, lats: ArrayLike) -> Located:
    return locator().locate_indices(lons, lats)


def locate_many(lons: ArrayLike, lats: ArrayLike) -> NDArray[np.str_]:
    """The code of each point's deepest area, '' where none holds it or a coordinate is missing (NaN)."""
    return locator().locate_many(lons, lats)


def locate(lon: float, lat: float, level: str | None = None) -> str | None:
    """The deepest area that holds the point; with `level`, the area of that level above it.

    None where no area holds the point, or none so deep is known there.
    """
    code = str(locate_many([lon], [lat])[0])
    if level is not None:
        wanted = CODE_LENGTHS[level]
        code = code[:wanted] if len(code) >= wanted else ""
    return code or None
