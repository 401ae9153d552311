"""What the register of devices announces: counts and numbers, never a stream's address."""

from datetime import datetime
from typing import ClassVar

from commandcenter.journal.events import EventBody


class DevicesMoved(EventBody):
    """A round of the patrol changed devices of one owner. devices: a few of them, for open pages."""

    kind: ClassVar[str] = "datahub.device.moved"

    owner_code: str
    silent: int
    heard: int
    devices: list[int]


class FaultMoved(EventBody):
    """A fault took a step of its table. org_known: its owner is an organisation of the city, which can be
    given an order; wants_order: it is a public device, so that one is due."""

    kind: ClassVar[str] = "datahub.fault.moved"

    fault_id: int
    number: str
    title: str
    content: str
    action: str
    from_state: str
    to_state: str
    cause: str
    owner_code: str
    devices: int
    wants_order: bool
    place: str
    lon: float | None
    lat: float | None
    due_at: datetime | None
