"""The whole beat timetable: name -> task, seconds between runs, queue."""

from typing import Any


def every(seconds: float, task: str, queue: str = "default", **kwargs: Any) -> dict[str, Any]:
    """One line of the timetable. A run that found no worker in time is dropped, not piled up."""
    return {
        "task": task,
        "schedule": seconds,
        "kwargs": kwargs,
        "options": {"queue": queue, "expires": max(seconds, 5.0)},
    }


SCHEDULE: dict[str, dict[str, Any]] = {
    "fold blobs": every(1, "datahub.fold_blobs", "lake"),
    "recover deliveries": every(60, "datahub.recover_deliveries", "lake"),
    "sweep uploads": every(3_600, "datahub.sweep_uploads"),
    "compact lake": every(3_600, "datahub.compact_lake", "lake"),
    "apply retention": every(86_400, "datahub.apply_retention", "lake"),
    "vacuum lake": every(21_600, "datahub.vacuum_lake", "lake"),
    "run erasures": every(60, "datahub.run_erasures", "lake"),
    "watch agreements": every(60, "datahub.watch_agreements"),
    "watch quality": every(60, "datahub.watch_quality"),
    "patrol devices": every(60, "datahub.patrol_devices"),
    "carry grants": every(10, "datahub.carry_grants", "lake"),
    "run sources": every(10, "datahub.run_sources", "lake"),
    "watch subscriptions": every(60, "datahub.watch_subscriptions"),
    "sync cascade": every(60, "datahub.sync_cascade", "lake"),
    "run windows": every(60, "alerts.run_windows", "lake"),
    "publish tickets": every(30, "hotline.publish_tickets", "lake"),
    "live feed": every(5, "demo.live_feed"),
}
