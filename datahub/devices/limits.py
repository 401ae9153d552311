"""The limits in force: rows of the tables before the defaults."""

from .models import DeviceLimit, PatrolSetting
from .states import DEFAULT_LIMIT, DEFAULT_LIMITS, DEFAULT_SETTINGS, DeviceKind, Limit


def limits() -> dict[str, Limit]:
    """Of every kind."""
    found = {kind: DEFAULT_LIMITS.get(kind, DEFAULT_LIMIT) for kind in DeviceKind.values}
    for row in DeviceLimit.objects.all():
        found[row.kind] = Limit(row.silent_s, row.fault_s, row.repair_minutes)
    return found


def settings_in_force() -> dict[str, int]:
    return {**DEFAULT_SETTINGS, **dict(PatrolSetting.objects.values_list("name", "value"))}
