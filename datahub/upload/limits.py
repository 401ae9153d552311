"""What an upload may be, and how much room must be left on the disk."""

import shutil
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from commandcenter.core.errors import DomainError

MAX_BYTES = 2 * 1024**3
PART_BYTES = 4 * 1024**2  # what the browser sends at a time, so that a cut costs little
RESERVE = 512 * 1024**2  # of the disk, that no upload may take
KEPT = timedelta(days=1)


class NoRoom(DomainError):
    """The disk is full; nothing of the file was kept."""

    code = "no_room"

    def __init__(self) -> None:
        super().__init__(_("The server's disk is nearly full, so nothing was kept. Tell your administrator."))


def folder() -> Path:
    found = Path(settings.MEDIA_ROOT) / "datahub" / "uploads"
    found.mkdir(parents=True, exist_ok=True)
    return found


def has_room(size: int) -> bool:
    return shutil.disk_usage(folder()).free - size >= RESERVE
