"""A watched folder: a file is taken when it is whole, copied, and put aside when the hub has it.

Every step of the way down from the drop folder is opened without following links, and files are named
relative to the opened folder, so that a link put there later leads nowhere either.
"""

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings as project
from django.utils.translation import gettext as _

from . import spool
from .errors import SourceFailed
from .settings import FolderSettings

DONE, FAILED = "done", "failed"
UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", ".swp", "~")
REASON = ".reason.txt"
CHUNK = 4 * 1024 * 1024
MAX_BYTES = 64 * 1024**3
MAX_WAITING = 5_000
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Candidate:
    """A file as it was seen. mark: changes when anything about the file changes."""

    name: str
    mark: tuple[int, int, int]
    refused: str = ""


def drop_dir() -> Path:
    found = Path(project.DROP_DIR)
    found.mkdir(parents=True, exist_ok=True)
    return found


def make(folder: str) -> None:
    """The folder, below the drop folder, where there is none yet."""
    place = os.open(drop_dir(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folder.split("/"):
            with suppress(FileExistsError):
                os.mkdir(part, 0o2775, dir_fd=place)
            deeper = _open_folder(part, place)
            os.close(place)
            place = deeper
    finally:
        os.close(place)


def _open_folder(name: str, place: int) -> int:
    try:
        return os.open(name, _OPEN | os.O_DIRECTORY, dir_fd=place)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise SourceFailed(
                _("%(name)s is a link or no folder; links are not followed.") % {"name": name}, code="link"
            ) from error
        raise SourceFailed(
            _("The folder %(name)s cannot be opened: %(why)s.") % {"name": name, "why": error.strerror},
            code="no_folder",
        ) from error


@contextmanager
def opened(folder: str) -> Iterator[int]:
    """A descriptor of the folder. Raises SourceFailed where a link is on the way."""
    place = os.open(drop_dir(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folder.split("/"):
            deeper = _open_folder(part, place)
            os.close(place)
            place = deeper
        yield place
    finally:
        os.close(place)


def look(settings: FolderSettings, place: int) -> tuple[list[Candidate], int]:
    """Files that fit the pattern, oldest first, and how many more there are than are looked at."""
    found: list[tuple[int, Candidate]] = []
    more = 0
    with os.scandir(place) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(".") or name.lower().endswith((*UNFINISHED, REASON)):
                continue
            if not fnmatch.fnmatchcase(name, settings.pattern):
                continue
            if len(found) >= MAX_WAITING:
                more += 1
                continue
            with suppress(FileNotFoundError):
                about = entry.stat(follow_symlinks=False)
                if not stat.S_ISDIR(about.st_mode):
                    found.append((about.st_mtime_ns, _candidate(name, about)))
    return [one for _at, one in sorted(found, key=lambda pair: (pair[0], pair[1].name))], more


def _candidate(name: str, about: os.stat_result) -> Candidate:
    mark = (about.st_size, about.st_mtime_ns, about.st_ino)
    refused = ""
    if stat.S_ISLNK(about.st_mode):
        refused = _("a link is not followed")
    elif not stat.S_ISREG(about.st_mode):
        refused = _("not an ordinary file")
    elif about.st_nlink > 1:
        refused = _("the file has a second name elsewhere (hard link)")
    elif about.st_size > MAX_BYTES:
        refused = _("larger than %(n)s GiB") % {"n": MAX_BYTES // 1024**3}
    return Candidate(name, mark, refused)


def whole(
    candidates: list[Candidate], waiting: dict[str, Any], settings: FolderSettings, at: datetime
) -> tuple[list[Candidate], dict[str, Any]]:
    """Those that stood unchanged for the settle time, and the memory for the next look.

    waiting: name -> [size, mtime, inode, since when it stands so].
    """
    ready, memory = [], {}
    for one in candidates:
        before = waiting.get(one.name)
        same = before is not None and tuple(before[:3]) == one.mark
        since = before[3] if same and before is not None else at.timestamp()
        if settings.settle_s == 0 or (same and at.timestamp() - since >= settings.settle_s):
            ready.append(one)
        else:
            memory[one.name] = [*one.mark, since]
    return ready, memory


def take(source_id: int, one: Candidate, place: int) -> spool.Fetched | None:
    """A copy of our own, on the disk for good. None when the file changed meanwhile: it is not whole."""
    try:
        handle = os.open(one.name, _OPEN | os.O_NONBLOCK, dir_fd=place)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise SourceFailed(
            _("%(name)s may not be read by the hub.") % {"name": one.name}, code="no_right"
        ) from error
    path = spool.new_path(source_id)
    try:
        with os.fdopen(handle, "rb") as file, open(path, "wb") as copy:
            if _candidate(one.name, os.fstat(file.fileno())) != one:
                path.unlink()
                return None
            size = 0
            while chunk := file.read(CHUNK):
                size += len(chunk)
                copy.write(chunk)
            if _candidate(one.name, os.fstat(file.fileno())) != one or size != one.mark[0]:
                path.unlink()
                return None
        spool.settle(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    origin = {"name": one.name, "mark": list(one.mark)}
    return spool.Fetched(path, file_name=shown_name(one.name), origin=origin)


def shown_name(name: str) -> str:
    """A file's name as a page and the database can hold it."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"[\x00-\x1f\x7f]", "?", text)[:255]


def put_aside(place: int, origin: dict[str, Any], into: str, *, tag: str, reason: str = "") -> str:
    """Move a taken file to done/ or failed/; the name it has there, '' where it is gone or another by now.

    The one that stands there now under the name, if it is not the one that was taken, is left alone.
    """
    name = origin["name"]
    if not _is_still(place, origin):
        return ""
    with suppress(FileExistsError):
        os.mkdir(into, 0o2775, dir_fd=place)
    target = _open_folder(into, place)
    try:
        kept = name
        if _exists(kept, target):
            kept = f"{tag}-{name}"[:255]
        if reason:
            _write_reason(f"{kept[:240]}{REASON}", reason, target)
        os.rename(name, kept, src_dir_fd=place, dst_dir_fd=target)
        os.fsync(target)
    finally:
        os.close(target)
    return kept


def _is_still(place: int, origin: dict[str, Any]) -> bool:
    try:
        about = os.stat(origin["name"], dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (about.st_size, about.st_mtime_ns, about.st_ino) == tuple(origin["mark"])


def remove(place: int, origin: dict[str, Any]) -> None:
    """The taken file goes for good."""
    if _is_still(place, origin):
        os.unlink(origin["name"], dir_fd=place)


def purge(place: int, days: int, at: datetime) -> int:
    """Files that lay in done/ and failed/ long enough go; returns how many."""
    gone = 0
    for name in (DONE, FAILED):
        if not _exists(name, place):
            continue
        inner = _open_folder(name, place)
        try:
            with os.scandir(inner) as entries:
                for entry in entries:
                    about = entry.stat(follow_symlinks=False)
                    # The time of arrival there: the file keeps the sender's own time of change.
                    old = at.timestamp() - about.st_ctime > days * 86_400
                    if old and not stat.S_ISDIR(about.st_mode):
                        os.unlink(entry.name, dir_fd=inner)
                        gone += 1
        finally:
            os.close(inner)
    return gone


def _exists(name: str, place: int) -> bool:
    try:
        os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _write_reason(name: str, reason: str, place: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=place)
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o664, dir_fd=place)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(reason.rstrip() + "\n")


def inside(path: str) -> Path:
    """A file below the drop folder, named relative to it, no link on the way.

    Raises SourceFailed for anything else.
    """
    parts = path.strip("/").split("/")
    if path.startswith("/") or any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        raise SourceFailed(_("Only files inside the drop folder are opened."), code="outside")
    if len(parts) < 2:
        raise SourceFailed(
            _("The file has to lie in a folder of its own below the drop folder."), code="outside"
        )
    with opened("/".join(parts[:-1])) as place:
        try:
            about = os.stat(parts[-1], dir_fd=place, follow_symlinks=False)
        except FileNotFoundError as error:
            raise SourceFailed(_("There is no file %(name)s.") % {"name": path}, code="no_file") from error
        refused = _candidate(parts[-1], about).refused
        if refused:
            raise SourceFailed(f"{path}: {refused}", code="link")
    return drop_dir().resolve() / "/".join(parts)
