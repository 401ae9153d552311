"""Who listens to what: news travels up the floors by name, through this one table.

LISTENERS: event kind -> functions called as fn(payload=…) in event order, at least once each,
in the journal loop. FOLDERS: functions called with a list of events, in the transaction that
moves the cursor. TAPS: dataset code (or "*") -> functions handed each batch after its commit.

Erasing a person (see datahub.vault.erasing): KNOWERS: fn(values, refs) -> further values, and the cases
that are the person's own, as refs. OWN_ROWS: fn(refs) -> condition by model for the person's own rows.
LAKE_ROWS: fn(refs) -> dataset -> column and values of own rows in the lake. ERASERS: fn(person) -> rows
by table, for what only its app understands; all tables of all apps are searched besides.
"""

LISTENERS: dict[str, list[str]] = {
    "dispatch.order.moved": [
        "hotline.tasks.follow_order",
        "grid.tasks.follow_order",
        "alerts.tasks.follow_order",
        "datahub.devices.tasks.follow_order",
    ],
    "datahub.fault.moved": ["dispatch.tasks.follow_fault"],
    "datahub.agreement.moved": ["alerts.tasks.follow_grant"],
    "city.calendar.changed": ["dispatch.tasks.follow_calendar"],
    "city.generation.activated": ["dispatch.tasks.follow_areas"],
}

FOLDERS: list[str] = ["dashboards.services.fold_events"]

TAPS: dict[str, list[str]] = {
    "*": ["alerts.taps.on_rows", "datahub.devices.taps.on_readings"],
    "city.devices": ["datahub.devices.taps.on_register"],
}

KNOWERS: list[str] = ["hotline.services.erasing.known_of", "dispatch.services.erasing.known_of"]

OWN_ROWS: list[str] = [
    "hotline.services.erasing.own_rows",
    "dispatch.services.erasing.own_rows",
    "commandcenter.journal.erasing.own_rows",
]

LAKE_ROWS: list[str] = ["hotline.services.erasing.lake_rows"]

ERASERS: list[str] = ["hotline.services.erasing.erase_person", "dispatch.services.erasing.erase_person"]
