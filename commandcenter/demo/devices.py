"""The demo city's cameras and sensors: a register of about 3,000, two weeks of coming and going, live beats.

Which device is silent when follows from a fixed hash, so history and the live feed agree. Planted: single
outages that wait for their owners, one that comes and goes, and a whole owner of a county that fell silent
at once (a cut line in 通州), all still standing when the seed ends.
"""

import hashlib
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from django.core.cache import cache
from django.db import connection

from commandcenter.core import clock
from commandcenter.core.times import shanghai_day
from datahub.devices import services
from datahub.devices.models import Device, Fault
from datahub.devices.services import counting, spells
from datahub.devices.services.patrol import set_states
from datahub.devices.states import Spell
from datahub.services import deliver

from . import places, sensors

COUNT = 3_000
DAYS = 14
CUT_OWNER = "320612-transport"
BEAT_EVERY_S = 30
DOWN, BLIPS, BLOCK_S = 0.006, 0.004, 7_200  # shares of devices; an outage lies in a block of two hours
CUT_FOR = timedelta(hours=6)
KINDS = (
    # kind, share, function of the owner, how it is called
    ("camera", 0.50, "police", "治安探头"),
    ("camera", 0.18, "transport", "交通探头"),
    ("camera", 0.12, "urban_mgmt", "市容探头"),
    ("manhole", 0.06, "utilities", "井盖传感器"),
    ("gas", 0.04, "housing", "燃气探测器"),
    ("smoke", 0.04, "fire", "烟感"),
    ("water", 0.03, "water", "水位计"),
    ("noise", 0.03, "environment", "噪声监测点"),
)
SPOTS = ("东口", "西口", "南侧", "北侧", "广场", "桥头", "门前", "中段")
MAKERS = (("海视", "DS-2"), ("大安", "IPC-H"), ("宇明", "HIC"))


def _share(*key: object) -> float:
    """A number in [0, 1) that depends on the key alone."""
    digest = hashlib.blake2b(":".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def register(seed: int) -> pa.Table:
    """Rows of city.devices: mostly where many people live; the air stations are devices too."""
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for n in range(1, COUNT + 1):
        village = places.random_village(rng)
        lon, lat = places.random_point(rng, village)
        kind, function, called = _kind(rng)
        county = village.code[:6]
        maker, model = rng.choice(MAKERS)
        rows.append(
            {
                "code": f"{county}00001320{n:06d}"
                if kind == "camera"
                else f"{kind[:2].upper()}-{county}-{n:05d}",
                "kind": kind,
                "name": f"{village.town}{village.name}{rng.choice(SPOTS)}{called}",
                "place": f"{village.town}{village.name}",
                "lon": round(lon, 6),
                "lat": round(lat, 6),
                "owner": f"{county}-{function}",
                "feed": "social" if rng.random() < 0.15 else "public",
                "maker": maker,
                "model": f"{model}{rng.randint(1, 9)}",
                "status": "suspended" if rng.random() < 0.01 else "in_use",
            }
        )
    for code, name, lon, lat in sensors.STATIONS:
        rows.append(
            {"code": code, "kind": "air", "name": name, "place": "", "lon": lon, "lat": lat,
             "owner": "3206-environment", "feed": "public", "maker": "", "model": "", "status": "in_use"}
        )  # fmt: skip
    return pa.Table.from_pylist(rows)


def _kind(rng: random.Random) -> tuple[str, str, str]:
    turn = rng.random()
    for kind, share, function, called in KINDS:
        turn -= share
        if turn < 0:
            return kind, function, called
    kind, _share_of, function, called = KINDS[0]
    return kind, function, called


def silent(code: str, at: datetime) -> bool:
    """Whether the demo lets a device be silent at this moment."""
    if _share("down", code) < DOWN:  # out for good, until somebody mends it
        return True
    block, into = divmod(at.timestamp(), BLOCK_S)
    return _share("hour", code, int(block)) < BLIPS and into < _minutes(code, int(block)) * 60


def _minutes(code: str, block: int) -> float:
    """How long an outage lasts: mostly short, some long enough to be a fault."""
    return 10 + 100 * _share("back", code, block) ** 4


def plant_devices(end: datetime, seed: int) -> int:
    """Register, two weeks of stretches, and the faults that stand at the end."""
    deliver(dataset_code="city.devices", table=register(seed), source="upload")
    services.feed_from(dataset_code="env.air_quality", by=None)
    services.issue_key(name="市视频共享平台", owner_code="", by=None)
    devices = list(Device.objects.in_duty().order_by("pk").values_list("pk", "code", "owner_code"))
    start = end - timedelta(days=DAYS)
    down = {code: end - timedelta(hours=1 + 30 * _share("since", code)) for _pk, code, _o in devices
            if _share("down", code) < DOWN}  # fmt: skip
    cut = {code: end - timedelta(minutes=50) for _pk, code, owner in devices if owner == CUT_OWNER}
    gone = {**down, **cut}
    _tell_past(devices, gone, start, end)
    before = start
    for at in sorted({end - timedelta(hours=h) for h in (26, 18, 12, 6, 2)} | {end}):
        for code, last in gone.items():
            if before < last <= at:
                with clock.at(last):
                    _beat_all([code])
        with clock.at(at):
            _beat_all([code for _pk, code, _owner in devices if code not in gone or gone[code] > at])
            spells.turn(
                (pk, Spell.OFFLINE, gone[code])
                for pk, code, _owner in devices
                if code in gone and before < gone[code] <= at
            )
            set_states({pk for pk, _code, _owner in devices}, at)
            services.patrol()
        before = at
    for n in range(DAYS + 1):
        counting.count_day(shanghai_day(end - timedelta(days=n)), end)
    return len(devices)


def _tell_past(
    devices: list[tuple[int, str, str]], lasting: dict[str, datetime], start: datetime, end: datetime
) -> None:
    """Stretches of the past; an outage of the hash is one of two hours, less what the owner was quick."""
    past: list[tuple[int, str, datetime, datetime]] = []
    now: list[tuple[int, str, datetime]] = []
    first = int(start.timestamp() // BLOCK_S) + 1
    for pk, code, _owner in devices:
        begin, until = start, lasting.get(code, end)
        for block in range(first, int(until.timestamp() // BLOCK_S) - 1):
            if _share("hour", code, block) >= BLIPS:
                continue
            gone = start + timedelta(seconds=block * BLOCK_S - start.timestamp())
            back = gone + timedelta(minutes=_minutes(code, block))
            past += [(pk, Spell.ONLINE, begin, gone), (pk, Spell.OFFLINE, gone, back)]
            begin = back
        now.append((pk, Spell.ONLINE, begin))
    with connection.cursor() as cursor:
        # They were heard, long before this process began to listen.
        cursor.execute(
            "UPDATE datahub_pulse SET seen_at = %s, woke_at = %s WHERE device_id = ANY(%s)",
            [start, start, [pk for pk, _code, _owner in devices]],
        )
    spells.insert_past(past)
    spells.turn(now)


def _beat_all(codes: Iterable[str]) -> None:
    services.hear(services.Beat(code) for code in codes)


def beat() -> int:
    """The live feed: whoever is not silent by the hash beats twice a minute."""
    if not cache.add("demo-devices-beat", 1, timeout=BEAT_EVERY_S):
        return 0
    at = clock.now()
    rows = Device.objects.in_duty().exclude(kind="air").values_list("code", "owner_code")
    mended = set(
        Fault.objects.filter(repaired_at__isnull=False).values_list("members__device__code", flat=True)
    )
    cut = Fault.objects.waiting().filter(
        owner_code=CUT_OWNER, is_group=True, silent_since__gt=at - CUT_FOR, repaired_at=None
    )
    gone = CUT_OWNER if cut.exists() else ""
    alive = [code for code, owner in rows if owner != gone and (code in mended or not silent(code, at))]
    if alive:
        _beat_all(alive)
    return len(alive)
