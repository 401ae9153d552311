"""Web Mercator as whole numbers: the square of the world is 2^30 units wide, y runs south, as tiles do."""

from typing import Any

import numpy as np

BITS = 30
SIZE = 1 << BITS
MOST_LAT = 85.0511287798  # degrees; the square ends there


def world_of(lon: Any, lat: Any) -> tuple[Any, Any]:
    """Degrees as arrays of floats -> arrays of whole numbers."""
    lat = np.clip(np.asarray(lat, dtype=np.float64), -MOST_LAT, MOST_LAT)
    x = (np.asarray(lon, dtype=np.float64) + 180.0) / 360.0
    y = 0.5 - np.log(np.tan(np.pi / 4 + np.radians(lat) / 2)) / (2 * np.pi)
    ceiling = SIZE - 1
    return (
        np.clip(np.floor(x * SIZE), 0, ceiling).astype(np.int64),
        np.clip(np.floor(y * SIZE), 0, ceiling).astype(np.int64),
    )
