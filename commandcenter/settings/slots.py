"""Slots keep test runs apart: a number that one process holds, and with it a database, Redis and folders."""

import fcntl
import os
from pathlib import Path

FIRST, LAST = 10, 79  # Redis databases below 10 are for people
_held: list[int] = []  # file descriptors stay open as long as the process lives


def take_slot(folder: Path) -> int:
    """Hold the first free slot until this process ends; its children share it through the environment."""
    who = os.environ.get("PYTEST_XDIST_WORKER", "main")
    if os.environ.get("CC_TEST_SLOT_OF") == who:
        return int(os.environ["CC_TEST_SLOT"])
    folder.mkdir(parents=True, exist_ok=True)
    for slot in range(FIRST, LAST + 1):
        descriptor = os.open(folder / f"slot-{slot}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        _held.append(descriptor)
        os.environ.update(CC_TEST_SLOT=str(slot), CC_TEST_SLOT_OF=who)
        return slot
    raise RuntimeError(f"all test slots in {folder} are taken")
