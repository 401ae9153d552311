"""Which bytes a file holds, as one number."""

import hashlib
import os
import time
from collections import OrderedDict
from pathlib import Path

CHUNK = 4 * 1024 * 1024
KEEP_DIGESTS = 64
SETTLED_NS = 2_000_000_000
_digests: OrderedDict[str, tuple[tuple[int, ...], str]] = OrderedDict()


def digest_of(path: str | Path) -> str:
    """SHA-256 of a file. One that this process has read and nobody touched since is not read again."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        began = time.time_ns()
        mark = _mark(file.fileno())
        known = _digests.get(str(path))
        if known is not None and known[0] == mark:
            return known[1]
        while chunk := file.read(CHUNK):
            digest.update(chunk)
        found = digest.hexdigest()
        # Clocks of file systems are coarse: of a file changed just now a later change may not show.
        if _mark(file.fileno()) == mark and began - max(mark[-2:]) > SETTLED_NS:
            _digests[str(path)] = (mark, found)
            while len(_digests) > KEEP_DIGESTS:
                _digests.pop(next(iter(_digests)), None)
    return found


def _mark(descriptor: int) -> tuple[int, ...]:
    """What changes with a file's content; the time of its last change cannot be set by hand."""
    found = os.fstat(descriptor)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
