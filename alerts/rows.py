"""The alerts' view of the lake: rows of some days as one expression, and the engine that runs it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from commandcenter.core import coordinates
from datahub import selectors as hub

PLACE = ("_lon", "_lat")


def of_days(dataset_code: str, columns: Sequence[str], first: date, last: date) -> ir.Table:
    """Rows of Shanghai days first..last: the columns, where each lies in the lake, its place, and `_live`."""
    table = hub.engine().table(dataset_code, days=(first, last))
    table = with_place(table.filter(table["day"].between(first, last)), dataset_code)
    return table.mutate(_live=table["_live"].fill_null(False)).select(*columns, "_area", "_live", *PLACE)


def with_place(table: ir.Table, dataset_code: str) -> ir.Table:
    """Adds _lon and _lat as delivered; null where the dataset or the row has none."""
    spec = hub.spec_of(dataset_code)
    nothing = ibis.null().cast("float64")
    known = set(table.columns)
    lon = table[spec.lon_column].cast("float64") if spec.lon_column in known else nothing
    lat = table[spec.lat_column].cast("float64") if spec.lat_column in known else nothing
    return table.mutate(_lon=lon, _lat=lat)


def stored_point(dataset_code: str, lon: float | None, lat: float | None) -> tuple[float, float] | None:
    """A row's place in CGCS2000 degrees, by the datum that the catalogue names."""
    if lon is None or lat is None:
        return None
    datum = hub.spec_of(dataset_code).datum
    if datum == "cgcs2000":
        return lon, lat
    convert = coordinates.gcj02_to_cgcs2000 if datum == "gcj02" else coordinates.wgs84_to_cgcs2000
    x, y = convert(lon, lat)
    return float(x), float(y)


def run(expression: ir.Table) -> pa.Table:
    """Execute on the city's engine."""
    return hub.engine().to_arrow(expression)
