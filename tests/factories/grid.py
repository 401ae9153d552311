"""Cells, a worker who walks one, units that answer; photos made here."""

from __future__ import annotations

import io
import uuid
from typing import Any

from PIL import Image

from city.roles import Role
from grid.models import CellWorker, Report
from grid.services import ensure_event_kinds, report_event
from tests.factories.city import CHONGCHUAN, AreaFactory, OrganisationFactory, UserFactory, square

VILLAGE = "320613001001"
CELL, NEXT_CELL = f"{VILLAGE}1001", f"{VILLAGE}1002"
INSIDE, NEXT_DOOR, OUTSIDE = (120.855, 31.955), (120.875, 31.955), (10.0, 10.0)  # WGS-84 degrees
RUBBISH, GAS, FRAUD = "e0102", "e0404", "s1303"


def walked_city() -> dict[str, Any]:
    """A city with two cells, their worker, urban management and police of the county."""
    for code, size in (("3206", 2.0), (CHONGCHUAN, 0.4), (CHONGCHUAN + "001", 0.3), (VILLAGE, 0.2)):
        AreaFactory(code=code, name=f"名{code}", polygon=square(120.8, 31.9, size))
    AreaFactory(code=CELL, name="第一网格", polygon=square(120.85, 31.95, 0.01))
    AreaFactory(code=NEXT_CELL, name="第二网格", polygon=square(120.87, 31.95, 0.01))
    ensure_event_kinds()
    worker = UserFactory(username="worker", roles=[(Role.GRID_WORKER, CELL)], area_code=CELL)
    CellWorker.objects.create(user=worker, cell_code=CELL)
    return {
        "worker": worker,
        "urban": OrganisationFactory(code="320613-cg", function="urban_mgmt", area_code=CHONGCHUAN),
        "police": OrganisationFactory(code="320613-ga", function="police", area_code=CHONGCHUAN),
    }


def photo(kind: str = "JPEG", size: tuple[int, int] = (320, 240), *, secret: bool = False) -> bytes:
    """A picture; with `secret` it carries place, device and owner in EXIF, as phones do."""
    out = io.BytesIO()
    picture = Image.new("RGB", size, (120, 160, 90))
    extra: dict[str, Any] = {}
    if secret:
        exif = Image.Exif()
        exif[0x010F], exif[0x8298] = "PhoneMaker", "Owner Name"
        exif.get_ifd(0x8825)[1] = "N"
        extra["exif"] = exif
    picture.save(out, kind, **extra)
    return out.getvalue()


def a_report(by: Any, **changed: Any) -> Report:
    data: dict[str, Any] = {
        "client_uuid": uuid.uuid4(),
        "kind_code": RUBBISH,
        "lon": INSIDE[0],
        "lat": INSIDE[1],
    }
    return report_event(by=by, **{**data, **changed})
