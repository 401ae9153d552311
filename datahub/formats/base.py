"""What every reader gives: pieces read in order, each parsed on its own, in any thread."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from datahub.declare import Datum
from datahub.faults import Fault, Notes

MAX_COLUMNS = 2_000


@dataclass
class Block:
    """Some consecutive rows of a source.

    arrays: by header of the source, typed or text. rows: how many rows the source has here,
    unreadable ones included. index: the 0-based place of each row of the arrays among them,
    None when none is missing. faults: the unreadable ones.
    """

    arrays: dict[str, pa.Array]
    rows: int
    index: np.ndarray | None = None
    faults: list[Fault] = field(default_factory=list)

    @property
    def length(self) -> int:
        return len(next(iter(self.arrays.values()))) if self.arrays else 0

    def place(self, position: int) -> int:
        return int(self.index[position]) if self.index is not None else position


class Source(Protocol):
    """An opened file. `hints` may be set before the first piece: header -> kind to try first.

    A source that knows where its rows lie says so: `place`, the headers of longitude and latitude, and
    `datum`, what they refer to.
    """

    header: list[str]
    notes: Notes
    hints: dict[str, str]
    null_tokens: tuple[str, ...]

    def pieces(self) -> Iterator[Any]: ...

    def parse(self, piece: Any) -> Block: ...


def drop(block: Block, bad: dict[int, Fault]) -> Block:
    """Without the rows at these positions, whose faults are kept."""
    if not bad:
        return block
    keep = np.ones(block.length, dtype=bool)
    keep[list(bad)] = False
    index = (np.arange(block.length) if block.index is None else block.index)[keep]
    mask = pa.array(keep)
    arrays = {name: array.filter(mask) for name, array in block.arrays.items()}
    return Block(arrays, block.rows, index, block.faults + list(bad.values()))


def flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One array, without copying where there is one chunk."""
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column


def place_of(source: Source) -> tuple[str, str] | None:
    return getattr(source, "place", None)


def datum_of(source: Source) -> Datum | None:
    return getattr(source, "datum", None)
