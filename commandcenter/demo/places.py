"""Where things happen in the demo city."""

import random
from dataclasses import dataclass
from functools import lru_cache

import shapely

from city.models import Area
from city.selectors import active_generation

from .boundaries import short

# Calls by county follow the population roughly; 崇川 as the centre calls most.
COUNTY_WEIGHTS = {
    "320613": 26,
    "320612": 14,
    "320614": 12,
    "320623": 11,
    "320671": 6,
    "320681": 11,
    "320682": 12,
    "320685": 8,
}


@dataclass(frozen=True)
class Village:
    code: str
    name: str
    town: str
    shape: shapely.Geometry


@lru_cache(maxsize=4)
def _villages(generation: int) -> dict[str, list[Village]]:
    towns = dict(Area.objects.filter(generation_id=generation, level="town").values_list("code", "name"))
    found: dict[str, list[Village]] = {code: [] for code in COUNTY_WEIGHTS}
    rows = Area.objects.filter(generation_id=generation, level="village", polygon__isnull=False)
    for code, name, polygon in rows.order_by("code").values_list("code", "name", "polygon"):
        assert polygon is not None  # the query asks for areas with one
        shape = shapely.from_wkb(bytes(polygon.wkb))
        found.setdefault(code[:6], []).append(Village(code, short(name), towns.get(code[:9], ""), shape))
    return {county: villages for county, villages in found.items() if villages}


def villages() -> dict[str, list[Village]]:
    """Villages with their shapes by county, of the generation in force."""
    generation = active_generation()
    return _villages(generation.pk) if generation else {}


def random_village(rng: random.Random) -> Village:
    """A village; towns near the county's seat come up more often than the far ones."""
    by_county = villages()
    counties = list(by_county)
    county = rng.choices(counties, weights=[COUNTY_WEIGHTS.get(code, 5) for code in counties])[0]
    choices = by_county[county]
    return choices[min(int(rng.random() ** 1.6 * len(choices)), len(choices) - 1)]


def random_point(rng: random.Random, village: Village) -> tuple[float, float]:
    """A point inside the village, CGCS2000 degrees."""
    west, south, east, north = village.shape.bounds
    for _ in range(60):
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        if shapely.contains_xy(village.shape, x, y):
            return x, y
    inside = village.shape.representative_point()
    return inside.x, inside.y
