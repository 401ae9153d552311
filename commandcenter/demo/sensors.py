"""The demo city's air: a believable value for every station and hour, from a fixed seed.

The same station and hour always give the same value, so history and the live feed agree.
Episodes are planted in truths.py.
"""

import hashlib
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa

from commandcenter.core.times import SHANGHAI

from .truths import Episode

STATIONS: tuple[tuple[str, str, float, float], ...] = (
    ("NT01", "崇川城东站", 120.885, 32.02),
    ("NT02", "崇川港闸站", 120.82, 32.07),
    ("NT03", "通州金沙站", 121.07, 32.07),
    ("NT04", "海门海门站", 121.18, 31.89),
    ("NT05", "启东汇龙站", 121.65, 31.81),
    ("NT06", "如皋如城站", 120.57, 32.39),
    ("NT07", "海安海安站", 120.46, 32.54),
    ("NT08", "如东掘港站", 121.18, 32.32),
    ("NT09", "开发区站", 120.96, 31.93),
    ("NT10", "如东洋口站", 121.05, 32.52),
)


def _noise(*key: object) -> float:
    """A number in [-1, 1) that depends on the key alone."""
    digest = hashlib.blake2b(":".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**63 - 1


def _smooth(station: str, what: str, hour: int, span: int) -> float:
    """Noise that changes slowly: a straight line between values `span` hours apart."""
    left, share = divmod(hour, span)
    a, b = _noise(station, what, left), _noise(station, what, left + 1)
    return a + (b - a) * share / span


def reading(
    station: str, lon: float, lat: float, at: datetime, episodes: Iterable[Episode]
) -> dict[str, Any]:
    """One hourly row of env.air_quality. at: an aware whole hour."""
    hour = int(at.timestamp() // 3600)
    local = at.astimezone(SHANGHAI)
    sun = max(0.0, math.sin((local.hour - 6) / 12 * math.pi)) if 6 <= local.hour <= 18 else 0.0
    day_of_year = local.timetuple().tm_yday
    winter = 0.5 + 0.5 * math.cos((day_of_year - 15) / 365 * 2 * math.pi)
    pm25 = 22 + 22 * winter + 16 * _smooth(station, "pm", hour, 30) + 5 * _noise(station, "p", hour)
    ozone = 45 + 75 * sun * (1 - 0.6 * winter) + 15 * _smooth(station, "o", hour, 20)
    for episode in episodes:
        if episode.station == station and episode.start <= at < episode.end:
            if episode.column == "pm2_5":
                pm25 = episode.value + 6 * _noise(station, "e", hour)
            else:
                ozone = episode.value + 6 * _noise(station, "e", hour)
    pm25 = max(3.0, pm25)
    temperature = 4 + 14 * (1 - winter) * 1.6 + 5 * sun + 3 * _smooth(station, "t", hour, 48)
    return {
        "station": station,
        "at": at,
        "pm2_5": round(pm25, 1),
        "pm10": round(pm25 * 1.5 + 8, 1),
        "so2": round(6 + 2 * _noise(station, "s", hour), 1),
        "no2": round(28 + 10 * _smooth(station, "n", hour, 12), 1),
        "co": round(600 + 150 * _smooth(station, "c", hour, 24), 1),
        "o3": round(max(2.0, ozone), 1),
        "temp_c": round(temperature, 1),
        "pres_hpa": round(1018 + 6 * _smooth(station, "h", hour, 60), 1),
        "dewp_c": round(temperature - 6, 1),
        "rain_mm": 0.0,
        "wind_dir": "ESE",
        "wind_ms": round(2.5 + 1.5 * _smooth(station, "w", hour, 8), 1),
        "lon": lon,
        "lat": lat,
    }


def readings(hours: Iterable[datetime], episodes: Iterable[Episode]) -> pa.Table:
    """Rows of every station for these hours."""
    found = list(episodes)
    return pa.Table.from_pylist(
        [reading(code, lon, lat, at, found) for at in hours for code, _name, lon, lat in STATIONS]
    )


def register() -> pa.Table:
    """The register of stations, env.air_station."""
    return pa.Table.from_pylist(
        [{"station": code, "name": name, "lon": lon, "lat": lat} for code, name, lon, lat in STATIONS]
    )
