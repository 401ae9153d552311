"""Datums. Everything is stored as CGCS2000 (EPSG:4490); others are converted at the edge.

GCJ-02 is an offset of WGS-84 that was never published officially; the formula below is the
one every map library of the field carries, good to about a metre inside China. WGS-84 and
CGCS2000 differ by centimetres, below what any source here measures, and are taken as equal.
Longitudes and latitudes are degrees, as floats or numpy arrays of one shape.
"""

from typing import Any

import numpy as np

_A = 6378245.0  # semi-major axis of the Krasovsky 1940 ellipsoid, metres
_E2 = 0.00669342162296594323  # its first eccentricity squared


def _wave(x: Any, terms: tuple[tuple[float, float], ...]) -> Any:
    return sum(amplitude * np.sin(x * np.pi * factor) for amplitude, factor in terms) * 2.0 / 3.0


def _offset(lon: Any, lat: Any) -> tuple[Any, Any]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = _wave(x, ((20.0, 6.0), (20.0, 2.0)))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east = east + _wave(x, ((20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30)))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north = north + _wave(y, ((20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30)))
    phi = np.radians(lat)
    magic = 1 - _E2 * np.sin(phi) ** 2
    meridian = _A * (1 - _E2) / (magic * np.sqrt(magic))
    parallel = _A / np.sqrt(magic) * np.cos(phi)
    return np.degrees(east / parallel), np.degrees(north / meridian)


def wgs84_to_gcj02(lon: Any, lat: Any) -> tuple[Any, Any]:
    """Add the GCJ-02 offset. Meant for points inside China only."""
    east, north = _offset(lon, lat)
    return lon + east, lat + north


def gcj02_to_wgs84(lon: Any, lat: Any) -> tuple[Any, Any]:
    """Invert the offset by fixed-point iteration; three rounds reach below a millimetre."""
    guess_lon, guess_lat = lon, lat
    for _ in range(3):
        east, north = _offset(guess_lon, guess_lat)
        guess_lon, guess_lat = lon - east, lat - north
    return guess_lon, guess_lat


def wgs84_to_cgcs2000(lon: Any, lat: Any) -> tuple[Any, Any]:
    """Equal within centimetres: the same numbers."""
    return lon, lat


def gcj02_to_cgcs2000(lon: Any, lat: Any) -> tuple[Any, Any]:
    return gcj02_to_wgs84(lon, lat)


TO_CGCS2000 = {
    "cgcs2000": wgs84_to_cgcs2000,
    "wgs84": wgs84_to_cgcs2000,
    "gcj02": gcj02_to_cgcs2000,
}
