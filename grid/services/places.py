"""Where something was seen: by the phone, or chosen by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _

from city.locate import locate
from city.selectors import area
from commandcenter.core.coordinates import wgs84_to_cgcs2000
from commandcenter.core.errors import BadInput, Problem, require
from grid.policies import may_choose

if TYPE_CHECKING:
    from city.models import User


@dataclass(frozen=True)
class Place:
    """Where it is: an area, and a point when the phone knew it."""

    area_code: str
    location: Point | None


def find_place(*, by: User, lon: float | None, lat: float | None, area_code: str = "") -> Place:
    """The measured point's area, else the area chosen by hand. lon, lat: degrees in WGS-84.

    Raises BadInput where neither lies in the city.
    """
    point, found = None, None
    if lon is not None and lat is not None:
        x, y = wgs84_to_cgcs2000(lon, lat)
        found = locate(float(x), float(y))
        point = Point(float(x), float(y), srid=4490)
    if found:
        return Place(found, point)
    if area_code:
        require(may_choose(by, area_code), _("You may only choose areas of your own duty."))
        if area(area_code) is None:
            raise BadInput(Problem(None, "area_code", _("There is no such area.")))
        return Place(area_code, None)
    reason = (
        _("The place lies outside the city; please choose the area.")
        if point
        else _("Please choose the area.")
    )
    raise BadInput(Problem(None, "area_code", reason))
