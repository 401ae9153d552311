"""Devices, heartbeats and rounds of the patrol for tests, all through the production path."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from city.roles import Role
from commandcenter.core import clock
from datahub.devices import services
from datahub.devices.models import Device
from datahub.packs.city_devices import DEVICES
from datahub.services import deliver, save_dataset
from tests.factories.city import CHONGCHUAN, CITY, OrganisationFactory, UserFactory

OWNER, OTHER = "320613-police", "320613-housing"


def camera(n: int) -> str:
    """A code by GB/T 28181: centre, trade, type 132, network, serial."""
    return f"32061300001320{n:06d}"


def row(n: int, **over: Any) -> dict[str, Any]:
    return {
        "code": camera(n), "kind": "camera", "name": f"路口{n}", "place": "人民路", "lon": 120.85 + n % 100 / 1000,
        "lat": 31.95, "datum": "cgcs2000", "owner": OWNER, "feed": "public", "maker": "甲", "model": "M1",
        "installed_on": None, "status": "in_use", **over,
    }  # fmt: skip


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.table({name: [str(r[name]) if r[name] is not None else None for r in rows] for name in rows[0]})


def owners() -> dict[str, Any]:
    """Two organisations with an officer each, and those who see by area."""
    found = {code: OrganisationFactory(code=code, function=code.partition("-")[2], area_code=CHONGCHUAN)
             for code in (OWNER, OTHER)}  # fmt: skip
    return {
        "officer": UserFactory(roles=[(Role.OFFICER, CHONGCHUAN, found[OWNER])], organisation=found[OWNER]),
        "other": UserFactory(roles=[(Role.OFFICER, CHONGCHUAN, found[OTHER])], organisation=found[OTHER]),
        "steward": UserFactory(may=[Role.STEWARD]),
        "dispatcher": UserFactory(may=[Role.DISPATCHER]),
        "far": UserFactory(roles=[(Role.STEWARD, "320623", None)]),
        "analyst": UserFactory(may=[Role.ANALYST]),
        "city": CITY,
    }


def bring(rows: list[dict[str, Any]]) -> Any:
    save_dataset(DEVICES)
    return deliver(dataset_code="city.devices", table=table_of(rows), source="upload")


def register(count: int, first: int = 1, **over: Any) -> list[Device]:
    """Devices in the register, through the hub and its tap."""
    from commandcenter import wiring

    wiring.TAPS["city.devices"] = ["datahub.devices.taps.on_register"]
    bring([row(n, **over) for n in range(first, first + count)])
    return list(
        Device.objects.filter(code__in=[camera(n) for n in range(first, first + count)]).order_by("code")
    )


class City:
    """A clock that walks, devices that beat, a patrol that comes by each minute."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def beat(self, *codes: str, **over: Any) -> services.Heard:
        with clock.at(self.now):
            return services.hear([services.Beat(code, **over) for code in codes])

    def patrol(self) -> services.Round:
        with clock.at(self.now):
            return services.patrol()

    def walk(self, minutes: int, *alive: str) -> services.Round:
        """So many minutes in which these devices beat and the patrol comes by."""
        done = services.Round()
        for _ in range(minutes):
            self.now += timedelta(minutes=1)
            if alive:
                self.beat(*alive)
            done = self.patrol()
        return done
