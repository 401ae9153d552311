"""Air of a small city: stations' readings delivered through the hub, detectors in any state, people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from alerts import services
from alerts.models import Detector
from datahub.models import Delivery
from datahub.services import deliver, load_packs
from tests.factories.city import AreaFactory, OrganisationFactory, UserFactory, square

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # noon in Shanghai, a Friday
OZONE, PM25 = "env-o3-1h", "env-pm25-24h"
DATASET = "env.air_quality"


def clean_air_city() -> dict[str, Any]:
    """City, county, their environment offices, the catalogue, an analyst, a second person."""
    AreaFactory(code="3206", name="南通市", polygon=square(120.0, 31.0, 2.0))
    AreaFactory(code="320613", name="崇川区", polygon=square(120.8, 31.9, 0.2))
    load_packs()
    services.load_detectors()
    return {
        "city_office": OrganisationFactory(code="3206-environment", function="environment", area_code="3206"),
        "county_office": OrganisationFactory(code="320613-hj", function="environment", area_code="320613"),
        "analyst": UserFactory(username="analyst", may=["analyst"]),
        "second": UserFactory(username="second", may=["analyst"]),
    }


def switch(code: str, state: str, people: dict[str, Any], **fields: Any) -> Detector:
    """A detector brought to a state by its real steps."""
    detector = Detector.objects.get(code=code)
    steps = {"draft": 0, "trial": 1, "approved": 2, "live": 3}[state]
    key = {"detector_id": detector.pk}
    if steps > 0:
        services.try_detector(**key, by=people["analyst"])
    if steps > 1:
        services.approve_detector(**key, by=people["second"])
    if steps > 2:
        services.go_live(**key, by=people["analyst"])
    if fields:
        Detector.objects.filter(pk=detector.pk).update(**fields)
    detector.refresh_from_db()
    return detector


def air(
    values: Sequence[float | None],
    *,
    station: str = "A",
    column: str = "o3",
    end: datetime = NOW,
    place: tuple[float, float] | None = (120.85, 31.95),
) -> pa.Table:
    """Hourly readings of one station; the last one at `end`."""
    times = [end - timedelta(hours=len(values) - 1 - n) for n in range(len(values))]
    size = len(values)
    return pa.table(
        {
            "station": [station] * size,
            "at": pa.array(times, pa.timestamp("us", "UTC")),
            column: pa.array(values, pa.float64()),
            "lon": pa.array([place[0] if place else None] * size, pa.float64()),
            "lat": pa.array([place[1] if place else None] * size, pa.float64()),
        }
    )


def bring(table: pa.Table, **how: Any) -> Delivery:
    """Deliver and insist that every row was taken."""
    delivery = deliver(dataset_code=DATASET, table=table, **how)
    assert delivery.state == "committed", (delivery.reason, delivery.detail)
    assert delivery.rows_rejected == 0
    return delivery
