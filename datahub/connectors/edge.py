"""The edge of a cursor: which rows near its newest value are in the lake already.

A source may write two rows with one cursor value, the second after we read the first; and it may make
rows visible late, behind rows that we have. So each run looks again from `overlap` behind the newest
value, and knows by number the rows there that it has. A row's number is a hash of what identifies it
and of how often the same came before it, so that two equal rows are two rows. 64 bits: among a million
rows at the edge a new row is mistaken for a known one with odds of one in 10^13.
"""

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from .errors import SourceFailed

MAX_ROWS = 2_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rank(value: Any) -> int:
    """Cursor values as whole numbers in their order: themselves, or microseconds. Text has no distance."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (aware - EPOCH) // timedelta(microseconds=1)
    if isinstance(value, date):
        return (datetime(value.year, value.month, value.day, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    return value if isinstance(value, int) and -(2**63) <= value < 2**63 else 0


def to_json(value: Any) -> dict[str, Any]:
    """A cursor value as it is stored; the kind stands beside it."""
    if isinstance(value, datetime):
        return {"kind": "time" if value.tzinfo else "naive", "value": value.isoformat()}
    if isinstance(value, date):
        return {"kind": "date", "value": value.isoformat()}
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise SourceFailed(_("The cursor column holds %(kind)s; it has to be whole numbers, times or text.")
                           % {"kind": type(value).__name__}, code="bad_cursor")  # fmt: skip
    return {"kind": "integer" if isinstance(value, int) else "text", "value": value}


def from_json(stored: dict[str, Any]) -> Any:
    value = stored["value"]
    if stored["kind"] in ("time", "naive"):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if stored["kind"] == "date" else value


def behind(value: Any, overlap: int) -> Any:
    """From where to look again: `overlap` seconds or units before the value; text: the value itself."""
    if not overlap or isinstance(value, str):
        return value
    try:
        if isinstance(value, datetime):
            return value - timedelta(seconds=overlap)
        if isinstance(value, date):
            return value - timedelta(days=-(-overlap // 86_400))
        return max(value - overlap, -(2**63))
    except OverflowError:
        return value


def number_of(identity: tuple[Any, ...], before: int) -> int:
    said = repr((identity, before)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "big")


class Edge:
    """Which rows of the edge are known. Rows are asked about in the order in which they are read."""

    def __init__(self, packed: bytes = b"", *, ordered: bool = True) -> None:
        self._ordered = ordered  # rows with one cursor value come together: what was counted may be forgotten
        self._known: dict[int, int] = {}  # number of the row -> rank of its cursor value
        self._before: Counter[tuple[Any, ...]] = Counter()  # of rows with the present cursor value
        self._value: Any = None
        if packed:
            both = np.frombuffer(zlib.decompress(packed), dtype=np.int64).reshape(2, -1)
            numbers = both[0].view(np.uint64).tolist()
            self._known = dict(zip(numbers, both[1].tolist(), strict=True))

    def __len__(self) -> int:
        return len(self._known)

    def number(self, identity: tuple[Any, ...]) -> int:
        """The number of the next row that reads so; its cursor value stands first."""
        if self._ordered and identity[0] != self._value:
            self._value = identity[0]
            self._before.clear()
        self._before[identity] += 1
        return number_of(identity, self._before[identity])

    def knows(self, number: int) -> bool:
        return number in self._known

    def still(self, newest: Any, last: Any, overlap: int) -> dict[int, int]:
        """What is known of the edge behind `newest`; of text only while the newest value is the same."""
        if newest == last:
            return self._known
        if isinstance(newest, str):
            return {}
        bound = rank(behind(newest, overlap))
        return {number: at for number, at in self._known.items() if at >= bound}


def pack(known: dict[int, int], rows: Iterable[tuple[int, int]]) -> bytes:
    """(number, rank) of the rows at the edge. Raises SourceFailed where there are too many."""
    found = {**known, **dict(rows)}
    if len(found) > MAX_ROWS:
        raise SourceFailed(
            _(
                "More than %(n)s rows stand at the newest value of the cursor. Choose a cursor column that"
                " tells rows apart better, or a smaller overlap."
            )
            % {"n": f"{MAX_ROWS:,}"},
            code="edge_too_wide",
        )
    if not found:
        return b""
    numbers = np.array(list(found), dtype=np.uint64).view(np.int64)
    return zlib.compress(np.stack([numbers, np.array(list(found.values()), dtype=np.int64)]).tobytes(), 1)
