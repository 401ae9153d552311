"""How long a device was heard and not heard: stretches without gaps or overlaps, the last one open."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from commandcenter.core.moves import next_state

from ..models import Device, DeviceSpell
from ..states import DEVICE_MOVES, DeviceState, Spell


def set_duty(device: Device, status: str, at: datetime) -> None:
    """Suspend, retire, or take back into use. status: suspended, retired or in_use."""
    action = {"suspended": "suspend", "retired": "retire", "in_use": "resume"}[status]
    if device.state == DeviceState.RETIRED and status == "suspended":
        device.state = next_state(DEVICE_MOVES, "resume", device.state)
    device.state = next_state(DEVICE_MOVES, action, device.state)
    device.state_since = at
    device.save(update_fields=["state", "state_since"])
    DeviceSpell.objects.filter(device=device, until=None).update(until=at)
    if status == "suspended":
        DeviceSpell.objects.create(device=device, state=Spell.SUSPENDED, since=at)
    elif status == "in_use" and device.pulse.seen_at is not None:
        DeviceSpell.objects.create(device=device, state=Spell.OFFLINE, since=at)


def turn(changes: Iterable[tuple[int, str, datetime]]) -> int:
    """End what lasts and begin another: (device, state, since), at most one of each device."""
    listed = list(changes)
    if not listed:
        return 0
    ids, states, since = (list(column) for column in zip(*listed, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE datahub_devicespell s SET until = GREATEST(t.since, s.since)"
            " FROM unnest(%s::bigint[], %s::timestamptz[]) AS t(id, since)"
            " WHERE s.device_id = t.id AND s.until IS NULL",
            [ids, since],
        )
        cursor.execute(
            "INSERT INTO datahub_devicespell (device_id, state, since)"
            " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[])",
            [ids, states, since],
        )
    return len(listed)


def insert_past(rows: Iterable[tuple[int, str, datetime, datetime]]) -> None:
    """Stretches that are over: (device, state, since, until)."""
    listed = list(rows)
    if not listed:
        return
    columns = [list(column) for column in zip(*listed, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO datahub_devicespell (device_id, state, since, until)"
            " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[])",
            columns,
        )
