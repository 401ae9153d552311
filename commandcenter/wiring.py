"""Who listens to what: news travels up the floors by name, through this one table.

LISTENERS: event kind -> functions called as fn(payload=…) in event order, at least once each,
in the journal loop. FOLDERS: functions called with a list of events, in the transaction that
moves the cursor. TAPS: dataset code (or "*") -> functions handed each batch after its commit.
"""

LISTENERS: dict[str, list[str]] = {
    "dispatch.order.moved": [
        "hotline.tasks.follow_order",
        "grid.tasks.follow_order",
        "alerts.tasks.follow_order",
    ],
    "datahub.agreement.moved": ["alerts.tasks.follow_grant"],
    "city.calendar.changed": ["dispatch.tasks.follow_calendar"],
    "city.generation.activated": ["dispatch.tasks.follow_areas"],
}

FOLDERS: list[str] = ["dashboards.services.fold_events"]

TAPS: dict[str, list[str]] = {"*": ["alerts.taps.on_rows"]}
