"""`bin/bench devices`: 240,000 devices imported, beating, patrolled and on the map.

- import: a file through the hub (checked, committed, located) and its tap, to rows of the register
- heartbeats: the whole HTTP view in batches of 1,000; the limit is 4,000/s (240,000 a minute)
- patrol: one round over all of them, nothing happening; and one in which a fifth falls silent at once
- map: box queries of a walk from the whole city down to a street, the production tile against a bare SQL
  count of the same box by turns; the limit is 300 ms at the 95th percentile (domain features, row 8)
"""

import argparse
import csv
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg2
from django.apps import apps
from django.conf import settings
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.db import connection
from django.test import Client

from commandcenter.core import clock
from datahub.devices import services, tiles
from datahub.devices.models import Device, DeviceSpell, Fault
from datahub.packs.city_devices import DEVICES
from datahub.services import deliver, save_dataset

COUNT = 240_000
BEATS_LIMIT = 4_000  # a second
BOX_LIMIT_MS = 300
BATCH = 1_000
OWNERS = 120
WEST, SOUTH, EAST, NORTH = 120.2, 31.65, 121.95, 32.7


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=COUNT)
    count = parser.parse_args(argv).count
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    _city()
    found: dict[str, Any] = {"devices": count}
    found |= _import(count)
    found |= _beats(count)
    found |= _patrol()
    found |= _map()
    found["ratio"] = round(found["beats_s"] / BEATS_LIMIT, 1)
    print(json.dumps(found))


def _city() -> None:
    """Counties as squares, and owners."""
    generations, areas, organisations = (
        apps.get_model("city", name).objects for name in ("Generation", "Area", "Organisation")
    )
    at = clock.now()
    generation = generations.create(number=1, state="active", source="bench", at=at, activated_at=at)
    areas.create(generation=generation, code="3206", name="南通市", level="city", parent_code="")
    for n in range(9):
        x, y = WEST + (n % 3) * 0.6, SOUTH + (n // 3) * 0.36
        ring = ((x, y), (x + 0.6, y), (x + 0.6, y + 0.36), (x, y + 0.36), (x, y))
        shape = MultiPolygon(Polygon(ring, srid=4490), srid=4490)
        areas.create(
            generation=generation, code=f"32061{n}", name=f"县区{n}", level="county", parent_code="3206",
            polygon=shape,
        )  # fmt: skip
    organisations.bulk_create(
        organisations.model(
            code=f"o{n}", name=f"单位{n}", short_name=f"单位{n}", function="police", area_code="3206",
            kind="department",
        )
        for n in range(OWNERS)
    )  # fmt: skip
    save_dataset(DEVICES)


def _code(n: int) -> str:
    return f"32061300001320{n:06d}"


def _import(count: int) -> dict[str, Any]:
    """Most devices stand in towns: three quarters around twelve centres, the rest anywhere."""
    dice = np.random.default_rng(20261122)
    centre = dice.integers(0, 12, count)
    cx, cy = dice.uniform(WEST + 0.2, EAST - 0.2, 12), dice.uniform(SOUTH + 0.1, NORTH - 0.1, 12)
    town = dice.random(count) < 0.75
    lon = np.where(town, dice.normal(cx[centre], 0.04), dice.uniform(WEST, EAST, count))
    lat = np.where(town, dice.normal(cy[centre], 0.03), dice.uniform(SOUTH, NORTH, count))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "devices.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(
                ["code", "kind", "name", "lon", "lat", "datum", "owner", "feed", "maker", "model"]
            )
            for n in range(count):
                writer.writerow(
                    [_code(n), "camera", f"路口{n}", f"{lon[n]:.6f}", f"{lat[n]:.6f}", "gcj02",
                     f"o{n % OWNERS}", "public" if n % 4 else "social", "甲", f"M{n % 7}"]
                )  # fmt: skip
        began = time.perf_counter()
        delivery = deliver(dataset_code="city.devices", path=path)
        took = time.perf_counter() - began
    there = Device.objects.count()
    if (delivery.rows_committed, there) != (count, count):
        raise SystemExit(f"{delivery.rows_committed} committed, {there} in the register, {count} given")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE datahub_device")
        cursor.execute("ANALYZE datahub_pulse")
    return {"import_s": round(took, 1), "import_rows_s": round(count / took)}


def _beats(count: int) -> dict[str, Any]:
    _key, token = services.issue_key(name="bench", owner_code="", by=None)
    client, times = Client(), []
    headers = {"Authorization": f"Bearer {token}"}
    began = time.perf_counter()
    for first in range(0, count, BATCH):
        at = clock.now().isoformat()
        codes = range(first, min(first + BATCH, count))
        body = json.dumps({"sent_at": at, "beats": [{"code": _code(n), "at": at} for n in codes]})
        start = time.perf_counter()
        answer = client.post(
            "/api/devices/v1/heartbeat", body, content_type="application/json", headers=headers
        )
        times.append(time.perf_counter() - start)
        if answer.status_code != 200 or answer.json()["accepted"] != len(codes):
            raise SystemExit(f"{answer.status_code}: {answer.content[:300]!r}")
    took = time.perf_counter() - began
    return {
        "beats_s": round(count / took),
        "beats_limit_s": BEATS_LIMIT,
        "batch_p95_ms": round(statistics.quantiles(times, n=20)[-1] * 1000),
    }


def _patrol() -> dict[str, Any]:
    def timed(work: Callable[[], Any]) -> tuple[float, Any]:
        began = time.perf_counter()
        done = work()
        return round(time.perf_counter() - began, 2), done

    first, _done = timed(services.patrol)
    quiet, _done = timed(services.patrol)
    at = clock.now()
    # A fifth of the owners falls silent: the others' last heartbeat lies a minute back.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE datahub_pulse p SET seen_at = %s FROM datahub_device d"
            " WHERE d.id = p.device_id AND NOT d.owner_code = ANY(%s)",
            [at + timedelta(minutes=4), [f"o{n}" for n in range(0, OWNERS, 5)]],
        )
    with clock.at(at + timedelta(minutes=4)):
        mass, done = timed(services.patrol)
        day, _days = timed(lambda: services.count_availability(force=True))
    groups = Fault.objects.filter(is_group=True).count()
    if Fault.objects.count() != groups:
        raise SystemExit("single faults where whole owners fell silent")
    return {
        "patrol_first_s": first, "patrol_quiet_s": quiet, "patrol_fifth_silent_s": mass,
        "fell_silent": done.silent, "group_faults": groups, "spells": DeviceSpell.objects.count(),
        "count_day_s": day,
    }  # fmt: skip


def _map() -> dict[str, Any]:
    """Boxes as a person walks: at each zoom the tiles around the fullest places, and some at random."""
    _settle()
    dice = np.random.default_rng(7)
    places = list(Device.objects.order_by("pk").values_list("world_x", "world_y")[:: max(1, COUNT // 40)])[
        :40
    ]
    asked: dict[int, list[tuple[int, int, int]]] = {}
    for z in range(6, 18):
        some = dice.choice(len(places), size=min(12, len(places)), replace=False)
        asked[z] = [(z, places[n][0] >> (30 - z), places[n][1] >> (30 - z)) for n in some]
    every, bare, sizes, worst = [], [], [], 0.0
    found = Device.objects.listed().filter(world_x__isnull=False)
    for z, wanted in asked.items():
        mine = []
        for _z, x, y in wanted:
            start = time.perf_counter()
            body = tiles.tile_of(found, z, x, y)
            mine.append((time.perf_counter() - start) * 1000)
            sizes.append(len(body))
            start = time.perf_counter()
            _bare(z, x, y)
            bare.append((time.perf_counter() - start) * 1000)
        worst = max(worst, statistics.median(mine))
        every += mine
    p95 = statistics.quantiles(every, n=20)[-1]
    return {
        "boxes": len(every), "box_p50_ms": round(statistics.median(every), 1), "box_p95_ms": round(p95, 1),
        "box_limit_ms": BOX_LIMIT_MS, "box_worst_zoom_median_ms": round(worst, 1),
        "bare_p95_ms": round(statistics.quantiles(bare, n=20)[-1], 1),
        "box_ratio": round(sum(every) / sum(bare), 2), "largest_tile_kb": round(max(sizes) / 1024),
    }  # fmt: skip


def _settle() -> None:
    """What autovacuum does in a city within a minute of such changes; only the owner of a table may."""
    at = settings.DATABASES["default"]
    owner = settings.DATABASE_OWNER
    link = psycopg2.connect(
        host=at["HOST"], port=at["PORT"], dbname=at["NAME"], user=owner["USER"], password=owner["PASSWORD"]
    )
    link.autocommit = True
    try:
        with link.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) datahub_device")
    finally:
        link.close()


def _bare(z: int, x: int, y: int) -> int:
    """What the same box costs in bare SQL: count it, and fetch at most so many rows of it."""
    span = 1 << (30 - z)
    box = [x * span, (x + 1) * span, y * span, (y + 1) * span]
    where = "world_x >= %s AND world_x < %s AND world_y >= %s AND world_y < %s AND state <> 'retired'"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM datahub_device WHERE {where}", box)  # noqa: S608
        count = int(cursor.fetchone()[0])
        cursor.execute(
            f"SELECT id, name, state, kind, world_x, world_y FROM datahub_device WHERE {where} LIMIT 5000",  # noqa: S608
            box,
        )
        cursor.fetchall()
    return count
