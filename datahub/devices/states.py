"""What devices are, how they stand, and the table of a fault's moves.

Limits are configurable defaults without a source, except where one is named: rows of DeviceLimit and
PatrolSetting replace them.
"""

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commandcenter.core.moves import Move, Moves


class DeviceKind(TextChoices):
    CAMERA = "camera", _("Camera")
    AIR = "air", _("Air quality sensor")
    WATER = "water", _("Water level or quality sensor")
    NOISE = "noise", _("Noise sensor")
    WEATHER = "weather", _("Weather station")
    GAS = "gas", _("Gas detector")
    SMOKE = "smoke", _("Smoke detector")
    MANHOLE = "manhole", _("Manhole sensor")
    STRUCTURE = "structure", _("Structure sensor")
    TRAFFIC = "traffic", _("Traffic detector")
    OTHER = "other", _("Other sensor")


class DeviceState(TextChoices):
    ONLINE = "online", pgettext_lazy("device", "Online")
    OFFLINE = "offline", pgettext_lazy("device", "Offline")
    FAULT = "fault", pgettext_lazy("device", "Fault")
    SUSPENDED = "suspended", pgettext_lazy("device", "Suspended")
    RETIRED = "retired", pgettext_lazy("device", "Retired")


class Feed(TextChoices):
    """Whose network a device is on: 公共 or 社会."""

    PUBLIC = "public", _("Public")
    SOCIAL = "social", _("Private, shared with the city")


D = DeviceState
IN_DUTY = frozenset({D.ONLINE, D.OFFLINE, D.FAULT})  # watched by the patrol

# The device's own state. The patrol moves it; suspending and retiring come from the register.
DEVICE_MOVES: Moves = {
    "hear": Move(frozenset({D.OFFLINE, D.FAULT}), D.ONLINE),
    "miss": Move(frozenset({D.ONLINE}), D.OFFLINE),
    "fail": Move(frozenset({D.ONLINE, D.OFFLINE}), D.FAULT),
    "mend": Move(frozenset({D.FAULT}), D.ONLINE),
    "suspend": Move(IN_DUTY, D.SUSPENDED),
    "resume": Move(frozenset({D.SUSPENDED, D.RETIRED}), D.OFFLINE),
    "retire": Move(frozenset({*IN_DUTY, D.SUSPENDED}), D.RETIRED),
}


class Spell(TextChoices):
    """What a stretch of a device's time was. Planned silence and suspension are no outage."""

    ONLINE = "online", pgettext_lazy("device", "Online")
    OFFLINE = "offline", pgettext_lazy("device", "Offline")
    PLANNED = "planned", _("Planned maintenance")
    SUSPENDED = "suspended", pgettext_lazy("device", "Suspended")


class FaultState(TextChoices):
    OPEN = "open", pgettext_lazy("fault", "Open")
    ACKNOWLEDGED = "acknowledged", pgettext_lazy("fault", "Acknowledged")
    REPAIRED = "repaired", pgettext_lazy("fault", "Said to be repaired")
    CONFIRMED = "confirmed", pgettext_lazy("fault", "Heard again")
    CLOSED = "closed", pgettext_lazy("fault", "Closed")


class Cause(TextChoices):
    OUTAGE = "outage", _("Silent too long")
    REPORTED = "reported", _("Reported by the device")
    FLAPPING = "flapping", _("Comes and goes")


F = FaultState
WAITING = frozenset({F.OPEN, F.ACKNOWLEDGED, F.REPAIRED})  # the device has not been heard yet
STANDING = frozenset({*WAITING, F.CONFIRMED})  # not ended: a device has at most one of these

FAULT_MOVES: Moves = {
    "acknowledge": Move(frozenset({F.OPEN}), F.ACKNOWLEDGED),
    "repair": Move(frozenset({F.OPEN, F.ACKNOWLEDGED}), F.REPAIRED),
    "confirm": Move(WAITING, F.CONFIRMED),
    "close": Move(frozenset({F.CONFIRMED}), F.CLOSED),
    # Heard of as repaired, and still silent; or silent again soon after it was heard.
    "contradict": Move(frozenset({F.REPAIRED}), F.OPEN),
    "reopen": Move(frozenset({F.CONFIRMED, F.CLOSED}), F.OPEN),
    # Out of duty before it was mended: retired, suspended, or under announced maintenance.
    "withdraw": Move(STANDING, F.CLOSED),
}
BY_PEOPLE = ("acknowledge", "repair")
OPENED = "open"
JOINED = "join"

ACTION_WORDS = {
    OPENED: pgettext_lazy("fault", "Fault opened"),
    JOINED: _("Further devices joined"),
    "acknowledge": pgettext_lazy("fault move", "Acknowledged"),
    "repair": pgettext_lazy("fault move", "Said to be repaired"),
    "confirm": pgettext_lazy("fault move", "Confirmed by heartbeat"),
    "close": pgettext_lazy("fault move", "Closed"),
    "contradict": _("Still silent after the repair"),
    "reopen": pgettext_lazy("fault move", "Reopened"),
    "withdraw": _("Withdrawn: out of duty"),
}


@dataclass(frozen=True)
class Limit:
    """silent_s: without a heartbeat for so long, it is offline. fault_s: offline for so long, a fault.
    repair_minutes: office minutes that its owner has to mend it."""

    silent_s: int
    fault_s: int
    repair_minutes: int


MINUTE, HOUR, WORKDAY = 60, 3_600, 7 * 60  # a working day has seven office hours
DEFAULT_LIMITS: dict[str, Limit] = {
    # A GB/T 28181 device keeps alive every 60 s; three missed ones are silence (clause 9.6 leaves the
    # numbers to the platform: these are the ones in common use).
    DeviceKind.CAMERA: Limit(180, 30 * MINUTE, 2 * WORKDAY),
    DeviceKind.GAS: Limit(15 * MINUTE, 30 * MINUTE, WORKDAY),
    DeviceKind.SMOKE: Limit(2 * HOUR, 2 * HOUR, WORKDAY),
    DeviceKind.MANHOLE: Limit(25 * HOUR, 2 * HOUR, 2 * WORKDAY),
    DeviceKind.AIR: Limit(150 * MINUTE, 60 * MINUTE, 2 * WORKDAY),
    DeviceKind.WATER: Limit(30 * MINUTE, 60 * MINUTE, WORKDAY),
    DeviceKind.WEATHER: Limit(150 * MINUTE, 60 * MINUTE, 2 * WORKDAY),
}
DEFAULT_LIMIT = Limit(30 * MINUTE, 60 * MINUTE, 2 * WORKDAY)


class Setting(TextChoices):
    """Numbers of the patrol that a city may set otherwise."""

    GROUP_SHARE = "group_share", _("Share of an owner's devices that makes one group fault (%)")
    GROUP_LEAST = "group_least", _("Fewest devices of a group fault")
    GROUP_WINDOW = "group_window", _("Devices that fall silent within so long belong together (min)")
    FLAP_TIMES = "flap_times", _("Outages within a day that make a device a flapping one")
    FLAP_HOURS = "flap_hours", _("A fault that comes back within so long is the same one (h)")
    STEADY_MINUTES = "steady_minutes", _("A device is mended when heard for so long (min)")
    REPAIR_GRACE = "repair_grace", _("A repaired device must be heard within (min)")
    STREAM_MINUTES = "stream_minutes", _("How long an opened stream address is shown (min)")


DEFAULT_SETTINGS: dict[str, int] = {
    Setting.GROUP_SHARE: 30,
    Setting.GROUP_LEAST: 10,
    Setting.GROUP_WINDOW: 10,
    Setting.FLAP_TIMES: 6,
    Setting.FLAP_HOURS: 24,
    Setting.STEADY_MINUTES: 10,
    Setting.REPAIR_GRACE: 60,
    Setting.STREAM_MINUTES: 15,
}
# A patrol that comes so late has been away: nobody is judged by the time in which nobody listened.
DEAF_AFTER_S = 300
