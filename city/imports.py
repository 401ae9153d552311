"""Reading lists of administrative divisions and their boundaries. Nothing here writes.

The lists are four CSV files (cities, areas, streets, villages) in UTF-8, the boundaries one
GeoJSON file. Everything wrong is collected and told with file, row, column and reason.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from city.boundaries import Boundaries, read_boundaries
from city.states import CODE_LENGTHS, Level
from commandcenter.core.codes import parent_of
from commandcenter.core.errors import BadInput, Problem
from commandcenter.core.uploads import sniff

MAX_BYTES = 64 * 1024 * 1024  # the whole country's villages are 40 MB
MAX_LINE = 10_000
MAX_PROBLEMS = 200
NAME_LENGTH = 80

# File name ending → level and the column that names the parent.
LISTS: tuple[tuple[str, Level, str], ...] = (
    ("cities.csv", Level.CITY, ""),
    ("areas.csv", Level.COUNTY, "cityCode"),
    ("streets.csv", Level.TOWN, "areaCode"),
    ("villages.csv", Level.VILLAGE, "streetCode"),
)
KNOWN_COLUMNS = frozenset({"code", "name", "provinceCode", "cityCode", "areaCode", "streetCode"})


@dataclass(frozen=True, slots=True)
class Unit:
    code: str
    name: str
    level: Level
    file: str
    row: int


@dataclass(slots=True)
class Divisions:
    units: dict[str, Unit] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    digest: str = ""

    def count(self, level: Level) -> int:
        return sum(unit.level == level for unit in self.units.values())


@dataclass(frozen=True, slots=True)
class AreaPlan:
    """What an import would load."""

    divisions: Divisions
    boundaries: Boundaries
    without_polygon: list[Unit]

    @property
    def version(self) -> str:
        both = self.divisions.digest + self.boundaries.digest
        return f"sha256:{hashlib.sha256(both.encode()).hexdigest()[:24]}"

    def summary(self) -> dict[str, int]:
        return {
            "units": len(self.divisions.units),
            "polygons": len(self.boundaries.polygons),
            "renamed": len(self.boundaries.renamed),
            "without_polygon": len(self.without_polygon),
        }


def plan_areas(*, divisions: Path, polygons: Path | None = None, datum: str | None = None) -> AreaPlan:
    """Read and check everything. Raises BadInput with all problems found."""
    units = read_divisions(divisions)
    if polygons is None:
        return AreaPlan(units, Boundaries(), [])
    boundaries = read_boundaries(polygons, datum=datum or "", units=units.units.values())
    levels = {units.units[code].level for code in boundaries.polygons}
    bare = [u for u in units.units.values() if u.level in levels and u.code not in boundaries.polygons]
    return AreaPlan(units, boundaries, bare)


def read_divisions(folder: Path) -> Divisions:
    """All four lists of a folder, checked against each other."""
    if not folder.is_dir():
        raise BadInput(Problem(None, "", _("no such folder"), str(folder)))
    problems: list[Problem] = []
    found = Divisions()
    digest = hashlib.sha256()
    for ending, level, parent_column in LISTS:
        paths = sorted(p for p in folder.glob("*.csv") if p.name == ending or p.name.endswith(f"_{ending}"))
        if len(paths) != 1:
            reason = _("no file of this kind") if not paths else _("more than one file of this kind")
            problems.append(Problem(None, "", reason, f"*{ending}"))
            continue
        try:
            content = read_text(paths[0])
        except BadInput as error:
            problems += error.problems
            continue
        digest.update(content.encode())
        found.files.append(paths[0].name)
        problems += _take_list(found, content, paths[0].name, level, parent_column)
    if problems:
        raise BadInput(problems[:MAX_PROBLEMS])
    found.digest = digest.hexdigest()
    return found


def read_text(path: Path) -> str:
    """The text of a small UTF-8 file; says so when it is another encoding or no text at all."""
    if not path.is_file():
        raise BadInput(Problem(None, "", _("no such file"), path.name))
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(Problem(None, "", _("larger than 64 MB"), path.name))
    data = path.read_bytes()
    kind = sniff(data)
    if kind == "empty":
        raise BadInput(Problem(None, "", _("the file is empty"), path.name))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadInput(Problem(None, "", _("encoded as UTF-16; save it as UTF-8"), path.name))
    if kind not in ("csv", "json"):
        raise BadInput(Problem(None, "", _("not a text file but %(kind)s") % {"kind": kind}, path.name))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n")  # data rows count from 1 below the header
        try:
            data.decode("gb18030")
            reason = _("encoded as GBK; save it as UTF-8")
        except UnicodeDecodeError:
            reason = _("not valid UTF-8")
        raise BadInput(Problem(row or None, "", reason, path.name)) from None


def _take_list(
    found: Divisions, content: str, file: str, level: Level, parent_column: str
) -> Iterator[Problem]:
    for number, line in enumerate(io.StringIO(content)):
        if len(line) > MAX_LINE:
            yield Problem(number or None, "", _("a line longer than 10,000 characters"), file)
            return
    reader = csv.reader(io.StringIO(content), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        yield Problem(max(reader.line_num - 1, 1), "", _("broken CSV: %(why)s") % {"why": error}, file)
        return
    header = [cell.strip() for cell in rows[0]] if rows else []
    missing = [name for name in ("code", "name", parent_column) if name and name not in header]
    if missing:
        for name in missing:
            yield Problem(None, name, _("the column is missing"), file)
        return
    if len(set(header)) < len(header):
        yield Problem(None, "", _("a column appears twice"), file)
        return
    for name in header:
        if name not in KNOWN_COLUMNS:
            found.notes.append(
                _("%(file)s: column %(name)s is not known and was not read") % {"file": file, "name": name}
            )
    if len(rows) == 1:
        yield Problem(None, "", _("the file has a header and no rows"), file)
    for number, cells in enumerate(rows[1:], start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            reason = _("%(found)d cells where the header has %(wanted)d") % {
                "found": len(cells),
                "wanted": len(header),
            }
            yield Problem(number, "", reason, file)
            continue
        values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        problem = _check(found, values, file, number, level, parent_column)
        if problem is not None:
            yield problem
            continue
        found.units[values["code"]] = Unit(values["code"], values["name"], level, file, number)


def _check(
    found: Divisions, values: dict[str, str], file: str, row: int, level: Level, parent_column: str
) -> Problem | None:
    code, name = values["code"], values["name"]
    digits = CODE_LENGTHS[level]
    if len(code) != digits or not (code.isascii() and code.isdigit()):
        return Problem(
            row, "code", _("“%(code)s” is not a code of %(n)d digits") % {"code": code, "n": digits}, file
        )
    before = found.units.get(code)
    if before is not None:
        where = {"code": code, "file": before.file, "row": before.row}
        return Problem(row, "code", _("%(code)s was already given in %(file)s, row %(row)d") % where, file)
    if not name:
        return Problem(row, "name", _("the name is empty"), file)
    if len(name) > NAME_LENGTH or not name.isprintable():
        return Problem(row, "name", _("not a name"), file)
    above = parent_of(code)
    if above is None:
        return None
    if values[parent_column] != above:
        words = {"code": code, "parent": values[parent_column]}
        return Problem(row, parent_column, _("%(code)s does not lie under %(parent)s") % words, file)
    if above not in found.units:
        return Problem(
            row, parent_column, _("the parent %(parent)s is not in the lists") % {"parent": above}, file
        )
    return None
