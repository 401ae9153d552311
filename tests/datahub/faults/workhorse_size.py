"""How much work the faults fall into: enough to be hit in the middle, little enough for a minute."""

FILES = 12
ROWS = 4_000
PUSHES = 12
PUSH_ROWS = 40
KILLS = 20
