"""The register follows the dataset city.devices: its tap is the only writer of what a device is.

Everything comes through the hub (upload, folder, database, push), is checked there row by row, kept with its
history, and then handed to `take_rows`. What only the register can judge (a camera's code, the owner, the
datum) is refused here, row by row, with the field and the reason.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection, transaction

from city.locate import locate_many
from city.selectors import organisations
from commandcenter.core import clock
from commandcenter.core.coordinates import TO_CGCS2000
from commandcenter.journal.services import audit
from datahub.models import Delivery
from datahub.quality.services import clear_incident, raise_incident

from ..codes import code_fault
from ..limits import limits
from ..models import Device, DeviceChange, DeviceRefusal
from ..states import DeviceKind, DeviceState, Feed
from ..world import world_of

DATASET = "city.devices"
CHUNK = 10_000
# China with its seas, in degrees: a place outside is a mistake, mostly of longitude for latitude.
CHINA = (73.0, 3.0, 136.0, 54.0)
KINDS = {
    **{value: value for value in DeviceKind.values},
    "摄像机": "camera", "视频": "camera", "视频监控": "camera", "空气": "air", "水位": "water",
    "水质": "water", "噪声": "noise", "气象": "weather", "燃气": "gas", "烟感": "smoke",
    "井盖": "manhole", "结构": "structure", "交通": "traffic", "其他": "other",
}  # fmt: skip
FEEDS = {
    "": "public",
    **{value: value for value in Feed.values},
    "公共": "public",
    "公安": "public",
    "社会": "social",
}
STATUSES = {
    "": "in_use", "in_use": "in_use", "在用": "in_use", "suspended": "suspended", "停用": "suspended",
    "报停": "suspended", "retired": "retired", "报废": "retired", "拆除": "retired",
}  # fmt: skip
DATUMS = {
    "": "cgcs2000",
    "cgcs2000": "cgcs2000",
    "wgs84": "wgs84",
    "wgs-84": "wgs84",
    "gcj02": "gcj02",
    "gcj-02": "gcj02",
}
# What the register keeps of a row, in the order of its SQL.
FACTS = (
    "kind",
    "name",
    "place",
    "lon",
    "lat",
    "area_code",
    "owner_code",
    "feed",
    "maker",
    "model",
    "installed_on",
)
PLACE = 7  # digits of a degree that make a difference: a centimetre


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the dataset that the register takes. Position in CGCS2000."""

    number: int
    code: str
    kind: str
    name: str
    place: str
    lon: float | None
    lat: float | None
    world_x: int | None
    world_y: int | None
    area_code: str
    owner_code: str
    feed: str
    maker: str
    model: str
    installed_on: date | None
    status: str

    def facts(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in FACTS)


@dataclass(frozen=True, slots=True)
class Taken:
    registered: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0


def take_rows(table: pa.Table, delivery_id: int) -> Taken:
    """Bring the register up to these rows. The same rows again, or older ones after newer, change nothing."""
    at = clock.now()
    rows, refusals = read_rows(table, delivery_id, at)
    done = [0, 0, 0]
    with transaction.atomic():
        DeviceRefusal.objects.bulk_create(refusals, batch_size=2_000, ignore_conflicts=True)
        for start in range(0, len(rows), CHUNK):
            for n, count in enumerate(_merge(rows[start : start + CHUNK], delivery_id, at)):
                done[n] += count
        _tell_refused(delivery_id, refusals, at)
        audit(
            actor=None,
            action="datahub.register_devices",
            target_ref=f"datahub.delivery:{delivery_id}",
            body={"registered": done[0], "changed": done[1], "same": done[2], "refused": len(refusals)},
        )
    return Taken(done[0], done[1], done[2], len(refusals))


def _tell_refused(delivery_id: int, refusals: list[DeviceRefusal], at: datetime) -> None:
    """One incident while deliveries bring rows that the register cannot take."""
    delivery = Delivery.objects.select_related("dataset").filter(pk=delivery_id).first()
    if delivery is None:
        return
    about: dict[str, Any] = {"kind": "rule_failed", "key": "=register", "dataset": delivery.dataset, "at": at}
    if not refusals:
        clear_incident(**about)
        return
    first = refusals[0]
    raise_incident(
        **about,
        delivery=delivery,
        reason="register_refused",
        detail=f"{len(refusals)}: #{first.row_number} {first.code} {first.field} {first.reason}",
        org_code=delivery.dataset.provider,
    )


# ---------------------------------------------------------------- reading


def _texts(table: pa.Table, name: str) -> list[str]:
    if name not in table.column_names:
        return [""] * table.num_rows
    return ["" if value is None else str(value).strip() for value in table.column(name).to_pylist()]


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)


def read_rows(table: pa.Table, delivery_id: int, at: datetime) -> tuple[list[Row], list[DeviceRefusal]]:
    """Rows that fit, the last of each code; and those that do not, with field and reason."""
    texts = {name: _texts(table, name) for name in
             ("code", "kind", "name", "place", "owner", "feed", "maker", "model", "datum",
              "status")}  # fmt: skip
    numbers = table.column("_row").to_pylist()
    days = table.column("installed_on").to_pylist() if "installed_on" in table.column_names else None
    orgs = dict(organisations().values_list("code", "area_code"))
    lon, lat, datums = _placed(table, texts["datum"])
    placed = np.isfinite(lon) & np.isfinite(lat)
    inside = placed & (lon >= CHINA[0]) & (lat >= CHINA[1]) & (lon <= CHINA[2]) & (lat <= CHINA[3])
    areas = locate_many(np.where(inside, lon, np.nan), np.where(inside, lat, np.nan)).tolist()
    safe = (np.where(inside, lon, 0.0), np.where(inside, lat, 0.0))
    world_x, world_y = (each.tolist() for each in world_of(*safe))
    lons, lats = np.round(lon, PLACE).tolist(), np.round(lat, PLACE).tolist()
    half = (np.isfinite(lon) ^ np.isfinite(lat)).tolist()
    found: dict[str, Row] = {}
    refused: list[DeviceRefusal] = []
    for n, number in enumerate(numbers):
        code, owner = texts["code"][n], texts["owner"][n]
        kind = KINDS.get(texts["kind"][n].lower(), "")
        fault = _fault(texts, n, kind, orgs, datums[n], half[n], bool(placed[n]), bool(inside[n]))
        if fault is not None:
            field, reason, value = fault
            refused.append(
                DeviceRefusal(
                    delivery_id=delivery_id, row_number=number, code=code[:80], field=field, reason=reason,
                    value=value[:200], at=at,
                )
            )  # fmt: skip
            continue
        here = bool(inside[n])
        found[code] = Row(
            number, code, kind, texts["name"][n][:120] or code, texts["place"][n][:200],
            lons[n] if here else None, lats[n] if here else None,
            world_x[n] if here else None, world_y[n] if here else None,
            (areas[n] if here else "") or orgs[owner], owner, FEEDS[texts["feed"][n].lower()],
            texts["maker"][n][:80], texts["model"][n][:80], days[n] if days else None,
            STATUSES[texts["status"][n].lower()],
        )  # fmt: skip
    return list(found.values()), refused


def _placed(table: pa.Table, datums: list[str]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Positions in CGCS2000, each converted from the datum that its own row names."""
    lon, lat = _numbers(table, "lon"), _numbers(table, "lat")
    named = [DATUMS.get(one.lower(), "") for one in datums]
    kinds = np.array(named, dtype="U10")
    for datum in ("wgs84", "gcj02"):
        chosen = kinds == datum
        if chosen.any():
            lon[chosen], lat[chosen] = TO_CGCS2000[datum](lon[chosen], lat[chosen])
    return lon, lat, named


def _fault(
    texts: dict[str, list[str]], n: int, kind: str, orgs: dict[str, str], datum: str, half: bool,
    placed: bool,     inside: bool,
) -> tuple[str, str, str] | None:  # fmt: skip
    """(field, reason, value) of the first thing that is wrong with a row."""
    if not kind:
        return "kind", "unknown_kind", texts["kind"][n]
    if reason := code_fault(kind, texts["code"][n]):
        return "code", reason, texts["code"][n]
    if texts["owner"][n] not in orgs:
        return "owner", "unknown_owner", texts["owner"][n]
    if texts["feed"][n].lower() not in FEEDS:
        return "feed", "unknown_feed", texts["feed"][n]
    if texts["status"][n].lower() not in STATUSES:
        return "status", "unknown_status", texts["status"][n]
    if not datum:
        return "datum", "unknown_datum", texts["datum"][n]
    if half:
        return "lon", "half_a_position", ""
    if placed and not inside:
        return "lon", "outside_china", ""
    return None


# ---------------------------------------------------------------- writing

_INSERT = """
INSERT INTO datahub_device (code, kind, name, place, location, world_x, world_y, area_code, owner_code, feed,
    maker, model, installed_on, state, state_since, registered_at, delivery_id, row_number)
SELECT t.code, t.kind, t.name, t.place,
    CASE WHEN t.lon IS NOT NULL THEN ST_SetSRID(ST_MakePoint(t.lon, t.lat), 4490) END,
    t.world_x, t.world_y, t.area_code, t.owner_code, t.feed, t.maker, t.model, t.installed_on,
    t.state, %s, %s, %s, t.number
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::float8[], %s::int[], %s::int[],
    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::date[], %s::text[], %s::bigint[])
    AS t(code, kind, name, place, lon, lat, world_x, world_y, area_code, owner_code, feed, maker, model,
         installed_on, state, number)
RETURNING id, kind, state
"""
_UPDATE = """
UPDATE datahub_device d SET kind = t.kind, name = t.name, place = t.place,
    location = CASE WHEN t.lon IS NOT NULL THEN ST_SetSRID(ST_MakePoint(t.lon, t.lat), 4490) END,
    world_x = t.world_x, world_y = t.world_y, area_code = t.area_code, owner_code = t.owner_code,
    feed = t.feed, maker = t.maker, model = t.model, installed_on = t.installed_on,
    delivery_id = %s, row_number = t.number
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::float8[], %s::int[], %s::int[],
    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::date[], %s::text[], %s::bigint[])
    AS t(code, kind, name, place, lon, lat, world_x, world_y, area_code, owner_code, feed, maker, model,
         installed_on, state, number)
WHERE d.code = t.code
"""
_FIRST = {"in_use": "offline", "suspended": "suspended", "retired": "retired"}


def _columns(rows: list[Row]) -> list[list[Any]]:
    names = ("code", "kind", "name", "place", "lon", "lat", "world_x", "world_y", "area_code", "owner_code",
             "feed", "maker", "model", "installed_on")  # fmt: skip
    columns = [[getattr(row, name) for row in rows] for name in names]
    return [*columns, [_FIRST[row.status] for row in rows], [row.number for row in rows]]


def _merge(rows: list[Row], delivery_id: int, at: datetime) -> tuple[int, int, int]:
    """(registered, changed, the same). Only rows newer than what the register knows count."""
    known = {
        one.code: one
        for one in Device.objects.select_for_update().filter(code__in=[row.code for row in rows])
    }
    fresh, changed, same, changes = [], [], [], []
    for row in rows:
        old = known.get(row.code)
        if old is None:
            fresh.append(row)
            continue
        if (old.delivery_id, old.row_number) >= (delivery_id, row.number):
            continue
        differs = difference(old, row)
        if differs:
            changed.append(row)
            changes.append((old.pk, differs))
        else:
            same.append(row)
    source = f"datahub.delivery:{delivery_id}"
    with connection.cursor() as cursor:
        if fresh:
            _register(cursor, fresh, delivery_id, at, source)
        if changed:
            cursor.execute(_UPDATE, [delivery_id, *_columns(changed)])
        if same:
            cursor.execute(
                "UPDATE datahub_device d SET delivery_id = %s, row_number = t.number"
                " FROM unnest(%s::text[], %s::bigint[]) AS t(code, number) WHERE d.code = t.code",
                [delivery_id, [row.code for row in same], [row.number for row in same]],
            )
    DeviceChange.objects.bulk_create(
        [
            DeviceChange(device_id=pk, action="changed", changed=differs, source=source, at=at)
            for pk, differs in changes
        ],
        batch_size=2_000,
    )
    _set_gaps([row.code for row in changed])
    for row in changed:
        _follow_status(known[row.code], row.status, at)
    return len(fresh), len(changed), len(same)


def _register(cursor: Any, fresh: list[Row], delivery_id: int, at: datetime, source: str) -> None:
    gaps = limits()
    cursor.execute(_INSERT, [at, at, delivery_id, *_columns(fresh)])
    made = cursor.fetchall()
    ids = [pk for pk, _kind, _state in made]
    cursor.execute(
        "INSERT INTO datahub_pulse (device_id, gap_s, trouble)"
        " SELECT t.id, t.gap, '' FROM unnest(%s::bigint[], %s::int[]) AS t(id, gap)",
        [ids, [gaps[kind].silent_s for _pk, kind, _state in made]],
    )
    cursor.execute(
        "INSERT INTO datahub_devicechange (device_id, action, changed, source, at)"
        " SELECT unnest(%s::bigint[]), 'registered', '{}'::jsonb, %s, %s",
        [ids, source, at],
    )
    suspended = [pk for pk, _kind, state in made if state == DeviceState.SUSPENDED]
    if suspended:
        cursor.execute(
            "INSERT INTO datahub_devicespell (device_id, state, since)"
            " SELECT unnest(%s::bigint[]), 'suspended', %s",
            [suspended, at],
        )


def difference(old: Device, row: Row) -> dict[str, list[Any]]:
    """Column -> [before, after] of what a row changes."""
    lon = round(old.location.x, PLACE) if old.location else None
    lat = round(old.location.y, PLACE) if old.location else None
    before = (old.kind, old.name, old.place, lon, lat, old.area_code, old.owner_code, old.feed, old.maker,
              old.model, old.installed_on)  # fmt: skip
    found = {
        name: [_plain(a), _plain(b)] for name, a, b in zip(FACTS, before, row.facts(), strict=True) if a != b
    }
    if status_of(old.state) != row.status:
        found["status"] = [status_of(old.state), row.status]
    return found


def status_of(state: str) -> str:
    """What the register says of a device in this state."""
    return state if state in (DeviceState.SUSPENDED, DeviceState.RETIRED) else "in_use"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _follow_status(old: Device, status: str, at: datetime) -> None:
    """Suspended, retired or back in use: the device's state and its spell."""
    from . import spells

    if status == status_of(old.state):
        return
    spells.set_duty(old, status, at)


def _set_gaps(codes: list[str]) -> None:
    """A device that became another kind is silent after another time."""
    if codes:
        apply_limits(codes)


def apply_limits(codes: list[str] | None = None) -> int:
    """Write the limits in force into the pulses; for administrators who changed them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE datahub_pulse p SET gap_s = t.gap FROM datahub_device d, unnest(%s::text[], %s::int[])"
            " AS t(kind, gap) WHERE d.id = p.device_id AND d.kind = t.kind AND p.gap_s <> t.gap"
            " AND (%s OR d.code = ANY(%s))",
            [list(found := limits()), [one.silent_s for one in found.values()], codes is None, codes or []],
        )
        return int(cursor.rowcount)
