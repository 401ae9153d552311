"""A generation of areas is loaded as a draft and switched on as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.db import transaction
from django.db.models import Max

from city.events import GenerationActivated
from city.imports import AreaPlan
from city.models import SRID, Area, AreaLineage, Generation
from city.selectors import forget_areas
from city.states import MOVES, GenerationState, Level, LineageKind
from commandcenter.core import clock
from commandcenter.core.codes import level_of, parent_of
from commandcenter.core.moves import next_state
from commandcenter.journal.live import announce
from commandcenter.journal.services import audit


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One area to load. polygon: a shapely or GEOS (Multi)Polygon in CGCS2000 degrees, or None."""

    code: str
    name: str
    short_name: str = ""
    polygon: Any = None
    is_demo_boundary: bool = False


@dataclass(frozen=True, slots=True)
class LineageRow:
    old_code: str
    new_code: str
    kind: str = LineageKind.RENAMED
    reason: str = ""


def as_multipolygon(shape: Any) -> MultiPolygon | None:
    """A GEOS multipolygon in the stored system from whatever geometry library made the shape."""
    if shape is None:
        return None
    geos = shape if isinstance(shape, GEOSGeometry) else GEOSGeometry(memoryview(shape.wkb), srid=SRID)
    geos.srid = SRID
    return geos if isinstance(geos, MultiPolygon) else MultiPolygon(geos, srid=SRID)


@transaction.atomic
def load_generation(
    *, areas: Iterable[AreaRow], source: str, version: str = "", lineage: Sequence[LineageRow] = ()
) -> Generation:
    """Write a draft generation. Parents and levels follow from the codes."""
    number = (Generation.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    generation = Generation.objects.create(number=number, source=source, version=version, at=clock.now())
    rows = [
        Area(
            generation=generation,
            code=row.code,
            name=row.name,
            short_name=row.short_name or shorten(row.name),
            level=level_of(row.code),
            parent_code=parent_of(row.code) or "",
            polygon=as_multipolygon(row.polygon),
            is_demo_boundary=row.is_demo_boundary,
        )
        for row in areas
    ]
    Area.objects.bulk_create(rows, batch_size=1_000)
    AreaLineage.objects.bulk_create(
        [
            AreaLineage(
                generation=generation,
                old_code=row.old_code,
                new_code=row.new_code,
                kind=row.kind,
                reason=row.reason,
            )
            for row in lineage
        ]
    )
    return generation


@transaction.atomic
def activate_generation(*, generation_id: int, by: Any = None) -> Generation:
    """Switch a draft generation on and the one before it off, and tell the apps that hold open work."""
    chosen = list(
        Generation.objects.select_for_update()
        .filter(state__in=[GenerationState.DRAFT, GenerationState.ACTIVE])
        .order_by("pk")
    )
    generation = next((one for one in chosen if one.pk == generation_id), None) or Generation.objects.get(
        pk=generation_id
    )
    at = clock.now()
    state = next_state(MOVES, "activate", generation.state)
    for before in (one for one in chosen if one.state == GenerationState.ACTIVE):
        before.state = next_state(MOVES, "retire", before.state)
        before.save(update_fields=["state"])
    generation.state = state
    generation.activated_at = at
    generation.save(update_fields=["state", "activated_at"])
    areas = Area.objects.filter(generation=generation)
    top = areas.filter(level=Level.CITY).order_by("code").values_list("code", flat=True).first() or ""
    announce(
        GenerationActivated(
            area_code=top,
            audiences=["steward", "command"],
            at=at,
            number=generation.number,
            units=areas.count(),
            renamed=generation.lineage.filter(kind=LineageKind.RENAMED).count(),
        )
    )
    audit(actor=by, action="city.activate_generation", target_ref=f"city.generation:{generation.pk}")
    transaction.on_commit(forget_areas)
    forget_areas()
    return generation


_ENDINGS = ("社区居民委员会", "村民委员会", "社区居委会", "居民委员会", "居委会", "村委会")


def shorten(name: str) -> str:
    """崇川区 → 崇川, 新村社区居委会 → 新村社区, 某某经济技术开发区 stays."""
    for ending in _ENDINGS:
        if name.endswith(ending) and len(name) > len(ending):
            stem = name.removesuffix(ending)
            if "社区" in ending:
                return stem + "社区"
            return (
                stem if "居" in ending and stem.endswith("社区") else stem + ("村" if "村" in ending else "")
            )
    if (
        len(name) > 2
        and name[-1] in "市区县镇乡"
        and not name.endswith(("开发区", "社区", "园区", "街区", "示范区"))
    ):
        return name[:-1]
    return name.removesuffix("街道") if name.endswith("街道") and len(name) > 3 else name


@transaction.atomic
def import_areas(*, plan: AreaPlan, source: str, by: Any = None) -> tuple[Generation, int] | None:
    """Load a checked plan and switch it on, all or nothing; None when it is in force already.

    Lists of divisions say nothing about grid cells: those of the generation before are kept
    where their village still exists. Returns the generation and how many cells were kept.
    """
    before = Generation.objects.active().first()
    if before is not None and before.version == plan.version:
        return None
    renamed = {row.old_code: row.new_code for row in plan.boundaries.renamed}
    rows = [
        AreaRow(code=unit.code, name=unit.name, polygon=plan.boundaries.polygons.get(unit.code))
        for unit in plan.divisions.units.values()
    ]
    cells = []
    if before is not None:
        villages = plan.divisions.units.keys()
        for cell in Area.objects.filter(generation=before, level=Level.CELL).order_by("code"):
            code = renamed.get(cell.code[:6], cell.code[:6]) + cell.code[6:]
            if parent_of(code) in villages:
                cells.append(AreaRow(code, cell.name, cell.short_name, cell.polygon, cell.is_demo_boundary))
    generation = load_generation(
        areas=[*rows, *cells],
        source=source,
        version=plan.version,
        lineage=[
            LineageRow(old, new, LineageKind.RENAMED, "matched by name") for old, new in renamed.items()
        ],
    )
    return activate_generation(generation_id=generation.pk, by=by), len(cells)
