"""Sources in the demo city: a watched folder, a database that is pulled, one whose columns changed.

What lies outside the platform in a real city (the companies' own systems) is played here by files in
the drop folder; the platform reads them as it would read any.
"""

import csv
import os
import random
import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.cache import cache

from city.models import User
from commandcenter.core import clock
from commandcenter.core.times import SHANGHAI
from datahub.connectors.models import Source
from datahub.connectors.services import run_source, save_source
from datahub.push.services import issue_key

DRAINS, TAP_WATER, PARKING = "lifeline.drain_level", "lifeline.tap_water", "traffic.parking"
FOLDER, WATER_FILE, PARKING_FILE = "排水管网", "自来水公司/监测.sqlite", "停车平台/泊位.sqlite"
STEP = timedelta(minutes=10)
PAST = timedelta(hours=6)
WELLS = tuple((f"PS{n:03d}", 120.86 + n * 0.004, 32.00 + (n % 7) * 0.005) for n in range(24))
POINTS = tuple((f"GS{n:02d}", 120.85 + n * 0.02, 31.98 + (n % 5) * 0.02) for n in range(12))
LOTS = tuple((f"TC{n:02d}", 200 + 40 * n) for n in range(8))


def seed_sources(end: datetime) -> int:
    """Connect the sources and run each of them; the last one fails, as its owner changed his table."""
    steward = User.objects.get(username="steward")
    start = end - PAST
    steps = [start + n * STEP for n in range(int(PAST / STEP))]
    with clock.at(start):
        save_source(
            by=steward, dataset_code=DRAINS, name="排水公司文件投递", kind="folder",
            settings={"folder": FOLDER, "pattern": "*.csv", "settle_s": 2}, every_s=60, ready=True,
        )  # fmt: skip
        _fill(WATER_FILE, "readings", "point TEXT, cl2 REAL, ntu REAL, ph REAL, ts TEXT, lon REAL, lat REAL")
        _fill(PARKING_FILE, "lots", "lot TEXT, total INTEGER, free INTEGER, ts TEXT")
    connected = end - timedelta(hours=2)
    earlier = [step for step in steps if step < connected]
    _add(WATER_FILE, "readings", chain_of(water_rows, earlier))
    _add(PARKING_FILE, "lots", chain_of(parking_rows, earlier))
    write_drain_file(end, steps)
    with clock.at(connected):
        water = _pull(steward, TAP_WATER, "自来水公司在线监测库", WATER_FILE, "readings")
        parking = _pull(steward, PARKING, "停车平台库", PARKING_FILE, "lots")
        run_source(water.pk)
        run_source(parking.pk)
        issue_key(
            name="路段流量采集网关", org_code="3206-police", dataset_codes=["traffic.link_speed"], by=steward
        )
    with sqlite3.connect(_path(PARKING_FILE)) as link:
        link.execute("ALTER TABLE lots RENAME COLUMN free TO free_spaces")
    with clock.at(end - timedelta(hours=1)):
        run_source(parking.pk)
    _add(WATER_FILE, "readings", chain_of(water_rows, [step for step in steps if step >= connected]))
    return Source.objects.count()


def go_on() -> None:
    """The companies' systems write every ten minutes, once, whoever of us looks."""
    now = clock.now()
    step = datetime.fromtimestamp(now.timestamp() // STEP.total_seconds() * STEP.total_seconds(), tz=SHANGHAI)
    if not Source.objects.filter(dataset__code=DRAINS).exists():
        return
    if cache.add(f"demo-sources-{step:%Y%m%d%H%M}", 1, timeout=3600):
        write_drain_file(step, [step])
        _add(WATER_FILE, "readings", water_rows(step))


def _pull(steward: User, dataset: str, name: str, file: str, table: str) -> Source:
    columns = ("point", "cl2", "ntu", "ph", "ts", "lon", "lat") if table == "readings" else (
        "lot", "total", "free", "ts",
    )  # fmt: skip
    return save_source(
        by=steward, dataset_code=dataset, name=name, kind="database",
        settings={
            "url": f"sqlite:///{file}", "table": table, "cursor": "id", "overlap": 0,
            "columns": {column: column for column in columns},
        },
        every_s=300, ready=True,
    )  # fmt: skip


def _path(file: str) -> Path:
    path = Path(settings.DROP_DIR) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _fill(file: str, table: str, columns: str) -> None:
    with sqlite3.connect(_path(file)) as link:
        link.execute(f"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY, {columns})")


def _add(file: str, table: str, rows: list[tuple[object, ...]]) -> None:
    marks = ", ".join("?" * (len(rows[0]) + 1))
    with sqlite3.connect(_path(file)) as link:
        link.executemany(f"INSERT INTO {table} VALUES ({marks})", [(None, *row) for row in rows])  # noqa: S608  our own words


def chain_of(rows, steps: Iterable[datetime]) -> list[tuple[object, ...]]:  # type: ignore[no-untyped-def]
    return [row for step in steps for row in rows(step)]


def _said(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def water_rows(at: datetime) -> list[tuple[object, ...]]:
    rng = random.Random(f"water {at:%Y%m%d%H%M}")
    return [
        (
            point, round(rng.uniform(0.3, 0.6), 2), round(rng.uniform(0.1, 0.6), 2),
            round(rng.uniform(7.1, 7.8), 2), _said(at), lon, lat,
        )
        for point, lon, lat in POINTS
    ]  # fmt: skip


def parking_rows(at: datetime) -> list[tuple[object, ...]]:
    rng = random.Random(f"parking {at:%Y%m%d%H%M}")
    return [(lot, total, rng.randrange(total), _said(at)) for lot, total in LOTS]


def write_drain_file(at: datetime, steps: Iterable[datetime]) -> Path:
    """A file of the drainage company; it appears under its name once it is whole."""
    folder = Path(settings.DROP_DIR) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"液位_{at.astimezone(SHANGHAI):%Y%m%d%H%M}.csv"
    part = path.with_suffix(".part")
    with open(part, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["well", "level_m", "depth_m", "ts", "lon", "lat"])
        for step in steps:
            rng = random.Random(f"drain {step:%Y%m%d%H%M}")
            out.writerows(
                (well, round(rng.uniform(0.2, 1.4), 2), 3.5, _said(step), lon, lat)
                for well, lon, lat in WELLS
            )
    os.replace(part, path)
    return path
