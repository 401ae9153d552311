"""How a fault's step is written and told: used by every service of faults."""

import uuid
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from city.calendar import add_working_minutes
from city.selectors import area_name, organisation, roots
from commandcenter.core.moves import next_state
from commandcenter.core.times import shanghai_day
from commandcenter.journal.live import announce
from commandcenter.journal.services import link

from ..events import FaultMoved
from ..models import Device, Fault, FaultMove
from ..states import FAULT_MOVES, OPENED, Cause, Feed, Limit

AUDIENCES = ("steward", "leader", "command")


def locked(fault_id: int) -> Fault:
    return Fault.objects.select_for_update().get(pk=fault_id)


def create(
    *,
    cause: str,
    owner_code: str,
    area_code: str,
    feed: str,
    silent_since: datetime,
    limit: Limit,
    at: datetime,
    devices: int = 1,
    device: Device | None = None,
) -> Fault:
    """A new fault with its number and its owner's clock; the caller adds its members and tells."""
    fault = Fault.objects.create(
        number=uuid.uuid4().hex[:24],
        cause=cause,
        is_group=device is None,
        title=title_of(cause, area_code, devices, device),
        owner_code=owner_code,
        area_code=area_code,
        feed=feed,
        devices=devices,
        silent_since=silent_since,
        opened_at=at,
        clock_since=at,
        due_at=add_working_minutes(at, limit.repair_minutes),
    )
    fault.number = f"GZ-{shanghai_day(at).year}-{fault.pk:06d}"
    fault.save(update_fields=["number"])
    if device is not None:
        link(from_ref=device.ref, to_ref=fault.ref, kind="fault")
    return fault


def title_of(cause: str, area_code: str, devices: int, device: Device | None) -> str:
    """In the city's own language: it goes into orders and news, which have one text for everybody."""
    with override("zh-hans"):
        if device is not None:
            return f"{device.name}：{Cause(cause).label}"[:200]
        words = ngettext(
            "%(n)d device fell silent together", "%(n)d devices fell silent together", devices
        ) % {"n": devices}
        return f"{area_name(area_code)}：{words}"[:200]


def move(
    fault: Fault,
    action: str,
    *,
    at: datetime,
    by: Any = None,
    note: str = "",
    body: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    """Set the state by the table together with the values it brings, append the move, announce."""
    before = fault.state
    fault.state = next_state(FAULT_MOVES, action, before)
    for name, value in values.items():
        setattr(fault, name, value)
    fault.save(update_fields=["state", *values])
    write(fault, action, before, at=at, by=by, note=note, body=body)
    tell(fault, action, before, at=at)


def write(
    fault: Fault,
    action: str,
    before: str,
    *,
    at: datetime,
    by: Any = None,
    note: str = "",
    body: dict[str, Any] | None = None,
) -> None:
    FaultMove.objects.create(
        fault=fault,
        action=action,
        from_state=before,
        to_state=fault.state,
        by=by,
        by_name=by.display_name if by else "",
        note=note,
        body=body or {},
        at=at,
    )


def begin(fault: Fault, *, at: datetime) -> None:
    """The first step of a new fault, once its members are there."""
    write(fault, OPENED, "", at=at, body={"devices": fault.devices, "cause": fault.cause})
    tell(fault, OPENED, "", at=at)


def tell(fault: Fault, action: str, before: str, *, at: datetime) -> None:
    place = _place_of(fault)
    announce(
        FaultMoved(
            area_code=fault.area_code or next(iter(roots()), ""),
            audiences=[*AUDIENCES, f"org:{fault.owner_code}"],
            at=at,
            fault_id=fault.pk,
            number=fault.number,
            title=fault.title,
            content=content_of(fault),
            action=action,
            from_state=before,
            to_state=fault.state,
            cause=fault.cause,
            owner_code=fault.owner_code,
            devices=fault.devices,
            wants_order=fault.feed == Feed.PUBLIC and organisation(fault.owner_code) is not None,
            place=place.place if place else "",
            lon=place.location.x if place and place.location else None,
            lat=place.location.y if place and place.location else None,
            due_at=fault.due_at,
        )
    )


def _place_of(fault: Fault) -> Device | None:
    """Where a fault of one device is; a group has no one place."""
    if fault.is_group:
        return None
    member = fault.members.select_related("device").first()
    return member.device if member else None


def content_of(fault: Fault) -> str:
    """What the owner has to know to act: which devices, since when."""
    with override("zh-hans"):
        members = list(fault.members.select_related("device")[:10])
        lines = [
            _("Fault %(number)s: %(cause)s.") % {"number": fault.number, "cause": Cause(fault.cause).label}
        ]
        lines += [f"{one.device.code} {one.device.name} {one.device.place}".rstrip() for one in members]
        if fault.devices > len(members):
            lines.append(_("and %(n)d more") % {"n": fault.devices - len(members)})
        return "\n".join(lines)
